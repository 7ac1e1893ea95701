"""How much traffic a model has had lately: for planning, where an estimate will do. What is judged comes from raw counters."""

import asyncio
from math import isfinite

from headgate.evidence.counting.tally import classify
from headgate.evidence.latency.slow_shares import Past
from headgate.evidence.power import Traffic
from headgate.prometheus.answers import garbled, rows
from headgate.prometheus.client import PrometheusClient
from headgate.prometheus.profiles import COPIES, MetricsProfile, Target


def question(selector: str, label: str, seconds: float) -> str:
    """PromQL: requests per second over the last `seconds`, by `label`. Copies of one counter, which some storages keep, count once."""
    return f"sum by ({label}) (max without ({', '.join(sorted(COPIES))}) (rate({selector}[{max(1, round(seconds))}s])))"


async def present_traffic(client: PrometheusClient, profile: MetricsProfile, target: Target, now: float, seconds: float) -> Traffic | None:
    """The requests of all users of a model in the `seconds` before `now`; None if none were counted. Raises SourceError."""
    rated = profile.rated(target)
    answers, timed = await asyncio.gather(
        client.query(question(rated.answers, rated.code, seconds), now), client.query(question(rated.timed, "le", seconds), now)
    )
    codes = _rates(answers.body, rated.code)
    bounds = {bound: rate for le, rate in _rates(timed.body, "le").items() if (bound := rated.bound(le)) is not None}
    requests = sum(codes.values())
    if requests <= 0.0:
        return None
    shares = {kind: sum(rate for code, rate in codes.items() if classify(code) == kind) / requests for kind in ("errors", "rejections")}
    return Traffic(requests, shares["errors"], shares["rejections"], _histogram(bounds, seconds))


def _rates(body: bytes, label: str) -> dict[str, float]:
    """Raises SourceError."""
    with garbled():
        read = {row["metric"].get(label, ""): float(row["value"][1]) for row in rows(body, "vector")}
    return {value: rate for value, rate in read.items() if isfinite(rate)}


def _histogram(rates: dict[float, float], seconds: float) -> Past | None:
    """As many answers as were seen, or None if nothing was timed."""
    timed = round(max(rates.values(), default=0.0) * seconds)
    bounds = tuple(sorted(filter(isfinite, rates)))
    if timed == 0 or not bounds:
        return None
    below, least = [], 0
    for bound in bounds:
        least = min(max(least, round(rates[bound] * seconds)), timed)
        below.append(least)
    return Past(bounds, timed, tuple(below))
