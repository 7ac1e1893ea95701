"""Whether the copies of requests that shadow is judged by were all sent. What was never copied was never tried."""

import math

from headgate.api.replay import CopiesStatus
from headgate.evidence.view import MirrorReading
from headgate.evidence.words import percent

LEAST_SHARE = 0.99
_MILLIONTH = 4.75
"""Standard deviations."""
_MOST = 2_147_483_647
_FEW = 5
"""Copies that the ends of a scrape may be off."""
_ENOUGH = 100
"""Requests from which on one may say what a gateway does with copies."""
_PLAINLY = 0.1
"""Share of the copies that were asked for. A gateway that heeds no share makes all of them or none."""


def counted(reading: MirrorReading | None) -> CopiesStatus | None:
    """What is kept of the copies of a shadow stage; None where the metrics cannot tell. Beyond what a status holds, shares are kept."""
    if reading is None:
        return None
    scale = min(1.0, _MOST / max(reading.requests, reading.arrived, 1))
    parts = (reading.requests, reading.expected, reading.arrived)
    requests, expected, arrived = (min(_MOST, round(part * scale)) for part in parts)
    return CopiesStatus(requests=requests, expected=expected, arrived=arrived)


def copies_objection(copies: CopiesStatus | None) -> str:
    """Why missing copies keep automated-checks from being passed; empty if they do not."""
    if copies is None or not copies.requests:
        return ""
    missing = copies.expected - copies.arrived
    if missing < _FEW or copies.arrived >= LEAST_SHARE * copies.expected - _chance(copies):
        return ""
    return f"{missing:,} of {copies.expected:,} copies of requests never reached the candidate; {percent(LEAST_SHARE)} must"


def tells(copies: CopiesStatus) -> bool:
    """Whether there were enough requests to say what the gateway does with copies."""
    return copies.requests >= _ENOUGH


def plainly_off(copies: CopiesStatus) -> bool:
    """Whether so many too few or too many copies arrived that neither chance nor a lost scrape explains it: not the share asked for."""
    return abs(copies.arrived - copies.expected) > max(_FEW, _PLAINLY * copies.expected, _chance(copies))


def _chance(copies: CopiesStatus) -> float:
    """Copies that chance may be off, one time in a million: where only some requests are copied, it decides which."""
    share = copies.expected / copies.requests
    return _MILLIONTH * math.sqrt(copies.expected * max(0.0, 1.0 - share))
