"""Whether people who review a model's decisions do so: by how often they change one, and by whether they notice errors put there."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import sqrt

import numpy as np
from scipy.special import betainc, ndtri

from headgate.monitoring.floors import CONFIDENCE, Floor, kept
from headgate.monitoring.intervals import ratio as ratio_of
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

OVERRIDES = Floor(0.02, 0.02)
"""Reviewers who change fewer than 2 % may be passive. That none of n are changed proves it from n = 149 on."""
AUDITED = Floor(0.05, 0.02)
PASSIVE_RATE = 0.01
MOST_PASSIVE = 0.3
LEAST_LOAD_RATIO = 0.5
MOST_REVIEWERS = 500
_FEWEST_DAYS = 12
_FEWEST_REVIEWERS = 5


@dataclass(frozen=True, slots=True)
class Reviews:
    """Of one day, or of one reviewer: how many decisions were reviewed, and how many of these the reviewer changed."""

    reviewed: int
    changed: int

    def __post_init__(self) -> None:
        if not 0 <= self.changed <= self.reviewed:
            raise ValueError(f"{self.changed} of {self.reviewed} reviewed decisions changed: that cannot be")


def override_rate(reviews: Sequence[Reviews], floor: Floor = OVERRIDES) -> Result:
    """Of all reviews together."""
    return kept("overrideRate", sum(one.changed for one in reviews), sum(one.reviewed for one in reviews), floor)


def audit_share(audited: int, decided: int, floor: Floor = AUDITED) -> Result:
    """Of the automated decisions, those that were drawn for a person to look at."""
    return kept("auditShare", audited, decided, floor)


def seeded_errors(noticed: int, seeded: int, floor: Floor) -> Result:
    """Of decisions known to be wrong that were put among the others, those that reviewers changed."""
    return kept("seededErrorsNoticed", noticed, seeded, floor)


def passive_or_right(overrides: Result, seeded: Result) -> Result:
    """The override rate in the light of seeded errors: few changes mean passive reviewers or a good model, and only these tell which."""
    if overrides.verdict is not LimitVerdict.VIOLATED or seeded.verdict is not LimitVerdict.WITHIN_LIMITS:
        return overrides
    why = f"{overrides.why}, but reviewers notice errors put there ({seeded.why}): there is little to change"
    return replace(overrides, verdict=LimitVerdict.WITHIN_LIMITS, why=why)


def under_load(days: Sequence[tuple[date, Reviews]]) -> Result:
    """The override rate of the quarter of days with most reviews, divided by that of the quarter with fewest.

    Interval: Walter's, of the logarithm, 90 %. Violated: half or less, and less than 1 beyond chance.
    """
    name = "overridesUnderLoad"
    ordered = [reviews for _, reviews in sorted(days, key=lambda day: (day[1].reviewed, day[0])) if reviews.reviewed]
    if len(ordered) < _FEWEST_DAYS:
        return not_assessed(name, f"{len(ordered)} days with reviews: {_FEWEST_DAYS} at least are needed", (len(ordered),))
    quarter = len(ordered) // 4
    quiet, busy = (Reviews(sum(r.reviewed for r in part), sum(r.changed for r in part)) for part in (ordered[:quarter], ordered[-quarter:]))
    samples = (quiet.reviewed, busy.reviewed)
    if not quiet.changed:
        return not_assessed(name, "no decision was changed on quiet days: there is no rate to compare with", samples)
    ratio, (low, high) = ratio_of((busy.changed, busy.reviewed), (quiet.changed, quiet.reviewed), CONFIDENCE)
    told = f"busy days have {ratio:.2g} times the overrides of quiet ones ({low:.2g} to {high:.2g})"
    if ratio <= LEAST_LOAD_RATIO and high < 1.0:
        verdict = LimitVerdict.VIOLATED
    elif low > LEAST_LOAD_RATIO:
        verdict = LimitVerdict.WITHIN_LIMITS
    else:
        verdict, told = LimitVerdict.NOT_ASSESSED, f"{told}: too few reviews to tell from {LEAST_LOAD_RATIO:g}"
    return Result(name, verdict, told, samples, ratio, (low, high))


def passive_reviewers(reviewers: Sequence[Reviews]) -> Result:
    """The share of reviewers who change fewer than 1 %, among those with enough reviews that it can be told.

    Each reviewer's rate is drawn towards that of all, the more the less they differ beyond chance (beta-binomial, by moments), at most half
    the way. Nobody is named: this is about the whole. Interval 90 %.
    """
    name, enough = "passiveReviewers", OVERRIDES.needed()
    active = [one for one in reviewers if one.reviewed >= enough]
    if not _FEWEST_REVIEWERS <= len(active) <= MOST_REVIEWERS:
        why = f"{len(active)} reviewers with {enough} reviews or more: {_FEWEST_REVIEWERS} to {MOST_REVIEWERS} can be assessed"
        return not_assessed(name, why, (len(active),))
    changed, reviewed = (np.array([getattr(one, field) for one in active], dtype=float) for field in ("changed", "reviewed"))
    rate = float(changed.sum() / reviewed.sum())
    if rate == 0.0:
        return not_assessed(name, "nobody changed anything: the override rate tells whether that is too little", (len(active),))
    weight = _prior_weight(changed, reviewed, rate)
    passive = betainc(changed + weight * rate, reviewed - changed + weight * (1.0 - rate), PASSIVE_RATE)
    share = float(passive.mean())
    reach = float(ndtri(0.5 + CONFIDENCE / 2)) * sqrt(float((passive * (1.0 - passive)).sum())) / len(active)
    low, high = max(0.0, share - reach), min(1.0, share + reach)
    told = (
        f"{100 * share:.3g} % of {len(active)} reviewers ({100 * low:.3g} to {100 * high:.3g}) change fewer than {100 * PASSIVE_RATE:g} %"
    )
    if low > MOST_PASSIVE:
        verdict, why = LimitVerdict.VIOLATED, f"{told}: more than {100 * MOST_PASSIVE:g} %"
    elif high <= MOST_PASSIVE:
        verdict, why = LimitVerdict.WITHIN_LIMITS, f"{told}: no more than {100 * MOST_PASSIVE:g} %"
    else:
        verdict, why = LimitVerdict.NOT_ASSESSED, f"{told}: too few reviews to tell from {100 * MOST_PASSIVE:g} %"
    return Result(name, verdict, why, (len(active), int(reviewed.sum())), share, (low, high))


def _prior_weight(changed: np.ndarray, reviewed: np.ndarray, rate: float) -> float:
    """How many decisions the common rate is worth for each reviewer; at most as many as they have made on average."""
    n, total = len(reviewed), float(reviewed.sum())
    spread = float((reviewed * np.square(changed / reviewed - rate)).sum())
    between = (spread - (n - 1) * rate * (1.0 - rate)) / (total - float(np.square(reviewed).sum()) / total)
    most = total / n
    return min(max(rate * (1.0 - rate) / between - 1.0, 1.0), most) if between > 0.0 else most
