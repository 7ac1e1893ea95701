"""People and a live model: whether reviewers look, and whether groups of people are decided about alike."""

from collections.abc import Callable
from datetime import date, timedelta

from headgate.api.monitoring import Oversight, Reviewers
from headgate.api.triggers import Fairness
from headgate.monitoring.floors import Floor
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.counting import AUDITED, GROUP, REVIEWER, REVIEWS, SEEDED
from headgate.monitoring.inservice.daily import Daily
from headgate.monitoring.intervals import difference, ratio
from headgate.monitoring.oversight import (
    Reviews,
    audit_share,
    override_rate,
    passive_or_right,
    passive_reviewers,
    seeded_errors,
    under_load,
)
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

MOST_GROUPS = 16
_SEEDED_SHORTFALL = 0.2


def oversight(daily: Daily, asked: Oversight, today: date, cut: Callable[[str], str]) -> tuple[Named, ...]:
    """Of the last days. Audits and seeded errors are judged where they have ever been counted. `cut` says why nothing can
    be told of a metric, if so."""
    since = today - timedelta(days=asked.window_days - 1)
    days = [(day, _reviews(changed, reviewed)) for day, changed, reviewed in daily.days(REVIEWS) if day >= since]
    least = float(asked.min_override_rate)
    overrides = override_rate([reviews for _, reviews in days], Floor(least, least))
    found = [overrides, under_load([one for one in days if one[0] < today])]
    if why := cut(asked.reviews):
        found = [not_assessed(one.statistic, why) for one in found]
    if why := cut(asked.seeded):
        found.append(not_assessed("seededErrorsNoticed", why))
    elif SEEDED in daily.sums:
        floor = float(asked.min_seeded_found)
        noticed = seeded_errors(*_whole(daily.total(SEEDED, since)), Floor(floor, min(_SEEDED_SHORTFALL, floor)))
        found[0] = passive_or_right(found[0], noticed)
        found.append(noticed)
    if why := cut(asked.routed):
        found.append(not_assessed("auditShare", why))
    elif AUDITED in daily.sums:
        floor = float(asked.min_audit_share)
        found.append(audit_share(*_whole(daily.total(AUDITED, since)), Floor(floor, 0.4 * floor)))
    if asked.reviewers is Reviewers.HASHED:
        counted = (daily.total(REVIEWER + name, since) for name in daily.names(REVIEWER))
        told = passive_reviewers([_reviews(*one) for one in counted])
        why = cut(REVIEWER + asked.reviews) or ("there are more reviewers than are told apart" if daily.crowded else "")
        found.append(not_assessed(told.statistic, why) if why else told)
    return tuple(("", one) for one in found)


def _reviews(changed: float, reviewed: float) -> Reviews:
    part, whole = _whole((changed, reviewed))
    return Reviews(whole, part)


def _whole(sums: tuple[float, float]) -> tuple[int, int]:
    """Counts: never more events than cases, whatever a restart in the middle of a scrape did."""
    whole = max(round(sums[1]), 0)
    return min(max(round(sums[0]), 0), whole), whole


def fairness(daily: Daily, asked: Fairness, since: date, today: date) -> tuple[Named, ...]:
    """Each group against the reference, or against the one that is treated best: the ratio of favourable rates, and their difference.

    Intervals allow for the number of comparisons. Days before `since` are another calendar window.
    """
    names = daily.names(GROUP)
    if len(names) > MOST_GROUPS:
        why = f"label {asked.group_label} has {len(names)} values, more than {MOST_GROUPS}: these are no groups of people"
        return (("", not_assessed("disparateImpact", why)),)
    counts = {name: _whole(daily.total(GROUP + name, since, today)) for name in names}
    judged = {name: one for name, one in counts.items() if one[1] >= asked.min_decisions}
    against = asked.reference or max(judged, key=lambda name: (judged[name][0] / judged[name][1], name), default="")
    if against not in judged or len(judged) < 2:
        why = f"fewer than two groups with {asked.min_decisions} decisions" + (f", or none about {against}" if against else "")
        return (("", not_assessed("disparateImpact", why)),)
    pairs = (len(judged) - 1) * (1 if asked.reference else len(judged))
    confidence = 1.0 - 0.05 / pairs
    found: list[Named] = []
    other = judged.pop(against)
    for name, group in judged.items():
        found.append((name, _impact(group, other, against, float(asked.min_disparate_impact), confidence)))
        if asked.max_parity_difference is not None:
            most = asked.max_parity_difference.fraction
            found.append((name, _parity(group, other, against, most, confidence)))
    return tuple(found)


def _impact(group: tuple[int, int], other: tuple[int, int], against: str, least: float, confidence: float) -> Result:
    value, (low, high) = ratio(group, other, confidence)
    told = (
        f"favourable {group[0]:,} of {group[1]:,}, for {against} {other[0]:,} of {other[1]:,}: {value:.3g} times ({low:.3g} to {high:.3g})"
    )
    if high < least:
        verdict, told = LimitVerdict.VIOLATED, f"{told}, below {least:g}"
    elif low >= least:
        verdict, told = LimitVerdict.WITHIN_LIMITS, f"{told}, {least:g} or more"
    else:
        verdict, told = LimitVerdict.NOT_ASSESSED, f"{told}: too few decisions to tell from {least:g}"
    return Result("disparateImpact", verdict, told, (group[1], other[1]), value, (low, high))


def _parity(group: tuple[int, int], other: tuple[int, int], against: str, most: float, confidence: float) -> Result:
    value = other[0] / other[1] - group[0] / group[1]
    low, high = difference((other[0] / other[1], float(other[1])), (group[0] / group[1], float(group[1])), confidence)
    told = f"{100 * value:.3g} points below {against} ({100 * low:.3g} to {100 * high:.3g})"
    if low > most:
        verdict, told = LimitVerdict.VIOLATED, f"{told}, more than {100 * most:.3g}"
    elif high <= most:
        verdict, told = LimitVerdict.WITHIN_LIMITS, f"{told}, {100 * most:.3g} or less"
    else:
        verdict, told = LimitVerdict.NOT_ASSESSED, f"{told}: too few decisions to tell from {100 * most:.3g}"
    return Result("parityDifference", verdict, told, (group[1], other[1]), value, (low, high))
