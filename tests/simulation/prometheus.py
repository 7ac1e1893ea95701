"""Prometheus: scrapes the gateway's counters, and answers the operator's one form of query; or fails in all its ways."""

from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from tests.simulation.clock import EPOCH
from tests.simulation.gateway import Counters

from headgate.evidence.counting.series import Outage
from headgate.prometheus.client import Answer, SourceError

_KEPT = 90
"""Scrapes. The longest window that a trace asks for is shorter than this many seconds."""
_NAMES = {
    "upstream_rq": ("envoy_cluster_upstream_rq", "envoy_response_code"),
    "upstream_rq_total": ("envoy_cluster_upstream_rq_total", ""),
    "upstream_rq_time_bucket": ("envoy_cluster_upstream_rq_time_bucket", "le"),
}
_LOOKBACK = 300.0
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
            inside = _inside(points, time - seconds, time)
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

    def answer(self, promql: str, time: float, *, copies: bool = False, spoil: str = "") -> bytes:
        """Of either form of query: samples of candidates, or sums of live versions."""
        return self.matrix(promql, time, copies=copies, spoil=spoil) if promql.endswith("s]") else self.sums(time, spoil)

    def sums(self, time: float, spoil: str = "") -> bytes:
        """What the operator's question about live versions comes to: per place its answers, of all codes and of each that may count
        against it, by how many processes, and when that was sampled."""
        answers: dict[tuple[str, str], int] = {}
        places, times = set(), []
        for (cluster, name, part), points in self._series.items():
            if "/backend/" not in cluster:
                continue
            newest = next((point for point in reversed(points) if point[0] <= time), None)
            if newest is None or newest[0] <= time - _LOOKBACK:
                continue
            if name == "upstream_rq_total":
                places.add(cluster)
                times.append(newest[0])
            elif name == "upstream_rq":
                value = int(newest[1].split('"')[1])
                for code in ("", part) if part >= "4" else ("",):
                    answers[cluster, code] = answers.get((cluster, code), 0) + value
        rows = [
            _row(spoil or str(value), envoy_cluster_name=cluster, **({"envoy_response_code": code} if code else {}))
            for (cluster, code), value in answers.items()
        ]
        rows += [_row("1", envoy_cluster_name=cluster, headgate_row="processes") for cluster in sorted(places)]
        if times:
            rows += [_row(f"{min(times):.3f}", headgate_row="oldest"), _row(f"{max(times):.3f}", headgate_row="newest")]
        return ('{"status":"success","data":{"resultType":"vector","result":[' + ",".join(rows) + "]}}").encode()

    def date(self, now: float) -> str:
        """The Date header of an answer given at the true time `now`."""
        return format_datetime(datetime.fromtimestamp(EPOCH + now + self.skew, UTC).replace(microsecond=0), usegmt=True)


def _inside(points: deque[Point], after: float, until: float) -> list[str]:
    """From the newest back: a window is much shorter than what is kept."""
    found = []
    for at, text in reversed(points):
        if at <= after:
            break
        if at <= until:
            found.append(text)
    return found[::-1]


def _row(value: str, **labels: str) -> str:
    metric = ",".join(f'"{name}":"{word}"' for name, word in labels.items())
    return f'{{"metric":{{{metric}}},"value":[0,"{value}"]}}'


class Source:
    """PrometheusClient of one process: `fault` is drawn at each query, and may take its time."""

    def __init__(self, prometheus: Prometheus, now: Callable[[], float], fault: Callable[[], Awaitable[str]]) -> None:
        self._prometheus, self._now, self._fault = prometheus, now, fault
        self._told: Callable[[Outage | None], None] = lambda _: None

    def tell(self, told: Callable[[Outage | None], None]) -> None:
        self._told = told

    async def query(self, promql: str, time: float) -> Answer:
        began = self._now()
        kind = await self._fault()
        self._told(OUTAGES.get(kind))
        if kind in OUTAGES:
            raise SourceError(OUTAGES[kind], kind)
        now = self._now()
        return Answer(ANSWERS[kind](self._prometheus, promql, time), self._prometheus.date(now), now - began)

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
    "": lambda source, promql, time: source.answer(promql, time),
    "garbled": lambda source, promql, time: source.answer(promql, time)[:-7],
    "vector": lambda source, promql, time: source.answer(promql, time).replace(b'"resultType":"', b'"resultType":"other-'),
    "partial": lambda source, promql, time: source.answer(promql, time)[:-1] + b',"warnings":["one store did not answer"]}',
    "empty": lambda source, promql, time: b'{"status":"success","data":{"resultType":"matrix","result":[]}}',
    "stale": lambda source, promql, time: source.answer(promql, time - 6),
    "nan": lambda source, promql, time: source.answer(promql, time, spoil="NaN"),
    "copies": lambda source, promql, time: source.answer(promql, time, copies=True),
}
