"""How the judge of one attempt learns the stable version's noise: from its pods' past, from its pods meanwhile, or not at all.

The mode of a check is settled once, with its first comparison, because the split of the money is: a later change would let evidence be
picked by its size. What is bet on a block follows from A/A blocks that ended LAG blocks earlier at least. So it does not matter in
which answers the samples come, and a pod that is sampled late holds nothing up.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from headgate.api.vocabulary import Metric
from headgate.evidence.bets import noise
from headgate.evidence.bets.arrays import Floats, joined
from headgate.evidence.bets.calibration import FEWEST_ARMS, Calibration, tempered
from headgate.evidence.check import Check
from headgate.evidence.counting.block import Block
from headgate.evidence.counting.series import RawSeries
from headgate.evidence.latency.slow_shares import Choice, Unresolved
from headgate.evidence.measure import Latency
from headgate.evidence.pods import arms
from headgate.evidence.pods.arms import PodBlock
from headgate.evidence.pods.history import History
from headgate.evidence.pods.state import Noise
from headgate.evidence.view import CheckReading, NoiseMode

LAG = 3
"""Blocks. Pods are sampled within a block after its end, and read within another one."""
_MOST_WAITING = 4096
"""Counts of pods in blocks that wait for the judge's own, which may not come: those of twenty minutes at 1 s with three pods."""
_TOLD_PODS = f"fewer than {FEWEST_ARMS} pods of the stable version with counters of their own"


