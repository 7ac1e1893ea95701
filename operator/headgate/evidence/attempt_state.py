"""All that is remembered of one attempt's evidence, and its form as a checkpoint."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from headgate.evidence import judge, timeline
from headgate.evidence.counting.tracker import Tracker
from headgate.evidence.counting.values import Values
from headgate.evidence.fairness.decisions import Watch
from headgate.evidence.judge import JudgeState
from headgate.evidence.pods import state as noise_state
from headgate.evidence.pods.state import Noise
from headgate.evidence.segments import judge as segmented
from headgate.evidence.segments.judge import Split
from headgate.evidence.timeline import Timeline

TIMELINE = "timeline"
"""The part of a checkpoint that is for people alone: without it, evidence goes on and the picture begins anew."""
_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Source:
    """How the source of the samples does. `answered` is our time of its last good answer; `down_since` of the first bad one after it."""

    answered: float | None = None
    down_since: float | None = None
    error: str = ""
    skew: float = 0.0


@dataclass(frozen=True, slots=True)
class AttemptEvidence:
    """All that is remembered of one attempt. `shadow` tells whose question the judge is at work on: shadow and canary each have one."""

    attempt: str
    shadow: bool
    judge: JudgeState
    tracker: Tracker = field(default_factory=Tracker)
    source: Source = field(default_factory=Source)
    fairness: Watch = field(default_factory=Watch)
    """Decisions about groups of people, if the question asks for them."""
    noise: Noise = field(default_factory=Noise)
    timeline: Timeline = field(default_factory=Timeline)
    values: Values = field(default_factory=Values)
    """What the versions' own summaries counted, if a check asks for it."""
    segments: Split = field(default_factory=Split)
    """Segments of users, if the question asks for them."""


_TRACKER: TypeAdapter[Tracker] = TypeAdapter(Tracker)
_SOURCE: TypeAdapter[Source] = TypeAdapter(Source)
_WATCH: TypeAdapter[Watch] = TypeAdapter(Watch)
_VALUES: TypeAdapter[Values] = TypeAdapter(Values)


def checkpoint(state: AttemptEvidence) -> dict[str, Any]:
    """Plain JSON values from which `restore` gives back an equal state, to the last bit."""
    return {
        "format": _FORMAT,
        "attempt": state.attempt,
        "shadow": state.shadow,
        "judge": judge.to_json(state.judge),
        "tracker": _TRACKER.dump_python(state.tracker, mode="json"),
        "source": _SOURCE.dump_python(state.source, mode="json"),
        **({} if state.fairness == Watch() else {"fairness": _WATCH.dump_python(state.fairness, mode="json")}),
        **({} if state.values == Values() else {"values": _VALUES.dump_python(state.values, mode="json")}),
        **({} if state.segments == Split() else {"segments": segmented.to_json(state.segments)}),
        "noise": noise_state.to_json(state.noise),
        TIMELINE: timeline.to_json(state.timeline),
    }


def restore(data: dict[str, Any]) -> AttemptEvidence:
    """Raises ValueError if `data` was not written by `checkpoint` of this format."""
    if data.get("format") != _FORMAT:
        raise ValueError(f"checkpoint of format {data.get('format')!r}, not {_FORMAT}: start the attempt's evidence anew")
    try:
        tracker, source = _TRACKER.validate_python(data["tracker"]), _SOURCE.validate_python(data["source"])
        watch, past = _WATCH.validate_python(data.get("fairness", {})), timeline.recalled(data.get(TIMELINE))
        noise, values = noise_state.from_json(data["noise"]), _VALUES.validate_python(data.get("values", {}))
        split = segmented.from_json(data["segments"]) if "segments" in data else Split()
        judged = judge.from_json(data["judge"])
        return AttemptEvidence(data["attempt"], data["shadow"], judged, tracker, source, watch, noise, past, values, split)
    except (KeyError, TypeError, ValidationError) as error:
        raise ValueError(f"checkpoint cannot be read: {error}") from error
