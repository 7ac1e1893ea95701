"""What is asked of Prometheus in one round: a few questions for all models together, and whose answer each row is."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from headgate.api.monitoring import FEATURE_LABEL
from headgate.monitoring.inservice.counting import MOST_REVIEWER_ROWS, MOST_ROWS, Grown, Row
from headgate.monitoring.inservice.plan import Plan
from headgate.prometheus.answers import Read, read_aside
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.gauges import gauge_question, parse_gauges
from headgate.prometheus.grown import NAME, Counted, Rows, parse, probe_question, question
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import clock_skew

HISTOGRAMS, COUNTERS, APPLICATIONS, REVIEWERS, PROBES = "histograms", "counters", "applications", "reviewers", "probes"
GAUGES = "gauges"


def counted(plans: Sequence[Plan]) -> dict[str, Counted]:
    """By template, what is added up for all of these models. Templates that none of them needs are left out."""
    found: dict[str, Counted] = {}
    histograms = frozenset(name for plan in plans for name in plan.histograms)
    if histograms:
        found[HISTOGRAMS] = Counted(histograms, frozenset({FEATURE_LABEL, "le"}))
    for template, asked, most in (
        (COUNTERS, [plan.counters for plan in plans], MOST_ROWS),
        (APPLICATIONS, [plan.applications for plan in plans], MOST_ROWS),
        (REVIEWERS, [plan.reviewers for plan in plans], MOST_REVIEWER_ROWS),
    ):
        names = frozenset(name for one in asked for name in one)
        labels = frozenset(label for one in asked for own in one.values() for label in own)
        if names:
            # One row more than are read: then it is known that there were more.
            found[template] = Counted(names, labels | {FEATURE_LABEL}, most + 1, anywhere=template != COUNTERS)
    return found


class Asker:
    """Asks one question after the other, so that the judge's find a free connection."""

    def __init__(self, client: PrometheusClient, told: Callable[[str, str], None], *, wall: Callable[[], float] = time.time) -> None:
        """`told` gets the template of each question, and how it went. `wall`: our clock, in seconds since 1970."""
        self._client = client
        self._told = told
        self._wall = wall
        self.skew = 0.0
        """The source's clock minus ours, of the last good answer."""

    async def grown(self, plans: Mapping[Target, Plan], start: float, end: float) -> dict[Target, Grown]:
        """What was counted of these live versions between `start` and `end`. Raises SourceError if any question has no good answer: half
        of an answer would be counted as little traffic."""
        targets, seconds = list(plans), max(1, round(end - start))
        found = {target: Grown() for target in targets}
        for template, series in counted(list(plans.values())).items():
            rows = await self._ask(template, question(series, targets, seconds), targets, end)
            for target, own in rows.items():
                _sort(found[target], template, own)
        probed = [target for target, plan in plans.items() if plan.sla is not None]
        if probed:
            for target, own in (await self._ask(PROBES, probe_question(probed, seconds), probed, end)).items():
                sums = {labels.get(NAME): value for labels, value in own}
                found[target].probes = sums.get("up", 0.0), sums.get("all", 0.0)
        gauges = {target: plan.gauges for target, plan in plans.items() if plan.gauges is not None}
        if gauges:
            read = partial(parse_gauges, plans=gauges)
            for target, samples in (await self._read(GAUGES, gauge_question(gauges), end, read)).items():
                found[target].gauges = samples
        return found

    async def _ask(self, template: str, promql: str, targets: Sequence[Target], end: float) -> Rows:
        return await self._read(template, promql, end, partial(parse, models=targets))

    async def _read(self, template: str, promql: str, end: float, parsed: Callable[[bytes], Read]) -> Read:
        try:
            asked = self._wall()
            answer = await self._client.query(promql, end)
            rows = await read_aside(answer.body, parsed)
        except SourceError as error:
            self._told(template, str(error.outage))
            raise
        self._told(template, "answered")
        self.skew = clock_skew(answer.date, asked + answer.seconds)
        return rows


def _sort(grown: Grown, template: str, rows: Sequence[Row]) -> None:
    into = {HISTOGRAMS: grown.histograms, REVIEWERS: grown.reviewers}.get(template, grown.counters)
    for labels, value in rows:
        into.setdefault(labels.get(NAME, ""), []).append((labels, value))
