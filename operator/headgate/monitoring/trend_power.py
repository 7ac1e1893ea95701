"""How soon a steady fall would be seen: what the number of labels can tell, before anybody relies on it."""

from dataclasses import dataclass, replace
from math import sqrt

from scipy.special import nctdtr, stdtrit

from headgate.monitoring.trend import FEWEST_DAYS
from headgate.monitoring.windows import INDEPENDENT, Noise

USUAL = 0.8
_LONGEST = 730
_CAUTION = 1.3
"""By so much the correlation of days is overestimated where there is none, which the test pays for (by simulation, at 14 to 28 days)."""


@dataclass(frozen=True, slots=True)
class Labels:
    """How many cases of a day get a label, and the share of them that goes well."""

    per_day: float
    share: float
    noise: Noise = INDEPENDENT


def power(fall: float, labels: Labels, days: int) -> float:
    """The chance that a line through so many days is called falling at 5 % two-sided, if the share falls by `fall` each day.

    From the non-central t distribution. Mann and Kendall's test needs hardly more (its efficiency is 0.98). At least three days.
    """
    variance = labels.share * (1.0 - labels.share) / labels.per_day * labels.noise.long_run
    effect = fall * sqrt(days * (days * days - 1) / 12.0 / variance)
    critical = float(stdtrit(days - 2, 0.975))
    return 1.0 - float(nctdtr(days - 2, effect, critical))


def days_until_seen(fall: float, labels: Labels, wanted: float = USUAL) -> int | None:
    """The first day on which the fall is seen with this chance, FEWEST_DAYS at least; None if not within two years."""
    cautious = replace(labels, noise=replace(labels.noise, dispersion=_CAUTION * labels.noise.dispersion))
    return next((days for days in range(FEWEST_DAYS, _LONGEST) if power(fall, cautious, days) >= wanted), None)


def statement(fall: float, labels: Labels) -> str:
    """The same in words."""
    found = days_until_seen(fall, labels)
    when = f"after {found} days, four times in five" if found is not None else "not within two years"
    return f"at {labels.per_day:,.0f} labels a day a loss of {100 * fall:.3g} points a day is seen {when}"
