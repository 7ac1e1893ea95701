"""What the judge knows of one check, in the units that people are told."""

from dataclasses import dataclass
from math import exp

from headgate.api.vocabulary import Verdict
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.bets.comparison import CANDIDATE_EVENTS, CANDIDATE_REQUESTS, STABLE_EVENTS, STABLE_REQUESTS, Line
from headgate.evidence.check import Check, Worse
from headgate.evidence.view import CheckReading

_LARGEST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class Found:
    """Of one check: `total` counts of both arms (4,), `peaks` of the log evidence for harm and for good, the `bounds` of the difference as
    people are told it, the dispersion `phi`, and the `line` at the whole margin, None where there is none."""

    total: Floats
    peaks: Floats
    bounds: tuple[float, float]
    phi: float
    line: Line | None


def reading_of(check: Check, verdict: Verdict, found: Found, detail: str) -> CheckReading:
    """Where less is worse the sign is turned back; of conversions those are told that were, not those that were not."""
    total, side = found.total, 1.0 if check.worse is Worse.MORE else -1.0
    n_b, n_c = float(total[STABLE_REQUESTS]), float(total[CANDIDATE_REQUESTS])
    events = [float(total[STABLE_EVENTS]), float(total[CANDIDATE_EVENTS])]
    stable, candidate = (side * count / max(requests, 1.0) for count, requests in zip(events, (n_b, n_c), strict=True))
    limit = side * ((found.line.ratio - 1.0) * side * stable + found.line.offset) if found.line is not None else 0.0
    # Of means everything is told as a part of the stable version's.
    unit = (stable or 1.0) if check.is_mean else 1.0
    counts = [0.0, 0.0] if check.is_mean else events if side > 0.0 else [n_b - events[0], n_c - events[1]]
    return CheckReading(
        metric=check.metric,
        verdict=verdict,
        required=check.required,
        harm=value_of(float(found.peaks[0])),
        good=value_of(float(found.peaks[1])),
        candidate_requests=int(n_c),
        candidate_events=int(counts[1]),
        stable_requests=int(n_b),
        stable_events=int(counts[0]),
        difference=(candidate - stable) / unit,
        low=found.bounds[0],
        high=found.bounds[1],
        limit=limit / unit,
        dispersion=found.phi,
        detail=detail,
        candidate_mean=candidate if check.is_mean else 0.0,
        stable_mean=stable if check.is_mean else 0.0,
    )


def value_of(logarithm: float) -> float:
    """An e-value from its logarithm; finite."""
    return exp(min(logarithm, _LARGEST_LOG))
