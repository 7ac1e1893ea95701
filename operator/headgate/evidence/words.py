"""What a check saw, in counts and sentences. E-values are spoken of only as what they promise about rollouts."""

from math import floor

from headgate.api.vocabulary import SUMMED, Metric, Verdict
from headgate.evidence.bets.asymptotic import BURN_IN
from headgate.evidence.view import CheckReading, NoiseMode

_SHOWN_AT = 10.0
"""Weaker evidence than 1 rollout in 10 is within what identical versions show all the time."""
_MOST = 1_000_000_000.0
"""The promise is cut off here: larger numbers say nothing more to a person."""

_EVEN = 1.1
"""Dispersion up to which requests are as good as independent."""

_EVENTS = {
    Metric.ERRORS: "failed",
    Metric.REJECTIONS: "were rejected",
    Metric.LATENCY: "were slow",
    Metric.CONVERSIONS: "converted",
}


def sentence(check: CheckReading) -> str:
    """One check: the counts of both versions, the limit, and how rare such evidence would be, were the candidate within the limit.

    Of latency `detail` names the bounds that are compared; where each version has its own, no share is the limit.
    """
    if check.verdict is Verdict.NOT_MEASURABLE:
        return f"cannot be measured: {check.detail or 'the metrics do not show it'}"
    if check.verdict is Verdict.NO_DATA and check.metric in SUMMED and check.detail:
        return f"nothing is known now: {check.detail}"
    if check.candidate_requests == 0 or check.stable_requests == 0:
        lacking = "the candidate" if check.candidate_requests == 0 else "the stable version"
        return f"no requests of {lacking} to compare yet"
    parts = [
        _difference(check),
        *([check.detail] if check.detail else []),
        *([f"your limit is {limit(check)}"] if check.limit > 0.0 or check.metric is not Metric.LATENCY else []),
        *_strength(check),
        *_noise(check),
    ]
    return "; ".join(parts)


def _difference(check: CheckReading) -> str:
    if check.metric is not Metric.VALUE:
        return (
            f"{counted(check.candidate_events, check.candidate_requests)} {_EVENTS.get(check.metric, 'events')}"
            f" against {counted(check.stable_events, check.stable_requests)} of the stable version"
        )
    known = check.low > -1.0 or check.high < 1.0
    bounds = f", with confidence {part(check.low)} to {part(check.high)}" if known else ""
    return f"{of_candidate(check)} against {of_stable(check)} of the stable version ({part(check.difference)}{bounds})"


def of_candidate(check: CheckReading) -> str:
    """What the candidate did: events of requests, or the value of an answer."""
    if check.metric is Metric.VALUE:
        return _worth(check.candidate_mean, check.candidate_requests)
    return counted(check.candidate_events, check.candidate_requests)


def of_stable(check: CheckReading) -> str:
    """The same of the stable version."""
    if check.metric is Metric.VALUE:
        return _worth(check.stable_mean, check.stable_requests)
    return counted(check.stable_events, check.stable_requests)


def limit(check: CheckReading) -> str:
    """`+0.5 pp`; of a value `-5 %`, a part of the stable version's."""
    return part(check.limit) if check.metric is Metric.VALUE else points(check.limit)


def _worth(mean: float, answers: int) -> str:
    return f"{mean:,.4g} an answer (of {answers:,})"


def part(share: float) -> str:
    """A relative difference: `-5 %`, `+0.4 %`."""
    text = f"{share * 100:+.1f}".removesuffix(".0")
    return f"{text} %"


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
    text = f"{share * 100:+.2f}".rstrip("0").rstrip(".")
    return f"{text} pp"


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
    if check.metric is Metric.VALUE and check.noise in (NoiseMode.HISTORY, NoiseMode.LEARNING):
        return [_spread(check)]
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


def _spread(check: CheckReading) -> str:
    """Of values, whose spread is learnt first of all."""
    if check.dispersion <= 1.0:
        return "how much values differ between answers is not known yet; nothing is bet until it is"
    known = "how much values differ is known by what the stable version's pods have shown"
    return (
        known
        if check.dispersion <= 1.5
        else f"{known}; means of several blocks vary {check.dispersion:.1f} times as much as single ones tell"
    )
