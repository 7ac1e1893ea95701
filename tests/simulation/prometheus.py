"""Prometheus: scrapes the gateway's counters, and answers the operator's one form of query; or fails in all its ways."""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from tests.simulation.clock import EPOCH
from tests.simulation.gateway import Counters

from headgate.evidence.series import Outage
from headgate.prometheus.client import SourceError

_KEPT = 90
"""Scrapes. The longest window that a trace asks for is shorter than this many seconds."""
_NAMES = {
    "upstream_rq": ("envoy_cluster_upstream_rq", "envoy_response_code"),
    "upstream_rq_total": ("envoy_cluster_upstream_rq_total", ""),
    "upstream_rq_time_bucket": ("envoy_cluster_upstream_rq_time_bucket", "le"),
}
Point = tuple[float, str]


class Prometheus:
    """Samples by series. `skew`: seconds by which its clock is ahead of the true time."""

    def __init__(self, skew: float) -> None:
        self.skew = skew
        self._series: dict[tuple[str, str, str], deque[Point]] = {}
        self.scraped: deque[float] = deque(maxlen=_KEPT)
        """True times of the scrapes."""

    def scrape(self, counters: Counters, now: float) -> None:
        time = EPOCH + now + self.skew
        self.scraped.append(now)
        for key, value in counters.items():
            points = self._series.get(key)
            if points is None:
                points = self._series[key] = deque(maxlen=_KEPT)
            points.append((time, f'[{time:.3f},"{value}"]'))

    def matrix(self, promql: str, time: float, *, copies: bool = False, spoil: str = "") -> bytes:
        """The answer to `selector[Ns]` at `time`. `copies`: each series twice, as two replicas behind one address would give.
        `spoil` stands in the place of each newest value."""
        seconds = float(promql[promql.rindex("[") + 1 : -2])
        found = []
        for (cluster, name, part), points in self._series.items():
            inside = [text for at, text in points if time - seconds < at <= time]
            if not inside:
                continue
            if spoil:
                inside[-1] = f'{inside[-1].partition(",")[0]},"{spoil}"]'
            metric, label = _NAMES[name]
            labels = f'"__name__":"{metric}","envoy_cluster_name":"{cluster}","job":"envoy","instance":"10.0.0.1:19001"'
            if label:
                labels += f',"{label}":"{part}"'
            values = ",".join(inside)
            found.append(f'{{"metric":{{{labels}}},"values":[{values}]}}')
            if copies:
                found.append(f'{{"metric":{{{labels},"prometheus_replica":"b"}},"values":[{values}]}}')
        return ('{"status":"success","data":{"resultType":"matrix","result":[' + ",".join(found) + "]}}").encode()

    def date(self, now: float) -> str:
        """The Date header of an answer given at the true time `now`."""
        return format_datetime(datetime.fromtimestamp(EPOCH + now + self.skew, UTC).replace(microsecond=0), usegmt=True)


class Source:
    """PrometheusClient of one process: `fault` is drawn at each query, and may take its time."""

    def __init__(self, prometheus: Prometheus, now: Callable[[], float], fault: Callable[[], Awaitable[str]]) -> None:
        self._prometheus, self._now, self._fault = prometheus, now, fault

    async def query(self, promql: str, time: float) -> tuple[bytes, str | None]:
        kind = await self._fault()
        if kind in OUTAGES:
            raise SourceError(OUTAGES[kind], kind)
        return ANSWERS[kind](self._prometheus, promql, time), self._prometheus.date(self._now())

    async def close(self) -> None:
        """Nothing is open."""


OUTAGES = {
    "down": Outage.UNREACHABLE,
    "timeout": Outage.TIMEOUT,
    "overloaded": Outage.OVERLOADED,
    "broken": Outage.BROKEN,
    "refused": Outage.REFUSED,
}
ANSWERS: dict[str, Callable[[Prometheus, str, float], bytes]] = {
    "": lambda source, promql, time: source.matrix(promql, time),
    "garbled": lambda source, promql, time: source.matrix(promql, time)[:-7],
    "vector": lambda source, promql, time: source.matrix(promql, time).replace(b'"matrix"', b'"vector"'),
    "partial": lambda source, promql, time: source.matrix(promql, time)[:-1] + b',"warnings":["one store did not answer"]}',
    "empty": lambda source, promql, time: b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
    "stale": lambda source, promql, time: source.matrix(promql, time - 6),
    "nan": lambda source, promql, time: source.matrix(promql, time, spoil="NaN"),
    "copies": lambda source, promql, time: source.matrix(promql, time, copies=True),
}
