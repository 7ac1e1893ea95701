"""What was seen of fairness, in counts and a sentence."""

from headgate.api.vocabulary import Verdict
from headgate.evidence.fairness.reading import FairnessReading, GroupReading
from headgate.evidence.words import percent

_CALLED = {
    Verdict.FAIL: "proven to be beyond the limit",
    Verdict.PASS: "proven to be within the limit",
    Verdict.INCONCLUSIVE: "not enough evidence yet to call it fair or unfair",
}


def fairness_words(reading: FairnessReading) -> str:
    """The worst group against its reference in counts, the limits, and what that proves."""
    if not reading.worst:
        return reading.detail
    worst, against = reading.of(reading.worst), reading.of(reading.against)
    counts = f"approved {_of(worst)} in group {worst.group} against {_of(against)} in group {against.group}"
    return "; ".join([f"{counts}: {_figures(reading)}", *_standing(reading)])


def _of(group: GroupReading) -> str:
    return f"{percent(group.rate)} of {group.decisions:,}" if group.decisions else "0 of 0"


def _figures(reading: FairnessReading) -> str:
    words = []
    if reading.ratio is not None:
        words.append(f"ratio {reading.ratio:.2f}{_range(reading.ratio_bounds)}, your limit is {reading.ratio_limit:.2f}")
    if reading.difference is not None and reading.difference_limit is not None:
        limit = f"your limit is -{reading.difference_limit * 100:g} pp"
        words.append(f"difference {_points(reading.difference)} pp{_range(reading.difference_bounds, 100.0)}, {limit}")
    return "; ".join(words)


def _points(share: float) -> str:
    return f"{share * 100:+.1f}"


def _range(bounds: tuple[float, float] | None, scale: float = 1.0) -> str:
    if bounds is None:
        return ""
    low, high = (value * scale for value in bounds)
    return f" (between {low:.2f} and {high:.2f})" if scale == 1.0 else f" (between {low:+.1f} and {high:+.1f})"


def _standing(reading: FairnessReading) -> list[str]:
    if reading.verdict is Verdict.FAIL:
        others = [group for group in reading.named if group != reading.worst]
        return [_CALLED[Verdict.FAIL], *([f"so are {', '.join(others)}"] if others else [])]
    if reading.suspected:
        return ["proven to be beyond half of the limit: nothing rises until this is settled"]
    return [_CALLED[reading.verdict]] if reading.verdict in _CALLED else [reading.detail]
