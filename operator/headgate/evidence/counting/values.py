"""What both versions' own summaries counted: blocks of answers and of the sum of their values, and when the judge takes them.

The pods of both versions are read by one query, beside the judge's own counters, and what they counted reaches the judge LAG blocks later.
So it does not matter in which answers the samples come, and nothing that harms users waits for them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from headgate.api.vocabulary import Verdict
from headgate.evidence.check import Check
from headgate.evidence.counting import tally
from headgate.evidence.counting.block import Block
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, NoAnswer, RawSeries, TargetSamples
from headgate.evidence.counting.tracker import exposure_at_source
from headgate.evidence.pods import arms
from headgate.evidence.pods.arms import PodBlock, Pods
from headgate.evidence.view import Lacking

LAG = 3
"""Blocks. Pods are sampled within a block after its end, and read within another one."""
_GRACE = 60.0
"""Seconds after a stage was entered in which pods that show no summary may not have been sampled yet."""
_MOST_WAITING = 1024
"""Blocks of each version that wait for the judge's, which may not come."""

Sums = Mapping[str, tuple[float, float]]
"""(answers, sum of their values) by summary."""


@dataclass(frozen=True, slots=True)
class Summed:
    """What all pods of one version counted in a block. `usable` as in Block."""

    end: float
    usable: bool
    sums: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class ValueArm:
    """One version's pods, and their blocks that the judge has not taken."""

    pods: Pods = field(default_factory=Pods)
    waiting: tuple[Summed, ...] = ()


@dataclass(frozen=True, slots=True)
class Values:
    """`exposure` and the one `before` it, with the clock of the source. `answered`: our time of the last good answer, `error` what came
    instead since. `taken`: the end of the last block that the judge has taken."""

    stable: ValueArm = field(default_factory=ValueArm)
    candidate: ValueArm = field(default_factory=ValueArm)
    exposure: Exposure | None = None
    before: Exposure | None = None
    answered: float | None = None
    error: str = ""
    taken: float | None = None


def summaries(checks: Iterable[Check]) -> tuple[str, ...]:
    """The summaries that checks ask for."""
    return tuple(sorted({check.summary for check in checks if check.summary}))


def fold(values: Values, exposure: Exposure, answer: TargetSamples | NoAnswer, interval: float, now: float) -> Values:
    """The values after one answer. Samples seen before change nothing. A block is usable if it began after the warm-up of the exposure in
    force at its end; going from shadow to canary, what waits is of the shadow."""
    if isinstance(answer, NoAnswer):
        return replace(values, error=f"{answer.outage}: {answer.text}")
    values = _under(values, exposure_at_source(exposure, answer.skew))
    moved = {arm: _moved(values, one, [s for s in answer.series if s.arm is arm], interval) for arm, one in _arms(values).items()}
    return replace(values, stable=moved[Arm.STABLE], candidate=moved[Arm.CANDIDATE], answered=now, error="")


def _arms(values: Values) -> dict[Arm, ValueArm]:
    return {Arm.STABLE: values.stable, Arm.CANDIDATE: values.candidate}


def _under(values: Values, exposure: Exposure) -> Values:
    known = values.exposure
    if known is not None and _key(known) == _key(exposure):
        return values
    if known is not None and known.shadow != exposure.shadow:
        values = again(values)
    return replace(values, exposure=exposure, before=known)


def again(values: Values) -> Values:
    """For another judge of the same attempt: what waits was not for it."""
    return replace(values, stable=replace(values.stable, waiting=()), candidate=replace(values.candidate, waiting=()))


def _key(exposure: Exposure) -> tuple[int, float | None, bool]:
    return exposure.stage, exposure.since, exposure.shadow


def _moved(values: Values, arm: ValueArm, series: Sequence[RawSeries], interval: float) -> ValueArm:
    pods, over = arms.fold(arm.pods, series, interval)
    waiting = (*arm.waiting, *(_summed(values, block, pods.grid) for block in over))
    return ValueArm(pods, waiting[-_MOST_WAITING:])


def _summed(values: Values, block: PodBlock, length: float) -> Summed:
    sums: dict[str, tuple[float, float]] = {}
    for counts in block.pods.values():
        for name in {key.removeprefix("valued ") for key in counts if key.startswith("valued ")}:
            more, before = tally.summed(counts, name), sums.get(name, (0.0, 0.0))
            sums[name] = (before[0] + more[0], before[1] + more[1])
    return Summed(block.end, _is_usable(values, block.end - length, block.end), sums)


