"""The judge of one attempt: blocks in, verdict out. Pure; the state carries all that later blocks need.

Every check has evidence of harm (null: within half the margin) and of being good (null: at the whole margin or worse). The evidence of
harm shares one budget: its weighted mean is itself an e-process under any dependence, so P(it ever reaches 1/alpha) <= alpha for a
candidate within the limits, over all looks, checks and stages. Sources: Ville's inequality; Vovk and Wang on averages of e-values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import log

import numpy as np

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.bets import eprocess, panel
from headgate.evidence.bets.arrays import Floats, joined
from headgate.evidence.bets.calibration import Calibration
from headgate.evidence.bets.comparison import Limits, Line
from headgate.evidence.bets.intervals import intervals
from headgate.evidence.bets.panel import Panel, Rows
from headgate.evidence.check import Check, Question
from headgate.evidence.check_reading import Found, reading_of, value_of
from headgate.evidence.counting.block import Block
from headgate.evidence.judge_state import JudgeState, from_json, to_json
from headgate.evidence.latency.common_bounds import fitting
from headgate.evidence.latency.slow_shares import Choice, Past, Unresolved
from headgate.evidence.measure import Reading, limits_for, measure, refusal
from headgate.evidence.view import CheckReading, Lacking

__all__ = ["Case", "JudgeState", "Judgement", "advance", "advance_all", "assess", "expecting", "follow", "from_json", "start", "to_json"]

_LEAST_WEIGHT = 1e-9
_NO_LIMITS = Limits(Line(), Line(), Line())


@dataclass(frozen=True, slots=True)
class Judgement:
    """The checks joined. `harm` is the running maximum of their weighted mean e-value."""

    verdict: Verdict
    harm: float
    checks: tuple[CheckReading, ...]


def start(question: Question) -> JudgeState:
    """Nothing compared yet. Checks that cannot be asked at all are told by `assess` as NotMeasurable."""
    latency = tuple(Past() if check.metric is Metric.LATENCY else None for check in question.checks)
    return JudgeState(Panel.empty((len(question.checks),)), latency, seen=(0,) * len(question.stage_blocks))


def follow(before: JudgeState, question: Question) -> JudgeState:
    """Nothing compared yet, with all that `before` knows of the same stable version alone: its rates, and the latency bounds they chose."""
    new = start(question)
    if len(before.latency) != len(new.latency):
        return new
    return replace(new, panel=replace(new.panel, history=before.panel.history), latency=before.latency)


def expecting(state: JudgeState, totals: Sequence[tuple[int, int]]) -> JudgeState:
    """With (requests, events) of the stable version before the rollout, per check, to predict its rates from."""
    if len(totals) != len(state.latency):
        return state
    learnt = np.array([(requests, events, events, events) for requests, events in totals], dtype=np.float64)
    return replace(state, panel=replace(state.panel, history=panel.learn(state.panel.history, learnt.reshape(-1, 4))))


@dataclass(frozen=True, slots=True)
class Case:
    """One attempt and one more block of it. `stage` is an index into all stages of the attempt.

    `calibration`, shape (checks,), may depend on earlier blocks only; without one requests are taken to be independent.
    """

    state: JudgeState
    question: Question
    block: Block
    stage: int
    calibration: Calibration | None = None


def advance(state: JudgeState, question: Question, block: Block, stage: int, calibration: Calibration | None = None) -> JudgeState:
    """The state after one more block: `advance_all` for a single case."""
    return advance_all([Case(state, question, block, stage, calibration)])[0]


def advance_all(cases: Sequence[Case]) -> list[JudgeState]:
    """Each state after its block, in the order of `cases`; many attempts cost little more than one.

    Unusable blocks only add to what is known of the stable version.
    """
    measured = [_measured(case) for case in cases]
    after = [one.learnt for one in measured]
    by_width: dict[int, list[int]] = {}
    for number, one in enumerate(measured):
        if one.case.block.usable and one.case.question.checks:
            by_width.setdefault(len(one.case.question.checks), []).append(number)
    for numbers in by_width.values():
        for number, state in zip(numbers, _compare([measured[number] for number in numbers]), strict=True):
            after[number] = state
    return after


def assess(
    state: JudgeState, question: Question, dispersion: Floats | None = None, lacking: Mapping[str, Lacking] | None = None
) -> Judgement:
    """What the evidence says now. Fail and each check's Pass are latched; exactly one check says Fail when the verdict is Fail.

    `dispersion`: phi per check, for the intervals, 0 where it is not known; None: 1. `lacking`: which summaries are not known now, and why.
    """
    known = np.ones(len(question.checks)) if dispersion is None else dispersion
    phi = np.maximum(known, 1.0)
    _, low, high = intervals(question.checks, state.panel.drift, state.panel.memory.total, known, question.alpha)
    checks = []
    for i, check in enumerate(question.checks):
        limits = limits_for(check, state.latency[i])
        total, peaks, bounds = state.panel.memory.total[i], state.panel.peaks[i], (float(low[i]), float(high[i]))
        found = Found(total, peaks, bounds, float(phi[i]), limits.act if limits is not None else None)
        checks.append(_read(state, i, check, question, (lacking or {}).get(check.summary), found))
    return Judgement(_join(checks), value_of(state.peak_harm), tuple(checks))


def weights_of(question: Question) -> Floats:
    """Each check's share of alpha; they sum to 1."""
    weights = np.maximum(np.array([check.weight for check in question.checks], dtype=np.float64), _LEAST_WEIGHT)
    normalised: Floats = weights / weights.sum()
    return normalised


