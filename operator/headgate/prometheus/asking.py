"""What is asked of Prometheus in one round: a few questions for all models together, and whose answer each row is."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from headgate.monitoring.inservice.binning import MOST_BUCKETS, MOST_ROWS, Row
from headgate.monitoring.inservice.counting import MOST_REVIEWER_ROWS, Grown
from headgate.monitoring.inservice.plan import Plan
from headgate.prometheus.answers import Read, read_aside
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.gauges import gauge_question, parse_gauges
from headgate.prometheus.grown import NAME, Counted, Rows, parse, probe_question, question
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import clock_skew

HISTOGRAMS, COUNTERS, APPLICATIONS, REVIEWERS, PROBES = "histograms", "counters", "applications", "reviewers", "probes"
GAUGES = "gauges"


def counted(plans: Sequence[Plan]) -> dict[str, list[Counted]]:
    """By template, what is added up for all of these models. Templates that none of them needs are left out."""
    found: dict[str, list[Counted]] = {}
    watched = [feature for plan in plans for feature in plan.features]
    features = {
        HISTOGRAMS: [(f"{feature.metric}_bucket", feature.name) for feature in watched if feature.numeric],
        COUNTERS: [(feature.metric, feature.name) for feature in watched if not feature.numeric],
    }
    for template, asked, most in (
        (HISTOGRAMS, [dict.fromkeys(plan.histograms, frozenset({"le"})) for plan in plans], MOST_BUCKETS),
        (COUNTERS, [plan.counters for plan in plans], MOST_ROWS),
        (APPLICATIONS, [plan.applications for plan in plans], MOST_ROWS),
        (REVIEWERS, [plan.reviewers for plan in plans], MOST_REVIEWER_ROWS),
    ):
        own = features.get(template, [])
        of_features, names = {series for series, _ in own}, frozenset(name for _, name in own)
        wanted = [(series, labels) for one in asked for series, labels in one.items()]
        parts = (
            _part(template, [one for one in wanted if one[0] not in of_features], most),
            replace(_part(template, [one for one in wanted if one[0] in of_features], most), features=names),
        )
        if wanted:
            found[template] = [part for part in parts if part.names]
    return found


def _part(template: str, wanted: Sequence[tuple[str, frozenset[str]]], most: int) -> Counted:
    # One row more than are read: then it is known that there were more.
    series, labels = frozenset(name for name, _ in wanted), frozenset(label for _, own in wanted for label in own)
    return Counted(series, labels, most + 1, anywhere=template in (APPLICATIONS, REVIEWERS))


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
        for template, parts in counted(list(plans.values())).items():
            promql = " or ".join(question(part, targets, seconds) for part in parts)
            rows = await self._ask(template, promql, targets, end)
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
            for target, reading in (await self._read(GAUGES, gauge_question(gauges), end, read)).items():
                found[target].gauges = reading
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
