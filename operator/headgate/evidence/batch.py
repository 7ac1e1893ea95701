"""Many rollouts judged side by side, from blocks that were recorded or made up: the same judge, a whole axis of series longer."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from headgate.evidence.bets import enough, eprocess, means, noise, panel
from headgate.evidence.bets.arrays import Floats, joined
from headgate.evidence.bets.calibration import Calibration, fit, tempered
from headgate.evidence.bets.comparison import CANDIDATE_EVENTS, CANDIDATE_REQUESTS, STABLE_EVENTS, STABLE_REQUESTS, limits_of
from headgate.evidence.bets.intervals import intervals
from headgate.evidence.bets.panel import ACT, GOOD, Panel, Rows
from headgate.evidence.check import Check, Question, Worse
from headgate.evidence.judge import weights_of
from headgate.evidence.view import NoiseMode

_FITTED_AT_ONCE = 1_000_000
"""Blocks of A/A data that are fitted at once: what bounds the memory it takes."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Events counted for one check in many rollouts.

    `ends`: end of each block in seconds since the rollout began, (series, blocks); NaN where a series has no such block. `counts`: as
    in comparison.py, (series, blocks, 4). `arms`, (series, arms, blocks, 4): the same of each stable pod against the others in these
    blocks, 0 where it was not there; `past`, (series, arms, blocks, 4): before the rollout. Without arms nothing
    is known of the noise of a series.
    """

    ends: Floats
    counts: Floats
    arms: Floats | None = None
    past: Floats | None = None

    def signed(self, check: Check) -> "Streams":
        """Of sums of values as they were recorded: with their sign turned where less is worse."""
        if check.worse is Worse.MORE:
            return self
        side = np.array([1.0, -1.0, 1.0, -1.0])
        return Streams(self.ends, self.counts * side, *(None if one is None else one * side for one in (self.arms, self.past)))

    def compared(self, check: Check) -> "Compared":
        """With the lines of `check`, a comparison of counted events. Raises ValueError for a margin in ms."""
        limits = limits_of(check)
        lines = np.array([(line.ratio, line.offset) for line in (limits.harm, limits.act, limits.good)])
        series, blocks, _ = self.counts.shape
        requests, events = self.counts[..., STABLE_REQUESTS], self.counts[..., STABLE_EVENTS]
        return Compared(
            ends=self.ends,
            counts=np.broadcast_to(self.counts[:, :, None, :], (series, blocks, 3, 4)),
            lines=np.broadcast_to(lines, (series, 3, 2)),
            learnt=np.stack((requests, events, events, events), axis=-1),
            arms=self.arms,
            past=self.past,
            means=check.is_mean,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One check in many rollouts: as Streams, with what panel.Rows has for each block: counts (series, blocks, 3, 4), lines
    (series, 3, 2), learnt (series, blocks, 4). `means`: its events are sums of values."""

    ends: Floats
    counts: Floats
    lines: Floats
    learnt: Floats
    arms: Floats | None = None
    past: Floats | None = None
    means: bool = False


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Per series, shape (series,): when harm was proven and when being good was (seconds; inf: never), the check to blame (-1: none).

    Per check, shape (series, checks): the largest log evidence of harm and of being good, the difference between the arms and its
    confidence sequence at the last block as people are told them (intervals.py), the dispersion found, and how it is known (NoiseMode).
    """

    failed_at: Floats
    passed_at: Floats
    blamed: np.ndarray
    harm: Floats
    good: Floats
    joint_harm: Floats
    difference: Floats
    low: Floats
    high: Floats
    dispersion: Floats
    modes: np.ndarray


def judge_streams(question: Question, streams: Mapping[Check, Streams | Compared]) -> Outcomes:
    """Every series through the whole of its blocks. `streams` has the same series and blocks for every check of `question`.

    A series goes on after it passed: later harm takes it back. After harm was proven it is looked at no further.
    """
    found = [streams[check] for check in question.checks]
    compared = [one.compared(check) if isinstance(one, Streams) else one for check, one in zip(question.checks, found, strict=True)]
    judged = _Judged(question, compared)
    for block in range(compared[0].ends.shape[1]):
        judged.take(block)
    return judged.outcomes()


class _Judged:
    """A panel of (series, checks) being moved on, block by block."""

    def __init__(self, question: Question, compared: list[Compared]) -> None:
        self._question, self._compared = question, compared
        self._weights = weights_of(question)
        self._required = np.array([check.required for check in question.checks])
        series = compared[0].ends.shape[0]
        self._lines = np.stack([one.lines for one in compared], axis=1)
        self._modes = [_modes(one) for one in compared]
        self._fitted = [_calibrated(one, modes) for one, modes in zip(compared, self._modes, strict=True)]
        self._seen = [None if one.arms is None else noise.Dispersion.unknown((series,), one.arms.shape[1]) for one in compared]
        state = Panel.empty((series, len(compared)))
        past = np.stack([_past(one) for one in compared], axis=1)
        self._panel = replace(state, history=panel.learn(state.history, past))
        self._spent = 0.0
        self._joint = np.zeros(series)
        self._failed_at, self._passed_at = np.full(series, np.inf), np.full(series, np.inf)
        self._blamed = np.full(series, -1)

    def take(self, block: int) -> None:
        ends = self._compared[0].ends[:, block]
        there = np.isfinite(ends) & ~np.isfinite(self._failed_at)
        rows = Rows(
            end=np.broadcast_to(np.where(there, ends, 0.0)[:, None], (len(ends), len(self._compared))),
            counts=np.where(there[:, None, None, None], np.stack([one.counts[:, block] for one in self._compared], axis=1), 0.0),
            lines=self._lines,
            learnt=np.where(there[:, None, None], np.stack([one.learnt[:, block] for one in self._compared], axis=1), 0.0),
        )
        weight = eprocess.start_weight(self._question.stage_blocks, 0, block, first=block == 0)
        self._spent = min(self._spent + weight, 1.0)
        self._panel = panel.advance(self._panel, rows, self._now(), weight, self._spent)
        self._joint = np.maximum(self._joint, panel.joint(self._panel.evidence[..., 0], self._weights))
        self._note(ends, there)
        self._learn(block)

    def _now(self) -> Calibration:
        """What may be bet on the next block."""
        known = [
            calibration if seen is None else tempered(calibration, seen) for calibration, seen in zip(self._fitted, self._seen, strict=True)
        ]
        return joined(known, partial(np.stack, axis=1))

    def _learn(self, block: int) -> None:
        for i, (one, known) in enumerate(zip(self._compared, self._seen, strict=True)):
            if one.arms is not None and known is not None:
                self._seen[i] = noise.learn(known, one.arms[:, :, block], np.full(known.blocks.shape, one.means))

    def _note(self, ends: Floats, there: np.ndarray) -> None:
        found = panel.blamed(self._panel, self._joint, self._weights, self._question.alpha, self._lines[:, :, ACT])
        fails = there & (found >= 0)
        self._failed_at = np.where(fails, ends, self._failed_at)
        self._blamed = np.where(fails, found, self._blamed)
        proven = self._panel.peaks[..., 1] >= -np.log(self._question.beta)
        passes = proven[:, self._required].all(axis=1) if self._required.any() else proven.any(axis=1)
        self._passed_at = np.where(there & passes & ~np.isfinite(self._passed_at), ends, self._passed_at)

    def outcomes(self) -> Outcomes:
        dispersion = self._now().phi
        judged = self._panel
        estimate, low, high = intervals(self._question.checks, judged.drift, judged.memory.total, dispersion, self._question.alpha)
        return Outcomes(
            failed_at=self._failed_at,
            passed_at=self._passed_at,
            blamed=self._blamed,
            harm=self._panel.peaks[..., 0],
            good=self._panel.peaks[..., 1],
            joint_harm=self._joint,
            difference=estimate,
            low=low,
            high=high,
            dispersion=np.maximum(dispersion, 1.0),
            modes=np.stack(self._modes, axis=-1),
        )


def _modes(one: Compared) -> np.ndarray:
    """How the noise of each series is known, by the rule of the operator: from its own history, else from its pods during the rollout, else
    not at all. Others of the same batch say nothing about it."""
    series, margins = one.ends.shape[0], one.lines[:, GOOD, 1]
    modes = np.full(series, NoiseMode.ROBUST, dtype=object)
    for at, arms in _parts(one.arms):
        modes[at][enough.pods(arms)] = NoiseMode.LEARNING
    for at, past in _parts(one.past):
        modes[at][enough.of_means(past) if one.means else enough.of_events(past, margins[at])] = NoiseMode.HISTORY
    return modes


def _calibrated(one: Compared, modes: np.ndarray) -> Calibration:
    """By `modes`, one for each series."""
    margins = one.lines[:, GOOD, 1]
    found, places = [], []
    for at, every in _parts(one.past):
        fits = modes[at] == NoiseMode.HISTORY
        past = every if fits.all() else every[fits]
        if len(past):
            found.append(means.fit(past) if one.means else fit(past, margins[at][fits]))
            places.append(np.arange(len(modes))[at][fits])
    learning, robust = (np.flatnonzero(modes == mode) for mode in (NoiseMode.LEARNING, NoiseMode.ROBUST))
    shapes = (len(learning),), (len(robust),)
    if one.means:
        found += [Calibration.learning_mean(shapes[0]), Calibration.robust_mean(shapes[1])]
    else:
        found += [Calibration.learning(shapes[0]), Calibration.robust(shapes[1])]
    return joined(found, np.concatenate).part(np.argsort(np.concatenate([*places, learning, robust])))


def _parts(counted: Floats | None) -> Iterator[tuple[slice, Floats]]:
    """A/A data of some series at once, and which."""
    if counted is None:
        return
    size = max(1, _FITTED_AT_ONCE // max(1, counted.shape[1] * counted.shape[2]))
    for first in range(0, len(counted), size):
        at = slice(first, first + size)
        yield at, counted[at]


def _past(one: Compared) -> Floats:
    """The stable version's requests and events before the rollout, as Rows.learnt."""
    if one.past is None:
        return np.zeros((one.ends.shape[0], 4))
    totals = one.past.sum(axis=(1, 2))
    events = totals[:, CANDIDATE_EVENTS]
    learnt: Floats = np.stack((totals[:, CANDIDATE_REQUESTS], events, events, events), axis=-1)
    return learnt
