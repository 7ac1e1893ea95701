"""The judge of one attempt: blocks in, verdict out. Pure; the state carries all that later blocks need.

Every check has an e-process for harm (null: within half the margin) and one for being good (null: at the whole margin or worse). The
harm processes share one budget: their weighted mean is itself an e-process under any dependence, so P(it ever reaches 1/alpha) <= alpha
for a candidate within the limits, over all looks, checks and stages. Sources: Ville's inequality; Vovk and Wang on averages of e-values.
"""

from dataclasses import dataclass, replace
from math import exp, log

import numpy as np
from numpy.typing import ArrayLike

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence import eprocess
from headgate.evidence.block import Block
from headgate.evidence.check import Check, Question
from headgate.evidence.confirmation import confirmed, observe
from headgate.evidence.eprocess import EFFECTS, GOOD_PRIOR, HARM_GAPS, HARM_PRIOR
from headgate.evidence.judge_state import CheckState, JudgeState, from_json, to_json
from headgate.evidence.latency import Choice, Past, Unresolved
from headgate.evidence.measure import Reading, limits_for, measure, refusal
from headgate.evidence.projection import Floats
from headgate.evidence.view import CheckReading

__all__ = ["CheckState", "JudgeState", "Judgement", "advance", "assess", "from_json", "start", "to_json"]

_HARM = len(HARM_GAPS)
_SIDE = np.array([1.0] * _HARM + [-1.0] * (EFFECTS - _HARM))
_LARGEST_LOG = 700.0
_LEAST_WEIGHT = 1e-9


@dataclass(frozen=True, slots=True)
class Judgement:
    """The checks joined. `harm` is the running maximum of their weighted mean e-value."""

    verdict: Verdict
    harm: float
    checks: tuple[CheckReading, ...]


def start(question: Question) -> JudgeState:
    """Nothing compared yet. Checks that cannot be asked at all are told by `assess` as NotMeasurable."""
    checks = tuple(CheckState(latency=Past() if check.metric is Metric.LATENCY else None) for check in question.checks)
    return JudgeState(checks=checks, seen=(0,) * len(question.stage_blocks))


def advance(state: JudgeState, question: Question, block: Block, stage: int, kappa: ArrayLike = 1.0) -> JudgeState:
    """The state after one more block of `stage` (index into `question.stage_blocks`).

    Unusable blocks only add to what is known of the stable version. `kappa` in (0, 1] tempers the evidence of clustered events; it
    broadcasts against (checks, effects), nine columns for harm and three for being good, and may depend on earlier blocks only.
    """
    readings = [
        measure(check, checked.history, checked.latency, block) for check, checked in zip(question.checks, state.checks, strict=True)
    ]
    learnt = tuple(
        replace(checked, history=reading.history, latency=reading.latency) for checked, reading in zip(state.checks, readings, strict=True)
    )
    if not block.usable or not readings:
        return replace(state, checks=learnt)
    index = state.seen[stage] if 0 <= stage < len(state.seen) else 0
    weight = eprocess.start_weight(question.stage_blocks, stage, index, first=state.spent == 0.0)
    spent = min(state.spent + weight, 1.0)
    wealth = eprocess.grow(np.array([checked.wealth for checked in learnt]), weight, _log_evalues(readings) * np.asarray(kappa))
    harm = eprocess.log_evidence(wealth[:, :_HARM], HARM_PRIOR, spent)
    good = eprocess.log_evidence(wealth[:, _HARM:], GOOD_PRIOR, spent)
    checks = tuple(
        _moved(learnt[i], readings[i], block.end, tuple(wealth[i].tolist()), float(harm[i]), float(good[i])) for i in range(len(learnt))
    )
    joined = float(np.logaddexp.reduce(np.log(_weights(question)) + harm))
    after = JudgeState(
        checks=checks,
        seen=tuple(count + (number == stage) for number, count in enumerate(state.seen)),
        spent=spent,
        peak_harm=max(state.peak_harm, joined),
        failed=state.failed,
    )
    return after if after.failed is not None else replace(after, failed=_cause(after, question))


