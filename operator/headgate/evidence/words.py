"""What a check saw, in counts and sentences. E-values are spoken of only as what they promise about rollouts."""

from math import floor

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.asymptotic import BURN_IN
from headgate.evidence.view import CheckReading, NoiseMode

_SHOWN_AT = 10.0
"""Weaker evidence than 1 rollout in 10 is within what identical versions show all the time."""
_MOST = 1_000_000_000.0
"""The promise is cut off here: larger numbers say nothing more to a person."""

_EVEN = 1.1
"""Dispersion up to which requests are as good as independent."""

_EVENTS = {Metric.ERRORS: "failed", Metric.REJECTIONS: "were rejected", Metric.LATENCY: "were slow"}


def sentence(check: CheckReading) -> str:
    """One check: the counts of both versions, the limit, and how rare such evidence would be, were the candidate within the limit.

    Of latency `detail` names the bounds that are compared; where each version has its own, no share is the limit.
    """
    if check.verdict is Verdict.NOT_MEASURABLE:
        return f"cannot be measured: {check.detail or 'the metrics do not show it'}"
    if check.candidate_requests == 0 or check.stable_requests == 0:
        lacking = "the candidate" if check.candidate_requests == 0 else "the stable version"
        return f"no requests of {lacking} to compare yet"
    parts = [
        f"{counted(check.candidate_events, check.candidate_requests)} {_EVENTS.get(check.metric, 'events')}"
        f" against {counted(check.stable_events, check.stable_requests)} of the stable version",
        *([check.detail] if check.detail else []),
        *([f"your limit is {points(check.limit)}"] if check.limit > 0.0 or check.metric is not Metric.LATENCY else []),
        *_strength(check),
        *_noise(check),
    ]
    return "; ".join(parts)


def counted(events: int, requests: int) -> str:
    """`17 of 600 (2.8 %)`. Nothing of nothing has no rate."""
    rate = f" ({percent(events / requests)})" if requests else ""
    return f"{events:,} of {requests:,}{rate}"


def percent(share: float) -> str:
    """A share in 0..1. Never rounded to 0 % or 100 % unless it is: `<0.1 %`, `>99.9 %`."""
    if 0.0 < share < 0.0005:
        return "<0.1 %"
    if 0.9995 <= share < 1.0:
        return ">99.9 %"
    return f"{share * 100:.1f} %" if 0.0 < share < 1.0 else f"{share * 100:.0f} %"


def points(share: float) -> str:
    """A difference of shares in percentage points: `+0.5 pp`."""
    text = f"{share * 100:.2f}".rstrip("0").rstrip(".")
    return f"+{text} pp"


def rarity(harm: float) -> str:
    """What a harm e-value promises (Ville's inequality): at most one rollout in floor(harm) within the limits ever shows as much."""
    return f"at most 1 rollout in {floor(min(max(harm, 1.0), _MOST)):,}"


def _strength(check: CheckReading) -> list[str]:
    if check.verdict is Verdict.FAIL or check.harm >= _SHOWN_AT:
        return [f"were it within the limit, evidence this strong at any look: {rarity(check.harm)}"]
    if check.verdict is Verdict.PASS:
        return [f"were it at the limit, evidence of being good this strong at any look: {rarity(check.good)}"]
    return ["not enough evidence yet to call it good or bad"]


def _noise(check: CheckReading) -> list[str]:
    """How the noise of the stable version was allowed for."""
    what = "slow requests" if check.metric is Metric.LATENCY else str(check.metric)
    match check.noise:
        case NoiseMode.ROBUST:
            why = f"{check.noise_detail}: " if check.noise_detail else ""
            return [f"{why}judged by differences between blocks; no decision before {BURN_IN} blocks unless obvious"]
        case NoiseMode.LEARNING if check.dispersion <= 1.0:
            return [f"how unevenly {what} of the stable version come is not known yet; until it is, evidence counts little unless obvious"]
        case NoiseMode.HISTORY | NoiseMode.LEARNING if check.dispersion <= _EVEN:
            return [f"{what} of the stable version come about as evenly as independent ones"]
        case NoiseMode.HISTORY | NoiseMode.LEARNING:
            times = f"{what} of the stable version may come {check.dispersion:.1f} times as unevenly as independent ones"
            return [f"{times}, by what its pods have shown; evidence is reduced accordingly"]
    return []
