"""Evidence as JSON: how the operator shows its readings to the command line, in a ConfigMap beside the model."""

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from math import isfinite
from typing import Any, TypeVar

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.fairness.reading import FairnessReading, GroupReading
from headgate.evidence.view import CheckReading, Evidence, GuardReading, MirrorReading, NoiseMode, SegmentReading, SegmentsReading

READINGS_KEY = "readings.json"
_LARGEST = 1e300

_Reading = TypeVar(
    "_Reading", CheckReading, GuardReading, FairnessReading, GroupReading, SegmentReading, SegmentsReading, MirrorReading, Evidence
)


def config_map_name(model: str) -> str:
    """Name of the ConfigMap that shows the readings of `model`."""
    return f"{model}-evidence"


def encode(evidence: Evidence) -> str:
    """camelCase keys; infinite e-values are cut off, because JSON has none."""
    return json.dumps(_plain(evidence), separators=(",", ":"), allow_nan=False)


def decode(text: str) -> Evidence:
    """The inverse of `encode`. Fields that another release wrote are dropped, missing ones take their defaults.

    Raises ValueError if `text` is not such a reading.
    """
    try:
        value = json.loads(text)
        known = _known(Evidence, value)
        return Evidence(
            **known
            | {
                "verdict": Verdict(value.get("verdict", Verdict.NO_DATA)),
                "checks": tuple(_check(entry) for entry in value.get("checks") or ()),
                "candidate_guards": tuple(_guard(entry) for entry in value.get("candidateGuards") or ()),
                "stable_guards": tuple(_guard(entry) for entry in value.get("stableGuards") or ()),
                "notes": tuple(value.get("notes") or ()),
                "fairness": _fairness(value["fairness"]) if value.get("fairness") else None,
                "segments": _segments(value["segments"]) if value.get("segments") else None,
                "mirror": MirrorReading(**_known(MirrorReading, value["mirror"])) if value.get("mirror") else None,
            }
        )
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"not a reading: {error}") from error


def _check(entry: Mapping[str, Any]) -> CheckReading:
    words = {"metric": Metric(entry["metric"]), "verdict": Verdict(entry["verdict"]), "noise": NoiseMode(entry.get("noise", ""))}
    return CheckReading(**_known(CheckReading, entry) | words)


def _guard(entry: Mapping[str, Any]) -> GuardReading:
    return GuardReading(**_known(GuardReading, entry) | {"metric": Metric(entry["metric"])})


def _fairness(entry: Mapping[str, Any]) -> FairnessReading:
    bounds = {name: tuple(entry[_camel(name)]) for name in ("ratio_bounds", "difference_bounds") if entry.get(_camel(name)) is not None}
    return FairnessReading(
        **_known(FairnessReading, entry)
        | bounds
        | {
            "verdict": Verdict(entry["verdict"]),
            "groups": tuple(GroupReading(**_known(GroupReading, group)) for group in entry.get("groups") or ()),
            "named": tuple(entry.get("named") or ()),
        }
    )


def _segments(entry: Mapping[str, Any]) -> SegmentsReading:
    return SegmentsReading(
        **_known(SegmentsReading, entry)
        | {
            "verdict": Verdict(entry["verdict"]),
            "segments": tuple(_segment(one) for one in entry.get("segments") or ()),
            "named": tuple(entry.get("named") or ()),
        }
    )


def _segment(entry: Mapping[str, Any]) -> SegmentReading:
    return SegmentReading(**_known(SegmentReading, entry) | {"checks": tuple(_check(one) for one in entry.get("checks") or ())})


def _known(kind: type[_Reading], entry: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: entry[_camel(field.name)] for field in fields(kind) if _camel(field.name) in entry}


def _plain(value: object) -> Any:
    if isinstance(value, _Reading.__constraints__):
        return {_camel(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, float) and not isfinite(value):
        return _LARGEST if value > 0 else 0.0
    return value


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)