def assess(state: JudgeState, question: Question) -> Judgement:
    """What the evidence says now. Fail and each check's Pass are latched; exactly one check says Fail when the verdict is Fail."""
    pairs = zip(state.checks, question.checks, strict=True)
    checks = tuple(_read(checked, check, question, failed=state.failed == i) for i, (checked, check) in enumerate(pairs))
    return Judgement(_join(checks), _value(state.peak_harm), checks)


def _log_evalues(readings: list[Reading]) -> Floats:
    """log S of one block, shape (checks, effects): all checks and both directions in one projection."""
    rows = np.array([reading.row for reading in readings], dtype=np.float64)
    harm, good, expected = rows[:, 0:7], rows[:, 7:14], rows[:, 14]
    targets = np.concatenate(
        (
            eprocess.harm_targets(harm[:, 0], harm[:, 5], harm[:, 6]),
            eprocess.good_targets(good[:, 0], expected, good[:, 5], good[:, 6]),
        ),
        axis=1,
    )
    stable, n_b, e_b, n_c, e_c, ratio, offset = (np.where(_SIDE > 0.0, harm[:, column, None], good[:, column, None]) for column in range(7))
    return eprocess.block_log_evalue(stable, targets, (n_b, e_b, n_c, e_c), ratio, offset, _SIDE)


def _moved(checked: CheckState, reading: Reading, end: float, wealth: tuple[float, ...], harm: float, good: float) -> CheckState:
    memory = checked.memory
    if reading.limits is not None and reading.harm.comparable:
        memory = observe(memory, end, reading.harm, reading.act, reading.limits.harm)
    return replace(
        checked,
        wealth=wealth,
        peak_harm=max(checked.peak_harm, harm),
        peak_good=max(checked.peak_good, good),
        compared=checked.compared + reading.harm.comparable,
        memory=memory,
    )


def _cause(state: JudgeState, question: Question) -> int | None:
    """The check to roll back for: the largest contributor, or one whose evidence is enough alone, once it is confirmed."""
    threshold = -log(question.alpha)
    if state.peak_harm < threshold:
        return None
    shares = [float(share) + checked.peak_harm for share, checked in zip(np.log(_weights(question)), state.checks, strict=True)]
    largest = max(shares)
    for i in sorted(range(len(shares)), key=lambda k: -shares[k]):
        limits = limits_for(question.checks[i], state.checks[i].latency)
        if limits is not None and (shares[i] == largest or shares[i] >= threshold) and confirmed(state.checks[i].memory, limits.act):
            return i
    return None


def _weights(question: Question) -> Floats:
    weights = np.maximum(np.array([check.weight for check in question.checks], dtype=np.float64), _LEAST_WEIGHT)
    normalised: Floats = weights / weights.sum()
    return normalised


def _read(checked: CheckState, check: Check, question: Question, *, failed: bool) -> CheckReading:
    total, limits, why = checked.memory.total, limits_for(check, checked.latency), refusal(check)
    if isinstance(checked.latency, Unresolved):
        why = checked.latency.detail
    stable = total.stable_events / total.stable_requests if total.stable_requests else 0.0
    candidate = total.candidate_events / total.candidate_requests if total.candidate_requests else 0.0
    if why is not None:
        verdict = Verdict.NOT_MEASURABLE
    elif failed:
        verdict = Verdict.FAIL
    elif checked.compared == 0:
        verdict = Verdict.NO_DATA
    else:
        verdict = Verdict.PASS if checked.peak_good >= -log(question.beta) else Verdict.INCONCLUSIVE
    return CheckReading(
        metric=check.metric,
        verdict=verdict,
        required=check.required,
        harm=_value(checked.peak_harm),
        good=_value(checked.peak_good),
        candidate_requests=total.candidate_requests,
        candidate_events=total.candidate_events,
        stable_requests=total.stable_requests,
        stable_events=total.stable_events,
        difference=candidate - stable,
        limit=(limits.act.ratio - 1.0) * stable + limits.act.offset if limits is not None else 0.0,
        detail=why or (checked.latency.detail if isinstance(checked.latency, Choice) else ""),
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
