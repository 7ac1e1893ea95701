"""Sums of the answers of all models outside rollouts: one query, added up in Prometheus."""

import math
from array import array
from collections.abc import Sequence
from functools import partial

from headgate.evidence.counting.series import Arm, NoAnswer
from headgate.evidence.counting.tally import NOT_REJECTED, classify
from headgate.evidence.live import LiveTotals, Sums
from headgate.prometheus.answers import garbled, read_aside, rows
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.profiles import COPIES, MetricsProfile, Summed, Target
from headgate.prometheus.sampler import SKEW_RESOLUTION, clock_skew

_ROW = "headgate_row"
"""The label that tells rows apart that hold no sum of answers."""
_PROCESSES, _OLDEST, _NEWEST = "processes", "oldest", "newest"
_HARMLESS = "|".join(("[123]..", *map(str, sorted(NOT_REJECTED)), ""))


def question(summed: Summed) -> str:
    """PromQL. One expression, hence one view of every scrape: a difference between its rows is never an artefact of time.

    Per place all answers, those of each code that a guard may count, and by how many processes; and between which times all of it was
    sampled. Copies of one counter, which some storages keep, are counted once.
    """
    places, once = ", ".join(summed.by), f"max without ({', '.join(sorted(COPIES))})"
    answers, present = f"{summed.counter}{{{summed.matchers}", f"{summed.present}{{{summed.matchers}}}"
    return " or ".join(
        (
            f"sum by ({places}) ({once} ({answers}}}))",
            f'sum by ({places}, {summed.code}) ({once} ({answers},{summed.code}!~"{_HARMLESS}"}}))',
            _marked(f"count by ({places}) (group by ({places}, job, instance) ({present}))", _PROCESSES),
            _marked(f"min(timestamp({present}))", _OLDEST),
            _marked(f"max(timestamp({present}))", _NEWEST),
        )
    )


def _marked(expression: str, row: str) -> str:
    return f'label_replace({expression}, "{_ROW}", "{row}", "", "")'


class Totals:
    """The sums of many models, of one answer. Numbers in one array: objects for each of them would cost a collection of all garbage."""

    _ARMS = (Arm.STABLE, Arm.CANDIDATE)
    _KINDS = (_PROCESSES, "requests", "errors", "rejections")

    def __init__(self, targets: Sequence[Target]) -> None:
        self._first = {target: number * len(self._ARMS) * len(self._KINDS) for number, target in enumerate(targets)}
        self._numbers = array("d", bytes(8 * len(self._first) * len(self._ARMS) * len(self._KINDS)))
        self.sampled: dict[str, float] = {}
        """When the counters were sampled: `oldest` and `newest`. Empty if there are none."""
        self.skew = 0.0

    def add(self, target: Target, arm: Arm, kind: str, value: float) -> None:
        """A row of one place: the rules of a route have rows of their own."""
        self._numbers[self._at(target, arm) + self._KINDS.index(kind)] += value

    def get(self, target: Target) -> LiveTotals | None:
        """None for all if there is no counter at all."""
        if not self.sampled:
            return None
        places = {arm: sums for arm in self._ARMS if (sums := self._sums(self._at(target, arm))) is not None}
        return LiveTotals(self.sampled[_OLDEST], self.sampled[_NEWEST], places, self.skew)

    def _at(self, target: Target, arm: Arm) -> int:
        return self._first[target] + self._ARMS.index(arm) * len(self._KINDS)

    def _sums(self, at: int) -> Sums | None:
        """A place that no process counts, or whose sum is no number, is none."""
        values = self._numbers[at : at + len(self._KINDS)]
        return Sums(*map(round, values)) if values[0] and all(map(math.isfinite, values)) else None


class TotalsSampler:
    """Reads the sums of one profile."""

    def __init__(self, client: PrometheusClient, profile: MetricsProfile) -> None:
        self._client, self._profile = client, profile
        self._skew = 0.0

    async def sample(self, targets: Sequence[Target], now: float) -> Totals | NoAnswer:
        """What is known at `now` about the targets."""
        try:
            answer = await self._client.query(question(self._profile.summed(targets)), now + self._skew + SKEW_RESOLUTION)
            totals = await read_aside(answer.body, partial(parse, profile=self._profile, targets=targets))
        except SourceError as error:
            return NoAnswer(now, error.outage, str(error))
        totals.skew = self._skew = clock_skew(answer.date, now + answer.seconds)
        return totals


def parse(body: bytes, profile: MetricsProfile, targets: Sequence[Target]) -> Totals:
    """Raises SourceError where the answer is none, or says that it is incomplete."""
    totals, index, code = Totals(targets), profile.index(targets), profile.summed(targets).code
    with garbled():
        for row in rows(body, "vector"):
            labels, value = row["metric"], float(row["value"][1])
            name = labels.get(_ROW)
            if name in (_OLDEST, _NEWEST):
                totals.sampled[name] = value
                continue
            kind = name or (classify(labels[code]) if code in labels else "requests")
            place = profile.place(labels, index)
            if place is not None and kind:
                totals.add(*place, kind, value)
        if len(totals.sampled) == 1:
            raise ValueError("the rows do not say when they were sampled")
    return totals