def _is_usable(values: Values, begin: float, end: float) -> bool:
    now, before = values.exposure, values.before
    if now is None:
        return False
    if before is not None and (now.since is None or end <= now.since):
        return before.shadow == now.shadow and begin >= before.judged_from
    return begin >= now.judged_from


def take(values: Values, block: Block, interval: float) -> tuple[Values, Block]:
    """The judge's `block` with what both versions counted in the same earlier time, and what is left. Where one of them was not read yet,
    the other waits for it; what one counted while the other had a gap is left out. Of time that compares nothing the stable version's
    sums alone are told."""
    due = block.end - LAG * max(interval, values.stable.pods.grid, values.candidate.pods.grid)
    common = {one.end for one in values.stable.waiting} & {one.end for one in values.candidate.waiting}
    ends = sorted(end for end in common if end <= due)
    if not ends:
        return values, block
    usable = all(x.usable for one in _arms(values).values() for x in one.waiting if x.end <= ends[-1])
    stable, candidate = _told([_between(values, begin, end) for begin, end in _times(values, ends)], usable=usable)
    left = {arm: replace(one, waiting=tuple(x for x in one.waiting if x.end > ends[-1])) for arm, one in _arms(values).items()}
    values = replace(values, stable=left[Arm.STABLE], candidate=left[Arm.CANDIDATE], taken=ends[-1])
    return values, replace(block, stable=replace(block.stable, summed=stable), candidate=replace(block.candidate, summed=candidate))


def _times(values: Values, ends: Sequence[float]) -> Iterator[tuple[float, float]]:
    """Up to each of the `ends` that both versions have: the time since the one before, of which each has the whole, or the last block alone
    if that is longer than a missed sample explains."""
    pods = (values.stable.pods, values.candidate.pods)
    length, patience = max(one.grid for one in pods), max(one.patience for one in pods)
    before = values.taken
    for end in ends:
        yield (before if before is not None and end - before <= patience else end - length), end
        before = end


def _between(values: Values, begin: float, end: float) -> tuple[Sums, Sums]:
    """What both counted in (begin, end]."""
    stable, candidate = (_total([x.sums for x in one.waiting if begin < x.end <= end]) for one in (values.stable, values.candidate))
    return stable, candidate


def _told(times: Sequence[tuple[Sums, Sums]], *, usable: bool) -> tuple[Sums, Sums]:
    """Of each summary those times in which both versions have it; if there are none, or they do not count, the stable version's alone."""
    alone = _total([stable for stable, _ in times])
    if not usable:
        return alone, {}
    both = [
        ({n: stable[n] for n in stable if n in candidate}, {n: candidate[n] for n in candidate if n in stable})
        for stable, candidate in times
    ]
    return {**alone, **_total([stable for stable, _ in both])}, _total([candidate for _, candidate in both])


def _total(sums: Sequence[Sums]) -> Sums:
    names = dict.fromkeys(name for one in sums for name in one)
    each = {name: [one[name] for one in sums if name in one] for name in names}
    return {name: (sum(n for n, _ in parts), sum(s for _, s in parts)) for name, parts in each.items()}


def lacking(values: Values, checks: Iterable[Check], now: float) -> dict[str, Lacking]:
    """Why nothing is known now of what checks ask for, by summary; nothing about those that are fresh."""
    found = {}
    for name in summaries(checks):
        without = [title for title, arm in (("candidate", values.candidate), ("stable version", values.stable)) if not arm.pods.have(name)]
        if values.answered is None:
            found[name] = Lacking(Verdict.NO_DATA, f"the summary {name} was not read yet{f' ({values.error})' if values.error else ''}")
        elif without:
            early = values.exposure is not None and now < values.exposure.entered + _GRACE
            verdict = Verdict.NO_DATA if early else Verdict.NOT_MEASURABLE
            found[name] = Lacking(verdict, f"the pods of the {without[0]} show no {name}_sum and {name}_count")
        elif silence := _silence(values, now):
            found[name] = Lacking(Verdict.NO_DATA, silence)
    return found


def _silence(values: Values, now: float) -> str:
    for title, arm in (("candidate", values.candidate), ("stable version", values.stable)):
        newest = max(arm.pods.seen.values(), default=None)
        if newest is not None and now - newest > 2 * arm.pods.patience:
            return f"the last sample of the {title}'s own summaries is {now - newest:.0f} s old"
    return ""