def take_pods(known: Noise, checks: Sequence[Check], series: Sequence[RawSeries], interval: float, now: float) -> Noise:
    """After one answer about the stable version's pods, which came at `now`."""
    pods, over = arms.fold(known.pods, series, interval)
    waiting = (*known.waiting, *over)
    most = max(LAG, _MOST_WAITING // max(1, len(pods.seen)))
    early, late = waiting[:-most], waiting[-most:]
    return _learnt(replace(known, pods=pods, waiting=late, answered=now), checks, early)


def again(known: Noise, checks: Sequence[Check]) -> Noise:
    """For another judge of the same attempt: what is known is kept, how the money is split is settled anew. A past that was too short is
    longer now."""
    nothing, past = Noise.unknown(checks), known.history
    kept = past if past is not None and all(past.fits) else None
    return replace(known, history=kept, modes=nothing.modes, whys=nothing.whys, calibration=nothing.calibration, now=nothing.now)


def take_history(known: Noise, history: History) -> Noise:
    """The past has arrived. Checks that were settled without it and learn get to know it too: their money is split alike."""
    after = replace(known, history=history)
    for i, mode in enumerate(known.modes):
        if mode is NoiseMode.LEARNING:
            after = _with_fit(after, i)
    return after


def before_block(known: Noise, checks: Sequence[Check], latency: Sequence[Latency | None], block: Block, interval: float) -> Noise:
    """What may be bet on `block`."""
    due = block.end - LAG * max(known.pods.grid, interval)
    ripe = tuple(one for one in known.waiting if one.end <= due)
    if ripe:
        known = _learnt(replace(known, waiting=known.waiting[len(ripe) :]), checks, ripe)
    if not (block.usable and all(arm.requests + arm.missing > 0 for arm in (block.stable, block.candidate))):
        return known
    for i, check in enumerate(checks):
        if known.modes[i] is NoiseMode.UNKNOWN and _compares(check, latency[i], block):
            known = _settled(known, i, check, latency[i])
    return known


def described(known: Noise, readings: Sequence[CheckReading]) -> tuple[CheckReading, ...]:
    """The readings with how noise was treated."""
    return tuple(
        replace(reading, noise=mode, noise_detail=why) for reading, mode, why in zip(readings, known.modes, known.whys, strict=True)
    )


def notes(known: Noise, checks: Sequence[Check]) -> tuple[str, ...]:
    """How noise is treated, in one line; none before anything is compared."""
    words = [
        f"{check.metric} {_MODE_WORDS[mode]}{f' ({why})' if why else ''}"
        for check, mode, why in zip(checks, known.modes, known.whys, strict=True)
        if mode is not NoiseMode.UNKNOWN
    ]
    return (f"noise of the stable version: {'; '.join(words)}",) if words else ()


_MODE_WORDS = {
    NoiseMode.HISTORY: "by its pods' past and present",
    NoiseMode.LEARNING: "learnt from its pods meanwhile",
    NoiseMode.ROBUST: "by differences between blocks",
}


def _compares(check: Check, latency: Latency | None, block: Block) -> bool:
    if check.metric is Metric.LATENCY:
        return isinstance(latency, Choice | Unresolved)
    return not check.summary or all(arm.summed.get(check.summary, (0, 0))[0] > 0 for arm in (block.stable, block.candidate))


def _settled(known: Noise, i: int, check: Check, latency: Latency | None) -> Noise:
    if isinstance(latency, Unresolved):
        return _with_row(known, i, Calibration.robust((1,)), NoiseMode.ROBUST, "")
    bound = f"{latency.harm.stable:.9g}" if isinstance(latency, Choice) else ""
    known = replace(known, bounds=_put(known.bounds, i, bound))
    fitted = _with_fit(known, i)
    if fitted.modes[i] is NoiseMode.HISTORY:
        return fitted
    has_bound = not bound or bound in known.pods.bounds or (known.history is not None and bound in known.history.bounds)
    counts = bool(bound) or (known.pods.have(check.summary) if check.summary else known.pods.count_answers)
    if known.pods.alive < FEWEST_ARMS or not counts:
        mode, why = NoiseMode.ROBUST, _TOLD_PODS
    elif not has_bound:
        mode, why = NoiseMode.ROBUST, f"the pods' own histograms have no bound of {1000 * float(bound):.4g}ms"
    else:
        mode, why = NoiseMode.LEARNING, ""
    if check.is_mean:
        one = Calibration.learning_mean((1,)) if mode is NoiseMode.LEARNING else Calibration.robust_mean((1,))
    else:
        one = Calibration.learning((1,)) if mode is NoiseMode.LEARNING else Calibration.robust((1,))
    return _with_row(known, i, one, mode, why)


def _with_fit(known: Noise, i: int) -> Noise:
    """With what the past says of this check, if it says anything."""
    history = known.history
    fit = history.fits[i].get(known.bounds[i]) if history is not None and i < len(history.fits) else None
    if history is None or fit is None:
        return known
    return _with_row(known, i, fit, NoiseMode.HISTORY, f"{history.pods} pods over {_time(history.seconds)}")


def _with_row(known: Noise, i: int, one: Calibration, mode: NoiseMode, why: str) -> Noise:
    def put(values: list[Floats]) -> Floats:
        every, row = values
        changed = every.copy()
        changed[i] = row[0]
        return changed

    changed = replace(
        known,
        calibration=joined([known.calibration, one], put),
        modes=_put(known.modes, i, mode),
        whys=_put(known.whys, i, why),
    )
    return replace(changed, now=tempered(changed.calibration, changed.seen))


def _learnt(known: Noise, checks: Sequence[Check], blocks: Sequence[PodBlock]) -> Noise:
    """After A/A blocks, in order. Too few pods in a block tell nothing."""
    seen, named = known.seen, known.named
    means = np.array([check.is_mean for check in checks], dtype=bool)
    for block in blocks:
        if len(block.pods) < FEWEST_ARMS:
            continue
        names = tuple(block.pods)
        if names != named:
            seen, named = noise.with_arms(seen, len(names)), names
        seen = noise.learn(seen, arms.arms_of(checks, known.bounds, block), means)
    if seen is known.seen:
        return known
    return replace(known, seen=seen, named=named, now=tempered(known.calibration, seen))


def _put(values: tuple[Any, ...], i: int, value: Any) -> tuple[Any, ...]:
    return (*values[:i], value, *values[i + 1 :])


def _time(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"
