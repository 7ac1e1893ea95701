"""From counters of segments to evidence: every segment of users has a judge of its own, and the worst one decides.

Each judge sets the candidate against the stable version among the requests of one segment, in the blocks and with the tests that are used
for all users. How clustered failures are within a segment is seen by nobody beforehand (what is spread over all users may come from one
segment alone), so noise is learnt from differences between blocks, as for versions without pods of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import exp, log
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from headgate.api.vocabulary import Verdict
from headgate.evidence import judge
from headgate.evidence.bets import panel
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.calibration import Calibration
from headgate.evidence.bets.comparison import EQUALITY
from headgate.evidence.check import SegmentsQuestion
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, NoAnswer, RawSeries, TargetSamples
from headgate.evidence.counting.tracker import Closed, Tracker
from headgate.evidence.counting.tracker import fold as track
from headgate.evidence.judge import JudgeState
from headgate.evidence.measure import limits_for
from headgate.evidence.segments.several import e_bh, growth
from headgate.evidence.view import CheckReading, SegmentReading, SegmentsReading

_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class Split:
    """What is remembered of the segments of one attempt. `judges` by segment, in order of appearance.

    `joined` is the log of their joined e-value, `peak` its running maximum, `failed` the segment and the check (a position) to blame,
    `named` what e-BH named then. `answered` is our time of the last good answer, `error` what came instead since. `arms` are the versions
    that have such counters, `crowded` tells that they told more segments apart than are judged.
    """

    shadow: bool = False
    tracker: Tracker = field(default_factory=Tracker)
    judges: Mapping[str, JudgeState] = field(default_factory=dict)
    joined: float = 0.0
    peak: float = 0.0
    failed: tuple[str, int] | None = None
    named: tuple[str, ...] = ()
    answered: float | None = None
    error: str = ""
    arms: tuple[Arm, ...] = ()
    crowded: bool = False


def fold(split: Split, asked: SegmentsQuestion, exposure: Exposure, answer: TargetSamples | NoAnswer, now: float) -> Split:
    """The split after one answer. Samples seen before change nothing. Going from shadow to canary starts new judges, which know what is
    known of the stable version."""
    if isinstance(answer, NoAnswer):
        return replace(split, error=f"{answer.outage}: {answer.text}")
    split = _for_exposure(split, asked, exposure)
    series, crowded = _few(split, asked, answer.series)
    # Nobody counts by segment what was sent and never answered.
    tracker, closed = track(split.tracker, replace(exposure, sees_missing=False), replace(answer, series=series))
    arms = tuple(sorted({*split.arms, *(one.arm for one in series)}))
    split = replace(split, tracker=tracker, answered=now, error="", arms=arms, crowded=split.crowded or crowded)
    for one in closed:
        split = _judged(split, asked, one)
    return split


def read(split: Split, asked: SegmentsQuestion, exposure: Exposure) -> SegmentsReading:
    """What is known of the present exposure. Proven harm stands."""
    split = _for_exposure(split, asked, exposure)
    readings = tuple(_reading(split, asked, name) for name in split.judges)
    known = SegmentsReading(
        label=asked.label,
        segments=readings,
        required=any(check.required for check in asked.each.checks),
        worst=split.failed[0] if split.failed is not None else _worst(split, asked),
        harm=exp(min(split.peak, _LARGEST_LOG)),
        named=split.named,
    )
    if split.failed is not None:
        return replace(known, verdict=Verdict.FAIL)
    if lacking := _lacking(split, asked, exposure):
        return replace(known, verdict=Verdict.NOT_MEASURABLE, detail=lacking)
    counted = [one for one in readings if one.counted]
    if not counted:
        return replace(known, detail=f"no segment has {asked.min_requests:,} compared requests of both versions yet")
    return replace(known, verdict=Verdict.PASS if all(one.proven for one in counted) else Verdict.INCONCLUSIVE)


def _for_exposure(split: Split, asked: SegmentsQuestion, exposure: Exposure) -> Split:
    """Shadow and canary have an error budget each."""
    if split.shadow == exposure.shadow:
        return split
    judges = {name: judge.follow(state, asked.each) for name, state in split.judges.items()}
    arms = tuple(sorted({arm if arm is Arm.STABLE else exposure.candidate for arm in split.arms}))
    return Split(exposure.shadow, split.tracker, judges, answered=split.answered, error=split.error, arms=arms, crowded=split.crowded)


def _few(split: Split, asked: SegmentsQuestion, series: tuple[RawSeries, ...]) -> tuple[tuple[RawSeries, ...], bool]:
    """The series of segments that are judged, and whether others were left out."""
    known = {*split.judges, *(cursor.rpartition("|")[2] for cursor in split.tracker.cursors.series)}
    new = sorted({one.segment for one in series} - known)
    kept = known | set(new[: max(0, asked.most - len(known))])
    few = tuple(one for one in series if one.segment in kept)
    return few, len(few) < len(series)


def _judged(split: Split, asked: SegmentsQuestion, closed: Closed) -> Split:
    """After one block. A segment that appears with it joins the stake with its share of what is there."""
    each, fresh = asked.each, judge.start(asked.each)
    names = tuple(dict.fromkeys((*split.judges, *closed.segments)))
    if not names or not each.checks:
        return split
    nothing = Block(closed.block.end, ArmCounts(), ArmCounts(), closed.block.bounds, closed.block.usable)
    noise = Calibration.robust((len(each.checks),))
    before = [split.judges.get(name, fresh) for name in names]
    cases = [
        judge.Case(state, each, closed.segments.get(name, nothing), closed.stage, noise) for name, state in zip(names, before, strict=True)
    ]
    after = judge.advance_all(cases)
    logs = _logs(after, asked)
    joined = split.joined + float(growth(_logs(before, asked), logs, np.ones(len(names), dtype=bool)))
    judges = dict(zip(names, after, strict=True))
    split = replace(split, judges=judges, joined=joined, peak=max(split.peak, joined))
    return split if split.failed is not None else _decided(split, asked, logs)


def _logs(states: list[JudgeState], asked: SegmentsQuestion) -> Floats:
    """log E of harm of each segment: its checks joined."""
    weights = judge.weights_of(asked.each)
    return np.array([float(panel.joint(state.panel.evidence[..., panel.HARM], weights)) for state in states])


def _decided(split: Split, asked: SegmentsQuestion, logs: Floats) -> Split:
    """With the segment to blame once the stake has reached 1/alpha: one that contributes most, or carries enough alone, and whose excess is
    confirmed as for all users."""
    enough = -log(asked.alpha)
    if split.peak < enough:
        return split
    names, weights = list(split.judges), judge.weights_of(asked.each)
    for at in np.argsort(-logs, kind="stable"):
        if logs[at] < logs.max() and logs[at] < enough + log(len(names)):
            break
        state = split.judges[names[at]]
        limits = [limits_for(check, known) for check, known in zip(asked.each.checks, state.latency, strict=True)]
        act = np.array([EQUALITY if one is None else (one.act.ratio, one.act.offset) for one in limits])
        cause = int(panel.blamed(state.panel, np.array(split.peak), weights, asked.alpha, act))
        if cause >= 0:
            named = tuple(names[one] for one in e_bh(logs.tolist(), asked.alpha))
            return replace(split, failed=(names[at], cause), named=named)
    return split


def _worst(split: Split, asked: SegmentsQuestion) -> str:
    names = list(split.judges)
    return names[int(np.argmax(_logs(list(split.judges.values()), asked)))] if names else ""


def _reading(split: Split, asked: SegmentsQuestion, name: str) -> SegmentReading:
    unknown = np.zeros(len(asked.each.checks))
    read = judge.assess(split.judges[name], asked.each, unknown).checks
    checks = tuple(_told(check, split, (name, at)) for at, check in enumerate(read))
    requests = max((min(check.candidate_requests, check.stable_requests) for check in checks), default=0)
    return SegmentReading(name, checks, counted=requests >= asked.min_requests)


def _told(check: CheckReading, split: Split, place: tuple[str, int]) -> CheckReading:
    """What one segment shows by itself proves no harm: it had as many chances as there are segments."""
    if split.failed == place:
        return replace(check, verdict=Verdict.FAIL, harm=exp(min(split.peak, _LARGEST_LOG)))
    return replace(check, verdict=Verdict.INCONCLUSIVE) if check.verdict is Verdict.FAIL else check


def _lacking(split: Split, asked: SegmentsQuestion, exposure: Exposure) -> str:
    """Why segments cannot be told apart, and what to do; empty before the first answer."""
    if split.answered is None:
        return ""
    if split.crowded:
        return f"the label {asked.label} has more than {asked.most} values: write coarser ones, or raise segments.most"
    names = {Arm.STABLE: "stable version", exposure.candidate: "candidate"}
    without = [name for arm, name in names.items() if arm not in split.arms]
    if not without:
        return ""
    return (
        f"the pods of the {' and of the '.join(without)} show no http_requests_total with the label {asked.label}; a gateway's counters"
        f" cannot tell segments apart: count answers by {asked.label} in the model server, and have Prometheus scrape it"
    )


_TRACKER: TypeAdapter[Tracker] = TypeAdapter(Tracker)


def to_json(split: Split) -> dict[str, Any]:
    """Plain JSON values from which `from_json` gives back an equal state, to the last bit."""
    return {
        "tracker": _TRACKER.dump_python(split.tracker, mode="json"),
        "judges": {name: judge.to_json(state) for name, state in split.judges.items()},
        "failed": list(split.failed) if split.failed is not None else None,
        "rest": {name: getattr(split, name) for name in ("shadow", "joined", "peak", "answered", "error", "crowded")},
        "named": list(split.named),
        "arms": list(split.arms),
    }


def from_json(data: dict[str, Any]) -> Split:
    """Raises KeyError, TypeError or ValueError where `data` was not written by `to_json`."""
    return Split(
        tracker=_TRACKER.validate_python(data["tracker"]),
        judges={name: judge.from_json(state) for name, state in data["judges"].items()},
        failed=(data["failed"][0], data["failed"][1]) if data["failed"] is not None else None,
        named=tuple(data["named"]),
        arms=tuple(Arm(arm) for arm in data["arms"]),
        **data["rest"],
    )
