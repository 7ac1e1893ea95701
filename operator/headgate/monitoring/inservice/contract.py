"""A vendor's promises and a model's value case, beside what was counted of the live version."""

from datetime import date, timedelta
from math import sqrt
from statistics import fmean

from scipy.special import stdtrit

from headgate.api.monitoring import WorthWatched
from headgate.monitoring.inservice.assessment import Named
from headgate.monitoring.inservice.counting import P95, P99, PERFORMANCE, UP, WORTH, WORTH_SHOWN
from headgate.monitoring.inservice.daily import Daily
from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.vendor import Counts, Quarter, Sla, Standing, clauses, closed

_CLAUSES = {"accuracy": PERFORMANCE, "latencyP95": P95, "latencyP99": P99, "uptime": UP}
_FEWEST_DAYS = 14
_WORTH_DAYS = 28
_WEEK = 7
_YEAR = 365.25


def counts_of(daily: Daily, quarter: Quarter) -> Counts:
    """What was counted in one quarter."""
    first, last = quarter_days(quarter)
    right, fast, faster, up = (_counts(daily.total(name, first, last)) for name in _CLAUSES.values())
    return Counts(right, fast, faster, up)


def quarter_days(quarter: Quarter) -> tuple[date, date]:
    """Its first and last day."""
    following = quarter.next
    return _first(quarter), date.fromordinal(_first(following).toordinal() - 1)


def _first(quarter: Quarter) -> date:
    return date(quarter.year, 3 * quarter.number - 2, 1)


def _counts(sums: tuple[float, float]) -> tuple[int, int]:
    whole = max(round(sums[1]), 0)
    return min(max(round(sums[0]), 0), whole), whole


def settled(standing: Standing, daily: Daily, sla: Sla, today: date) -> Standing:
    """The standing after the quarters that are over. One of which nothing was counted is left out, which ends the row.

    `today` is the day whose decisions get their labels now (the date less the label lag): before that the last days lack theirs.
    """
    quarter = Quarter.of(date.fromordinal(_first(Quarter.of(today)).toordinal() - 1))
    if not any(any(daily.total(name, *quarter_days(quarter))) for name in _CLAUSES.values()):
        return standing
    return closed(standing, quarter, clauses(counts_of(daily, quarter), sla), sla)


def contract(daily: Daily, trouble: dict[str, str], sla: Sla, today: date) -> tuple[Named, ...]:
    """The clauses in the present quarter, of which anything was ever counted."""
    found: list[Named] = []
    for result in clauses(counts_of(daily, Quarter.of(today)), sla):
        name = _CLAUSES[result.statistic]
        if name in trouble:
            found.append(("", not_assessed(result.statistic, trouble[name])))
        elif name in daily.sums:
            found.append(("", result))
    if not found:
        return (("", not_assessed("vendor", "nothing of what the contract promises is counted: see the metrics it is watched by")),)
    return tuple(found)


def _worth(daily: Daily, since: date, today: date) -> dict[date, float]:
    """By day on which the summary was there; nothing where nothing was answered."""
    shown = {day: 0.0 for name in (WORTH_SHOWN, WORTH) for day, _, _ in daily.days(name) if since <= day < today}
    return shown | {day: part for day, part, _ in daily.days(WORTH) if day in shown}


def _of_a_day(days: dict[date, float]) -> tuple[float, float]:
    """The mean of a day, and how far its 95 % interval reaches to both sides: weekdays differ from each other, and each is a seventh of a
    week. One on which the summary never was there rests."""
    by_weekday: dict[int, list[float]] = {}
    for day, part in days.items():
        by_weekday.setdefault(day.weekday(), []).append(part)
    means = {weekday: fmean(parts) for weekday, parts in by_weekday.items()}
    freedom = len(days) - len(means)
    variance = sum((part - means[weekday]) ** 2 for weekday, parts in by_weekday.items() for part in parts) / freedom
    spread = sqrt(variance * sum(1.0 / len(parts) for parts in by_weekday.values())) / _WEEK
    return sum(means.values()) / _WEEK, float(stdtrit(freedom, 0.975)) * spread


def measured_worth(daily: Daily, asked: WorthWatched, since: date, today: date) -> Result:
    """A year at the rate of the last days that are over, none before `since`, by the spread of its days; against what was planned, where
    that is written."""
    days = _worth(daily, max(since, today - timedelta(days=_WORTH_DAYS)), today)
    quiet = (today - max(days)).days - 1 if days else 0
    if quiet >= _WEEK:
        return not_assessed("valuePerYear", f"no {asked.summary} for {quiet} days: is it still exported?", (len(days),))
    if len(days) < _FEWEST_DAYS:
        return not_assessed("valuePerYear", f"{len(days)} days with {asked.summary}: {_FEWEST_DAYS} at least are needed", (len(days),))
    mean, reach = _of_a_day(days)
    value, low, high = (_YEAR * number for number in (mean, mean - reach, mean + reach))
    told = f"{value:,.0f} a year at the rate of the last {len(days)} days ({low:,.0f} to {high:,.0f})"
    planned = asked.planned_per_year
    if planned is None:
        return Result(
            "valuePerYear", LimitVerdict.NOT_ASSESSED, f"{told}; nothing is planned to compare it with", (len(days),), value, (low, high)
        )
    if high < planned:
        verdict, told = LimitVerdict.VIOLATED, f"{told}: less than the {planned:,} that were planned"
    elif low >= planned:
        verdict, told = LimitVerdict.WITHIN_LIMITS, f"{told}: the {planned:,} that were planned, or more"
    else:
        verdict, told = LimitVerdict.NOT_ASSESSED, f"{told}: its days differ too much to tell it from the {planned:,} that were planned"
    return Result("valuePerYear", verdict, told, (len(days),), value, (low, high))
