"""The judge of one attempt: blocks in, verdict out. Pure; the state carries all that later blocks need.

Every check has evidence of harm (null: within half the margin) and of being good (null: at the whole margin or worse). The evidence of
harm shares one budget: its weighted mean is itself an e-process under any dependence, so P(it ever reaches 1/alpha) <= alpha for a
candidate within the limits, over all looks, checks and stages. Sources: Ville's inequality; Vovk and Wang on averages of e-values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, log

import numpy as np

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence import asymptotic, eprocess, panel
from headgate.evidence.arrays import Floats
from headgate.evidence.block import Block
from headgate.evidence.calibration import Calibration
from headgate.evidence.check import Check, Question
from headgate.evidence.comparison import CANDIDATE_EVENTS, CANDIDATE_REQUESTS, STABLE_EVENTS, STABLE_REQUESTS, Limits, Line
from headgate.evidence.judge_state import JudgeState, from_json, to_json
from headgate.evidence.latency import Choice, Past, Unresolved
from headgate.evidence.measure import Reading, limits_for, measure, refusal
from headgate.evidence.panel import Panel, Rows
from headgate.evidence.view import CheckReading

__all__ = ["JudgeState", "Judgement", "advance", "assess", "expecting", "follow", "from_json", "start", "to_json"]

_LARGEST_LOG = 700.0
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


def advance(state: JudgeState, question: Question, block: Block, stage: int, calibration: Calibration | None = None) -> JudgeState:
    """The state after one more block of `stage` (index into `question.stage_blocks`).

    Unusable blocks only add to what is known of the stable version. `calibration`, shape (checks,), may depend on earlier blocks only;
    without one requests are taken to be independent.
    """
    readings = [measure(check, known, block) for check, known in zip(question.checks, state.latency, strict=True)]
    latency = tuple(reading.latency for reading in readings)
    if not readings:
        return state
    rows = _rows(readings, block.end)
    if not block.usable:
        return replace(state, panel=replace(state.panel, history=panel.learn(state.panel.history, rows.learnt)), latency=latency)
    index = state.seen[stage] if 0 <= stage < len(state.seen) else 0
    weight = eprocess.start_weight(question.stage_blocks, stage, index, first=state.spent == 0.0)
    spent = min(state.spent + weight, 1.0)
    moved = panel.advance(state.panel, rows, calibration or Calibration.exact((len(readings),)), weight, spent)
    peak = max(state.peak_harm, float(panel.joint(moved.evidence[:, 0], weights_of(question))))
    failed = state.failed if state.failed is not None else _cause(moved, peak, question, rows)
    seen = tuple(count + (number == stage) for number, count in enumerate(state.seen))
    return JudgeState(moved, latency, seen, spent, peak, failed)


def assess(state: JudgeState, question: Question, dispersion: Floats | None = None) -> Judgement:
    """What the evidence says now. Fail and each check's Pass are latched; exactly one check says Fail when the verdict is Fail.

    `dispersion`: phi per check, for the intervals; None: 1.
    """
    phi = np.ones(len(question.checks)) if dispersion is None else np.maximum(dispersion, 1.0)
    _, low, high = asymptotic.interval(state.panel.drift, phi, question.alpha)
    checks = tuple(
        _read(state, i, check, question, (float(low[i]), float(high[i])), float(phi[i])) for i, check in enumerate(question.checks)
    )
    return Judgement(_join(checks), _value(state.peak_harm), checks)


def weights_of(question: Question) -> Floats:
    """Each check's share of alpha; they sum to 1."""
    weights = np.maximum(np.array([check.weight for check in question.checks], dtype=np.float64), _LEAST_WEIGHT)
    normalised: Floats = weights / weights.sum()
    return normalised


def _rows(readings: list[Reading], end: float) -> Rows:
    limits = [reading.limits or _NO_LIMITS for reading in readings]
    return Rows(
        end=np.full(len(readings), end),
        counts=np.array([reading.counts for reading in readings], dtype=np.float64),
        lines=np.array([[(line.ratio, line.offset) for line in (one.harm, one.act, one.good)] for one in limits], dtype=np.float64),
        learnt=np.array([reading.learnt for reading in readings], dtype=np.float64),
    )


def _cause(moved: Panel, peak: float, question: Question, rows: Rows) -> int | None:
    found = int(panel.blamed(moved, np.asarray(peak), weights_of(question), question.alpha, rows.lines[:, panel.ACT]))
    return found if found >= 0 else None


def _read(state: JudgeState, i: int, check: Check, question: Question, interval: tuple[float, float], phi: float) -> CheckReading:
    latency, moved = state.latency[i], state.panel
    total, limits, why = moved.memory.total[i], limits_for(check, latency), refusal(check)
    if isinstance(latency, Unresolved):
        why = latency.detail
    harm, good = (float(peak) for peak in moved.peaks[i])
    stable = total[STABLE_EVENTS] / max(total[STABLE_REQUESTS], 1.0)
    candidate = total[CANDIDATE_EVENTS] / max(total[CANDIDATE_REQUESTS], 1.0)
    if why is not None:
        verdict = Verdict.NOT_MEASURABLE
    elif state.failed == i:
        verdict = Verdict.FAIL
    elif moved.compared[i] == 0:
        verdict = Verdict.NO_DATA
    else:
        verdict = Verdict.PASS if good >= -log(question.beta) else Verdict.INCONCLUSIVE
    return CheckReading(
        metric=check.metric,
        verdict=verdict,
        required=check.required,
        harm=_value(harm),
        good=_value(good),
        candidate_requests=int(total[CANDIDATE_REQUESTS]),
        candidate_events=int(total[CANDIDATE_EVENTS]),
        stable_requests=int(total[STABLE_REQUESTS]),
        stable_events=int(total[STABLE_EVENTS]),
        difference=float(candidate - stable),
        low=interval[0],
        high=interval[1],
        limit=float((limits.act.ratio - 1.0) * stable + limits.act.offset) if limits is not None else 0.0,
        dispersion=phi,
        detail=why or (latency.detail if isinstance(latency, Choice) else ""),
    )


def _join(checks: tuple[CheckReading, ...]) -> Verdict:
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


def _value(logarithm: float) -> float:
    return exp(min(logarithm, _LARGEST_LOG))
