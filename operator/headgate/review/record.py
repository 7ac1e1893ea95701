"""What is kept of one human review."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

_COMPUTED = {
    "human_changed_mind": "Whether final_decision differs from human_initial_decision.",
    "disagreement": "Whether human_initial_decision differs from ai_prediction.",
}
LONGEST = 256


def _text(told: str, *, fewest: int = 1) -> Any:
    described = {"type": "string", "minLength": fewest, "maxLength": LONGEST, "description": told}
    return field(metadata=described) if fewest else field(default="", metadata=described)


def _share(told: str) -> Any:
    return field(metadata={"type": "number", "minimum": 0, "maximum": 1, "description": told})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRecord:
    """One case that a person decided: judged first without the model's answer, then with it. Decisions are names, like `approve`.

    Raises ValueError, naming the field, for what does not fit the schema.
    """

    case_id: str = _text("The application's name for the case.")
    human_initial_decision: str = _text("What the person decided before they saw the model's answer.")
    human_confidence: float = _share("How sure the person was then.")
    ai_prediction: str = _text("What the model decided.")
    ai_confidence: float = _share("How sure the model was.")
    final_decision: str = _text("What was decided in the end.")
    timestamp: datetime = field(metadata={"type": "string", "format": "date-time", "description": "When it was decided in the end, UTC."})
    reviewer: str = _text("Who decided. Data on staff: keep it no longer than needed.", fewest=0)
    segment: str = _text("Whose cases are looked at apart, like a region.", fewest=0)
    route: str = _text("Why a person saw it: audit, low-confidence or review-mode.", fewest=0)

    def __post_init__(self) -> None:
        for one in fields(self):
            _check(one.name, getattr(self, one.name), one.metadata)

    @property
    def human_changed_mind(self) -> bool:
        return self.final_decision != self.human_initial_decision

    @property
    def disagreement(self) -> bool:
        return self.human_initial_decision != self.ai_prediction

    @property
    def changed(self) -> bool:
        """Whether the person overrode the model."""
        return self.final_decision != self.ai_prediction

    def document(self) -> dict[str, Any]:
        """For JSON, as the schema says."""
        written = {one.name: getattr(self, one.name) for one in fields(self)}
        when = self.timestamp.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return written | {"timestamp": when} | {name: getattr(self, name) for name in _COMPUTED}


def record_of(document: Mapping[str, Any]) -> ReviewRecord:
    """A record from its JSON. Raises ValueError, naming the field: also for one that is unknown, and for computed ones that do not fit."""
    names = [one.name for one in fields(ReviewRecord)]
    if strangers := sorted(set(document) - {*names, *_COMPUTED}):
        raise ValueError(f"{strangers[0]}: no field of a review record")
    if missing := [name for name in schema()["required"] if name not in document]:
        raise ValueError(f"{missing[0]}: is missing")
    given = {name: document[name] for name in names if name in document}
    try:
        given["timestamp"] = datetime.fromisoformat(given["timestamp"])
    except (TypeError, ValueError) as error:
        raise ValueError(f"timestamp: {given['timestamp']!r} is no time like 2026-03-01T09:30:00Z") from error
    record = ReviewRecord(**given)
    for name in _COMPUTED:
        if document[name] is not getattr(record, name):
            raise ValueError(f"{name}: {document[name]!r} does not follow from the decisions")
    return record


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `ReviewRecord.document`."""
    properties = {one.name: dict(one.metadata) for one in fields(ReviewRecord)}
    computed = {name: {"type": "boolean", "description": told} for name, told in _COMPUTED.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ReviewRecord",
        "description": "One case that a person decided: judged first without the model's answer, then with it.",
        "type": "object",
        "properties": properties | computed,
        "required": [*(name for name, said in properties.items() if said.get("minLength", 1)), *computed],
        "additionalProperties": False,
    }


def _check(name: str, value: Any, said: Mapping[str, Any]) -> None:
    if said["type"] == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
            raise ValueError(f"{name}: {value!r} is no number from 0 to 1")
    elif said.get("format") == "date-time":
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise ValueError(f"{name}: {value!r} is no time with its zone")
    elif not isinstance(value, str) or not said["minLength"] <= len(value) <= said["maxLength"]:
        raise ValueError(f"{name}: {str(value)[:40]!r} is no text of {said['minLength']} to {said['maxLength']} characters")
