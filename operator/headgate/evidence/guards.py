"""Absolute limits that either version must keep. No comparison, no warm-up: for versions that fail so plainly that nobody should wait."""

import math
from dataclasses import dataclass

from scipy.special import betainc

from headgate.api.vocabulary import Metric
from headgate.evidence.check import Guard
from headgate.evidence.view import GuardReading

WINDOW = 60.0
EARLY = 0.001
"""A guard fires before minRequests when this few failures or more would come this rarely from a version just at the limit."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one sample brought. `missing` is negative where answers came after their requests had been called missing."""

    time: float
    requests: int
    errors: int
    rejections: int
    missing: int


@dataclass(frozen=True, slots=True)
class Window:
    """The last 60 seconds of one arm."""

    moments: tuple[Moment, ...] = ()


def slide(window: Window, moment: Moment) -> Window:
    """The window with one more moment, without what became too old. Moments within one second are kept as one."""
    kept = tuple(one for one in window.moments if one.time > moment.time - WINDOW)
    if kept and math.floor(kept[-1].time) == math.floor(moment.time):
        kept, moment = kept[:-1], _joined(kept[-1], moment)
    return Window((*kept, moment))


def _joined(one: Moment, two: Moment) -> Moment:
    return Moment(
        max(one.time, two.time),
        one.requests + two.requests,
        one.errors + two.errors,
        one.rejections + two.rejections,
        one.missing + two.missing,
    )


def measurable(guard: Guard) -> bool:
    """Whether request counters can answer this guard; pod failures are read from the pods."""
    return guard.metric in {Metric.ERRORS, Metric.REJECTIONS}


def read(guard: Guard, window: Window, now: float) -> GuardReading:
    """Fires at rate >= max_rate on >= min_requests, or earlier when k of n failed and P(X >= k | n, max_rate) <= 0.001.

    `now` is on the source's clock; moments older than 60 seconds say nothing any more. Missing answers are failed requests of the
    errors guard. X is binomial: P(X >= k) = I_p(k, n - k + 1), the regularised incomplete beta function.
    """
    moments = [one for one in window.moments if one.time > now - WINDOW]
    requests, missing = sum(one.requests for one in moments), 0
    if guard.metric is Metric.ERRORS:
        missing = max(0, sum(one.missing for one in moments))
        failures = max(0, sum(one.errors + one.missing for one in moments))
        requests = max(failures, requests + sum(one.missing for one in moments))
    else:
        failures = sum(one.rejections for one in moments)
    seconds = moments[-1].time - moments[0].time if moments else 0.0
    return GuardReading(guard.metric, _fires(guard, failures, requests), requests, failures, missing, guard.max_rate, seconds)


def _fires(guard: Guard, failures: int, requests: int) -> bool:
    if failures == 0 or math.isclose(guard.max_rate, 0.0):
        return failures > 0
    if requests >= guard.min_requests and failures >= guard.max_rate * requests:
        return True
    return failures > guard.max_rate * requests and float(betainc(failures, requests - failures + 1, guard.max_rate)) <= EARLY
