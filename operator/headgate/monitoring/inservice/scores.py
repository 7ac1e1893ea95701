"""The scorecard of a live model, from the figures of one look and from what people have stated."""

from collections.abc import Mapping
from datetime import date, timedelta

from headgate.api.scorecard import Scorecard, ScorecardIndicator, Stated, WatchedFigure
from headgate.monitoring.inservice.assessment import Kind, Named
from headgate.monitoring.result import LimitVerdict, Result
from headgate.monitoring.scorecard import Indicator, scorecard

QUARTER = timedelta(days=92)
"""For how long a stated figure holds."""

Figures = Mapping[Kind, tuple[Named, ...]]
_Read = tuple[float | None, tuple[float, float] | None, str]
"""Value, interval, and why there is no value."""


def scores(card: Scorecard, figures: Figures, today: date) -> tuple[Result, ...]:
    """The four dimensions and the whole."""
    return scorecard([_indicator(one, figures, today) for one in card.indicators])


def _indicator(one: ScorecardIndicator, figures: Figures, today: date) -> Indicator:
    value, interval, missing = _measured(one.figure, figures) if one.figure is not None else _stated(one.stated, today)
    bad, good = float(one.bad), float(one.good)
    return Indicator(one.name, one.dimension, bad, good, value, interval, float(one.weight), missing)


def _measured(asked: WatchedFigure, figures: Figures) -> _Read:
    told = f"{asked.watch} {asked.statistic}{f' of {asked.of}' if asked.of else ''}"
    found = [
        result
        for name, result in figures.get(Kind(asked.watch.lower()), ())
        if result.statistic == asked.statistic and asked.of in ("", name)
    ]
    if not found:
        return None, None, f"there is no figure {told}"
    if len(found) > 1:
        return None, None, f"there are {len(found)} figures {told}: say of which"
    (only,) = found
    # A number with an interval is measured, whatever it was held against; one without was perhaps left behind by what computed it.
    if only.value is None or (only.verdict is LimitVerdict.NOT_ASSESSED and only.interval is None):
        return None, None, only.why
    return only.value, only.interval, ""


def _stated(stated: Stated | None, today: date) -> _Read:
    if stated is None:
        return None, None, "nobody states it"
    if not stated.as_of <= today <= stated.as_of + QUARTER:
        return None, None, f"stated on {stated.as_of}: it holds for {QUARTER.days} days from then on"
    return float(stated.value), None, ""
