"""Rollouts of the stable version against itself, cut out of its pods' past: what is taken back in one of them is taken back falsely."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from headgate.api.vocabulary import Metric
from headgate.evidence.batch import Compared, Streams
from headgate.evidence.bets.arrays import Floats
from headgate.evidence.check import Check
from headgate.evidence.counting.tally import Counts, schema_of
from headgate.evidence.latency import native, recorded
from headgate.evidence.latency.recorded import Histograms
from headgate.evidence.pods.arms import PodBlock, against_the_others, events_of

MOST_PODS = 8
"""Pods that play a part at one time; those with the most blocks."""
MOST_PAST = 1440
"""Blocks before a rollout that calibrate it: six hours of a quarter of a minute."""
FEWEST_PAST = 40


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks in which a rollout is played by each pod in turn, and the `past` before it."""

    past: tuple[PodBlock, ...]
    during: tuple[PodBlock, ...]

    @property
    def pods(self) -> list[str]:
        """Those that play a part, the ones that play the candidate first: at least two of them are needed."""
        seen: dict[str, list[int]] = {}
        for place, blocks in enumerate((self.during, self.past)):
            for block in blocks:
                for pod in block.pods:
                    seen.setdefault(pod, [0, 0])[place] -= 1
        return sorted(seen, key=lambda pod: (*seen[pod], pod))[:MOST_PODS]

    @property
    def candidates(self) -> int:
        """How many of them were there to play the candidate."""
        return sum(any(pod in block.pods for block in self.during) for pod in self.pods)


@dataclass(frozen=True, slots=True)
class Replay:
    """Rollouts in which one pod was the candidate and the others the stable version, per check as the judge takes them.

    `starts` and `pods` say when each began (Unix seconds) and who played the candidate; `slow`, of latency checks, what each compares.
    """

    streams: Mapping[Check, Compared]
    starts: tuple[float, ...]
    pods: tuple[str, ...]
    slow: tuple[str, ...] = ()


def stretches(blocks: Iterable[PodBlock], length: int) -> Iterator[Stretch]:
    """Of `length` blocks, one after the other in time, each with at least FEWEST_PAST blocks before it and at least two pods."""
    past: list[PodBlock] = []
    during: list[PodBlock] = []
    for block in blocks:
        if len(past) < FEWEST_PAST:
            past.append(block)
            continue
        during.append(block)
        if len(during) == length:
            found = Stretch(tuple(past), tuple(during))
            if len(found.pods) > 1 and found.candidates:
                yield found
            past, during = [*past, *during][-MOST_PAST:], []


def against_itself(checks: Sequence[Check], group: Sequence[Stretch], interval: float) -> Replay:
    """Rollouts in blocks of `interval` seconds, side by side in pods, of stretches of one length. There must be one."""
    found: dict[Check, list[Compared]] = {check: [] for check in checks}
    slow: list[str] = []
    for stretch in group:
        for check in checks:
            if check.metric is Metric.LATENCY:
                compared, words = _timed(check, stretch, interval)
                slow += words
            else:
                compared = _counted(check, stretch, interval)
            found[check].append(compared)
    return Replay(
        streams={check: _joined(parts) for check, parts in found.items()},
        starts=tuple(stretch.during[0].end - interval for stretch in group for _ in range(stretch.candidates)),
        pods=tuple(pod for stretch in group for pod in stretch.pods[: stretch.candidates]),
        slow=tuple(slow),
    )


def _counted(check: Check, stretch: Stretch, interval: float) -> Compared:
    pods, number = stretch.pods, stretch.candidates

    def table(blocks: Sequence[PodBlock]) -> Floats:
        return np.array([[events_of(check, "", block.pods.get(pod, {})) for pod in pods] for block in blocks], dtype=np.float64)

    def each(counted: Floats) -> Floats:
        return np.moveaxis(against_the_others(counted), 0, 1)

    during, past = table(stretch.during), each(table(stretch.past))
    arms = np.stack([each(np.delete(during, pod, axis=1)) for pod in range(number)])
    return Streams(_ends(stretch, interval), each(during)[:number], arms, np.broadcast_to(past, (number, *past.shape))).compared(check)


def _timed(check: Check, stretch: Stretch, interval: float) -> tuple[Compared, tuple[str, ...]]:
    """Of slow requests at the bounds that the operator would have chosen, and in words which."""
    pods, number = stretch.pods, stretch.candidates
    names = _bounds([counts for block in (*stretch.past, *stretch.during) for counts in block.pods.values()])

    def table(blocks: Sequence[PodBlock]) -> Floats:
        parts = [f"le {bound}" for bound in (*names, "+Inf")]
        return np.array([[[block.pods.get(pod, {}).get(part, 0) for part in parts] for pod in pods] for block in blocks], dtype=np.float64)

    def each(timed: Floats) -> Floats:
        """(pods, blocks, 2, bounds): the others of each pod together, and the pod itself."""
        return np.moveaxis(np.stack((timed.sum(axis=1, keepdims=True) - timed, timed), axis=-2), 0, 1)

    bounds = tuple(float(name) for name in names)
    during, past = table(stretch.during), each(table(stretch.past))
    arms = np.stack([each(np.delete(during, pod, axis=1)) for pod in range(number)])
    blocks, before = each(during)[:number], np.broadcast_to(past, (number, *past.shape))
    ends = _ends(stretch, interval)
    return recorded.compared(check, ends, *(Histograms(bounds, counts) for counts in (blocks, arms, before)))


def _bounds(timed: Sequence[Counts]) -> list[str]:
    """The finite bounds at which every pod counted, always."""
    counted = [counts for counts in timed if counts.get("le +Inf", 0) > 0]
    schema = min((schema_of(counts) for counts in counted), default=native.FINEST)
    common = set.intersection(*(set(counts) for counts in counted)) if counted else set()
    found = [name.removeprefix("le ") for name in common if name.startswith("le ") and name != "le +Inf"]
    return sorted((bound for bound in found if native.exact(bound, schema)), key=float)


def _ends(stretch: Stretch, interval: float) -> Floats:
    length = len(stretch.during)
    return np.broadcast_to(interval * np.arange(1.0, length + 1.0), (stretch.candidates, length)).copy()


def _joined(parts: Sequence[Compared]) -> Compared:
    return Compared(
        ends=np.concatenate([part.ends for part in parts]),
        counts=np.concatenate([part.counts for part in parts]),
        lines=np.concatenate([part.lines for part in parts]),
        learnt=np.concatenate([part.learnt for part in parts]),
        arms=_filled([part.arms for part in parts if part.arms is not None]),
        past=_filled([part.past for part in parts if part.past is not None]),
        means=parts[0].means,
    )


def _filled(parts: Sequence[Floats]) -> Floats:
    """A/A counts of several stretches: fewer arms than others have count nothing, and so does what is not there of a past."""
    arms, blocks = (max(part.shape[axis] for part in parts) for axis in (1, 2))
    missing = [((0, 0), (0, arms - part.shape[1]), (blocks - part.shape[2], 0), (0, 0)) for part in parts]
    return np.concatenate([np.pad(part, pad) for part, pad in zip(parts, missing, strict=True)])
