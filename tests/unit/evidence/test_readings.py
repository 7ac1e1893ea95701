"""Readings survive the way through JSON."""

import json
from math import inf, isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.evidence.readings import decode, encode
from headgate.evidence.view import CheckReading, Evidence, GuardReading, MirrorReading, SegmentReading, SegmentsReading

_numbers = st.floats(allow_nan=False, allow_infinity=False)
_checks = st.builds(CheckReading, harm=_numbers, good=_numbers, difference=_numbers, limit=_numbers)
_guards = st.builds(GuardReading, max_rate=_numbers, seconds=_numbers)
_segments = st.builds(
    SegmentsReading,
    label=st.text(),
    segments=st.lists(st.builds(SegmentReading, segment=st.text(), checks=st.lists(_checks, max_size=2).map(tuple)), max_size=2).map(tuple),
    named=st.lists(st.text(), max_size=2).map(tuple),
    harm=_numbers,
)
_evidence = st.builds(
    Evidence,
    as_of=st.none() | _numbers,
    checks=st.lists(_checks, max_size=3).map(tuple),
    candidate_guards=st.lists(_guards, max_size=2).map(tuple),
    stable_guards=st.lists(_guards, max_size=2).map(tuple),
    stage_fresh_seconds=_numbers,
    harm=_numbers,
    notes=st.lists(st.text(), max_size=2).map(tuple),
    segments=st.none() | _segments,
    mirror=st.none() | st.builds(MirrorReading, expected=_numbers),
)


@given(_evidence)
def test_decode_inverts_encode(evidence: Evidence) -> None:
    assert decode(encode(evidence)) == evidence


def test_infinite_evidence_is_valid_json() -> None:
    text = encode(Evidence(harm=inf))
    assert "Infinity" not in text
    assert isfinite(decode(text).harm)
    assert decode(text).harm > 1e9


def test_fields_of_other_releases() -> None:
    value = json.loads(encode(Evidence())) | {"invented": 1}
    del value["stageRequests"]
    assert decode(json.dumps(value)) == Evidence()


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '{"checks": [{"metric": "errors"}]}', '{"verdict": "Great"}'])
def test_anything_else_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        decode(text)
