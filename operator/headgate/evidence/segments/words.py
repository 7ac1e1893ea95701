"""What was seen of segments of users, in counts and sentences."""

from headgate.api.vocabulary import Verdict
from headgate.evidence.view import CheckReading, SegmentReading, SegmentsReading
from headgate.evidence.words import sentence

_ORDER = (Verdict.FAIL, Verdict.NOT_MEASURABLE, Verdict.INCONCLUSIVE, Verdict.NO_DATA, Verdict.PASS)


def harm_words(reading: SegmentsReading, failed: CheckReading) -> str:
    """Which segment is harmed, in counts. `failed` is the check that proves it."""
    others = [name for name in reading.named if name != reading.worst]
    also = f"; so are {', '.join(others)}" if others else ""
    return f"in segment {reading.label}={reading.worst}: {sentence(failed)}{also}"


def segment_words(reading: SegmentsReading) -> tuple[str, ...]:
    """How they stand together, then each segment in the counts of the check that keeps it from being proven good."""
    return (_together(reading), *(f"{reading.label}={one.segment}: {_one(one)}" for one in reading.segments))


def _together(reading: SegmentsReading) -> str:
    counted = [one for one in reading.segments if one.counted]
    proven = sum(one.proven for one in counted)
    match reading.verdict:
        case Verdict.FAIL:
            others = [name for name in reading.named if name != reading.worst]
            return f"users with {reading.label} {' and '.join([reading.worst, *others])} are proven to be harmed"
        case Verdict.NOT_MEASURABLE | Verdict.NO_DATA:
            return reading.detail
    few = len(reading.segments) - len(counted)
    rest = f"; {few} more with too few requests to need a proof" if few else ""
    return f"{proven} of {len(counted)} segments of {reading.label} are proven good{rest}"


def _one(segment: SegmentReading) -> str:
    if not segment.checks:
        return "nothing compared yet"
    check = min(segment.checks, key=lambda check: _ORDER.index(check.verdict))
    return f"{check.metric} ({check.verdict}): {sentence(check)}"