@dataclass(frozen=True, slots=True)
class _Measured:
    """A case with its block in numbers, and its state if the block compares nothing."""

    case: Case
    rows: Rows
    learnt: JudgeState


def _measured(case: Case) -> _Measured:
    checks, state = case.question.checks, case.state
    known = [fitting(one, compared, case.block) for one, compared in zip(state.latency, state.panel.compared, strict=True)]
    readings = [measure(check, one, case.block) for check, one in zip(checks, known, strict=True)]
    rows = _rows(readings, case.block.end)
    judged = replace(state.panel, history=panel.learn(state.panel.history, rows.learnt)) if readings else state.panel
    if not case.block.usable:
        # What comes after a gap is not put together with what came before.
        judged = replace(judged, waiting=np.zeros_like(judged.waiting))
    return _Measured(case, rows, replace(state, panel=judged, latency=tuple(reading.latency for reading in readings)))


def _rows(readings: list[Reading], end: float) -> Rows:
    limits = [reading.limits or _NO_LIMITS for reading in readings]
    lines = [[(line.ratio, line.offset) for line in (one.harm, one.act, one.good)] for one in limits]
    return Rows(
        end=np.full(len(readings), end),
        counts=np.array([reading.counts for reading in readings], dtype=np.float64).reshape(-1, 3, 4),
        lines=np.array(lines, dtype=np.float64).reshape(-1, 3, 2),
        learnt=np.array([reading.learnt for reading in readings], dtype=np.float64).reshape(-1, 4),
    )


def _compare(measured: list[_Measured]) -> list[JudgeState]:
    """Attempts with the same number of checks, side by side: (attempts, checks)."""
    cases = [one.case for one in measured]
    starts, spents = zip(*(_start(case) for case in cases), strict=True)
    side_by_side = partial(np.stack, axis=0)
    rows = joined([one.rows for one in measured], side_by_side)
    calibrations = [case.calibration or _independent(case.question.checks) for case in cases]
    moved = panel.advance(
        joined([case.state.panel for case in cases], side_by_side),
        rows,
        joined(calibrations, side_by_side),
        np.array(starts)[:, None],
        np.array(spents)[:, None],
    )
    weights = np.stack([weights_of(case.question) for case in cases])
    peaks = np.maximum([case.state.peak_harm for case in cases], panel.joint(moved.evidence[..., 0], weights))
    causes = panel.blamed(moved, peaks, weights, [case.question.alpha for case in cases], rows.lines[..., panel.ACT, :])
    return [
        JudgeState(
            panel=moved.part(number),
            latency=one.learnt.latency,
            seen=_counted(one.case),
            spent=spents[number],
            peak_harm=float(peaks[number]),
            failed=_latched(one.case.state.failed, int(causes[number])),
        )
        for number, one in enumerate(measured)
    ]


def _independent(checks: Sequence[Check]) -> Calibration:
    """Of requests that fail independently of each other; nothing like it is known of values."""
    return joined([Calibration.robust_mean((1,)) if check.is_mean else Calibration.exact((1,)) for check in checks], np.concatenate)


def _start(case: Case) -> tuple[float, float]:
    """The prior weight of a regression that starts with this block, and what is spent with it."""
    state, question = case.state, case.question
    place = case.stage - question.first_stage
    index = state.seen[place] if 0 <= place < len(state.seen) else 0
    weight = eprocess.start_weight(question.stage_blocks, place, index, first=state.spent == 0.0)
    return weight, min(state.spent + weight, 1.0)


def _counted(case: Case) -> tuple[int, ...]:
    place = case.stage - case.question.first_stage
    return tuple(count + (number == place) for number, count in enumerate(case.state.seen))


def _latched(failed: int | None, cause: int) -> int | None:
    return failed if failed is not None or cause < 0 else cause


def _read(state: JudgeState, i: int, check: Check, question: Question, lacking: Lacking | None, found: Found) -> CheckReading:
    latency = state.latency[i]
    unresolved = latency.detail if isinstance(latency, Unresolved) else latency.lacks if isinstance(latency, Choice) else ""
    return replace(_verdict(state, i, check, question, lacking, found), unresolved=unresolved)


def _verdict(state: JudgeState, i: int, check: Check, question: Question, lacking: Lacking | None, found: Found) -> CheckReading:
    latency = state.latency[i]
    why = latency.detail if isinstance(latency, Unresolved) else refusal(check)
    detail = latency.detail if isinstance(latency, Choice) else ""
    if why is not None:
        return reading_of(check, Verdict.NOT_MEASURABLE, found, why)
    if state.failed == i:
        return reading_of(check, Verdict.FAIL, found, detail)
    if lacking is not None:
        return reading_of(check, lacking.verdict, found, lacking.detail)
    if state.panel.compared[i] == 0:
        return reading_of(check, Verdict.NO_DATA, found, detail)
    proven = float(state.panel.peaks[i, 1]) >= -log(question.beta)
    return reading_of(check, Verdict.PASS if proven else Verdict.INCONCLUSIVE, found, detail)


def _join(checks: Sequence[CheckReading]) -> Verdict:
    said = [check.verdict for check in checks]
    if Verdict.FAIL in said:
        return Verdict.FAIL
    if any(check.verdict is Verdict.NOT_MEASURABLE and check.required for check in checks):
        return Verdict.NOT_MEASURABLE
    if all(verdict in (Verdict.NO_DATA, Verdict.NOT_MEASURABLE) for verdict in said):
        return Verdict.NO_DATA
    # Without a required check, at least one must be proven: time alone never passes.
    if Verdict.PASS in said and all(check.verdict is Verdict.PASS for check in checks if check.required):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE
