"""One query for all models in rollout, and its answer told apart by model."""

import asyncio
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any

from headgate.evidence.counting.series import NoAnswer, RawSeries, TargetSamples, What
from headgate.evidence.latency import native
from headgate.prometheus.answers import garbled, read_aside, require
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.profiles import Counters, Meaning, Target, instance

CHUNK_SERIES = 20_000
LONGEST_WINDOW = 3600.0
"""Seconds looked back after an outage or a restart; what is older is a gap."""

SKEW_RESOLUTION = 2.0
"""Seconds: the Date header has whole seconds, and smaller differences of clocks do no harm."""


@dataclass(frozen=True, slots=True)
class SampleBatch:
    """The answer of one tick: for every target asked about its samples (maybe none), or why there are none."""

    time: float
    answers: Mapping[Target, TargetSamples | NoAnswer]


def window(last_good: float | None, now: float, interval: float) -> float:
    """Seconds to look back: since the last good answer, with some intervals of overlap, at least five and at most an hour."""
    since = 0.0 if last_good is None else now - last_good
    return float(math.ceil(min(max(since, 0.0) + 5 * max(interval, 1.0), LONGEST_WINDOW)))


def chunks(targets: Sequence[Target], per_target: int) -> list[Sequence[Target]]:
    """Targets in groups of at most about CHUNK_SERIES series each. A target is never split: its counters must be of one moment."""
    size = max(1, CHUNK_SERIES // max(1, per_target))
    return [targets[start : start + size] for start in range(0, len(targets), size)]


class Sampler:
    """Reads raw counter samples. `processes` is how many scraped processes count one target (gateway replicas, or pods)."""

    def __init__(self, client: PrometheusClient, profile: Counters, *, processes: int = 1) -> None:
        self._client, self._profile, self._processes = client, profile, processes
        self._skew = 0.0

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        """Samples of the last `seconds` before `now` for all targets, by as many queries as there are chunks. Never raises SourceError:
        a chunk without a good answer gives its targets a NoAnswer, the others are not touched by it."""
        read = await asyncio.gather(*(self._newest(part, now, seconds) for part in self._chunks(targets)))
        return SampleBatch(now, {target: answer for part in read for target, answer in part.items()})

    async def past(self, targets: Sequence[Target], until: float, seconds: float) -> SampleBatch:
        """The same of the `seconds` before a moment long over. The Date of such an answer tells no skew: it is that of now."""
        read = await asyncio.gather(*(self._past(part, until, seconds) for part in self._chunks(targets)))
        return SampleBatch(until, {target: answer for part in read for target, answer in part.items()})

    def _chunks(self, targets: Sequence[Target]) -> list[Sequence[Target]]:
        return chunks(targets, self._profile.series_per_target() * self._processes)

    async def _newest(self, targets: Sequence[Target], now: float, seconds: float) -> dict[Target, TargetSamples | NoAnswer]:
        try:
            # By the source's clock, or its newest samples would not be in the window. What skew cannot tell is asked for as well.
            answer = await self._client.query(self._question(targets, seconds), now + self._skew + SKEW_RESOLUTION)
            skew = self._skew = clock_skew(answer.date, now + answer.seconds)
            return await self._read(answer.body, targets, now, skew)
        except SourceError as error:
            return dict.fromkeys(targets, NoAnswer(now, error.outage, str(error)))

    async def _past(self, targets: Sequence[Target], until: float, seconds: float) -> dict[Target, TargetSamples | NoAnswer]:
        try:
            answer = await self._client.query(self._question(targets, seconds), until)
            return await self._read(answer.body, targets, until, 0.0)
        except SourceError as error:
            return dict.fromkeys(targets, NoAnswer(until, error.outage, str(error)))

    def _question(self, targets: Sequence[Target], seconds: float) -> str:
        return f"{self._profile.selector(targets)}[{max(1, round(seconds))}s]"

    async def _read(self, body: bytes, targets: Sequence[Target], time: float, skew: float) -> dict[Target, TargetSamples | NoAnswer]:
        series = await read_aside(body, partial(parse, profile=self._profile, targets=targets))
        return {target: TargetSamples(time, tuple(series[target]), skew) for target in targets}


def clock_skew(date: str | None, now: float) -> float:
    """The source's clock minus ours, from the Date header of an answer that came at `now`; 0 where that tells nothing."""
    try:
        skew = parsedate_to_datetime(date).timestamp() - now if date else 0.0
    except ValueError:
        return 0.0
    return float(round(skew)) if abs(skew) >= SKEW_RESOLUTION else 0.0


def parse(body: bytes, profile: Counters, targets: Sequence[Target]) -> dict[Target, list[RawSeries]]:
    """The series of a matrix answer by target. Raises SourceError where the answer is not one, or says it is incomplete."""
    with garbled():
        answer = json.loads(body)
        require(answer, "matrix")
        return _sorted_out(answer["data"]["result"], profile, targets)


def _sorted_out(result: list[dict[str, Any]], profile: Counters, targets: Sequence[Target]) -> dict[Target, list[RawSeries]]:
    index = profile.index(targets)
    found: dict[Target, dict[str, tuple[RawSeries, Mapping[str, str]]]] = {target: {} for target in targets}
    for one in result:
        labels = one["metric"]
        meaning = profile.meaning(labels, index)
        if meaning is None:
            continue
        process = meaning.process or instance(labels)
        for what, part, points in _counted(one, meaning):
            series = RawSeries(meaning.arm, what, part, process, meaning.origin, points, meaning.segment)
            mine, key = found[meaning.target], series.key
            # Copies of one counter differ in labels that mean nothing here: the same copy has the say each time.
            if key not in mine or sorted(labels.items()) < sorted(mine[key][1].items()):
                mine[key] = (series, labels)
    return {target: [series for series, _ in mine.values()] for target, mine in found.items()}


def _counted(row: dict[str, Any], meaning: Meaning) -> Iterator[tuple[What, str, tuple[tuple[float, float], ...]]]:
    """What one row counts: a native histogram as many counters as it has bounds; anything else as one."""
    if meaning.part or meaning.what is not What.TIMED:
        yield meaning.what, meaning.part, tuple([(float(time), float(value)) for time, value in row.get("values", ())])
        return
    samples = [(float(time), float(histogram["count"]), _buckets(histogram)) for time, histogram in row.get("histograms", ())]
    for part, points in native.cumulated(samples):
        yield What.TIMED, part, tuple(points)
    for schema, points in native.coarse(samples):
        yield What.COARSE, schema, tuple(points)


def _buckets(histogram: dict[str, Any]) -> list[native.Bucket]:
    """Each bucket comes as (which bounds belong to it, lower, upper, count); those of durations contain the upper one. Empty ones do not
    come at all."""
    return [(float(low), float(high), float(count)) for _, low, high, count in histogram.get("buckets", ())]
