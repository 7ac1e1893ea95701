"""The judge joins its checks: what passes, what fails and which check is blamed, what is latched, what a restart keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.statistics.arms import ENVOY_BOUNDS, ERRORS, LATENCY, REJECTIONS, arm, block, question

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.bets.calibration import Calibration
from headgate.evidence.bets.confirmation import confirmed
from headgate.evidence.check import Check, Question
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.judge import Case, Judgement, JudgeState, advance, advance_all, assess, from_json, start, to_json
from headgate.evidence.latency.slow_shares import Choice

ALL = question(ERRORS, REJECTIONS, LATENCY, stages=(300, 300))


def _blocks(seconds: int, seed: int = 1, **candidate: float) -> list[Block]:
    rng = np.random.default_rng(seed)
    rates = {"errors": 0.005} | candidate
    return [block(float(k), arm(rng, 80, errors=0.005), arm(rng, 20, **rates), usable=k >= 2) for k in range(seconds)]


def _judged(asked: Question, blocks: list[Block], state: JudgeState | None = None) -> JudgeState:
    state = state or start(asked)
    for one in blocks:
        state = advance(state, asked, one, 0)
    return state


def _verdicts(judgement: Judgement) -> dict[Metric, Verdict]:
    return {check.metric: check.verdict for check in judgement.checks}


def test_an_identical_candidate_is_proven_good_in_every_check() -> None:
    judgement = assess(_judged(ALL, _blocks(180)), ALL)
    assert judgement.verdict is Verdict.PASS
    assert all(check.verdict is Verdict.PASS and check.good >= 20 > check.harm for check in judgement.checks)
    errors = judgement.checks[0]
    assert errors.candidate_requests == pytest.approx(178 * 20, rel=0.1)
    assert errors.limit == 0.01


@pytest.mark.parametrize(
    ("candidate", "blamed", "seconds"),
    [
        ({"errors": 0.03}, Metric.ERRORS, 150),
        ({"errors": 1.0}, Metric.ERRORS, 4),
        ({"missing": 1.0}, Metric.ERRORS, 6),
        ({"missing": 0.05}, Metric.ERRORS, 60),
        ({"rejections": 1.0}, Metric.REJECTIONS, 4),
        ({"slower": 0.1}, Metric.LATENCY, 10),
    ],
)
def test_a_harmful_candidate_fails_for_one_visible_cause(candidate: dict[str, float], blamed: Metric, seconds: int) -> None:
    judgement = assess(_judged(ALL, _blocks(seconds, **candidate)), ALL)
    assert judgement.verdict is Verdict.FAIL
    assert [check.metric for check in judgement.checks if check.verdict is Verdict.FAIL] == [blamed]
    assert judgement.harm >= 20


def test_fail_is_latched_and_proof_of_being_good_as_well() -> None:
    failed = _judged(ALL, _blocks(5, errors=1.0))
    assert assess(_judged(ALL, _blocks(120, seed=2), failed), ALL).verdict is Verdict.FAIL
    good = _judged(ALL, _blocks(180))
    later = assess(_judged(ALL, _blocks(6, seed=3, slower=0.03, errors=0.02), good), ALL)
    assert later.verdict is Verdict.PASS
    spoilt = assess(_judged(ALL, _blocks(6, seed=3, errors=1.0), good), ALL)
    assert _verdicts(spoilt)[Metric.ERRORS] is Verdict.FAIL


def test_time_alone_never_passes() -> None:
    idle = Block(0.0, ArmCounts(80, timed=80, below=(80,) * len(ENVOY_BOUNDS)), ArmCounts(), ENVOY_BOUNDS)
    alone = Block(0.0, ArmCounts(), ArmCounts(20, 0, timed=20, below=(20,) * len(ENVOY_BOUNDS)), ENVOY_BOUNDS)
    for one in (idle, alone, Block(0.0, ArmCounts(), ArmCounts())):
        judgement = assess(_judged(ALL, [one] * 500), ALL)
        assert judgement.verdict is Verdict.NO_DATA
        assert all(check.good == check.harm == 1.0 and check.verdict is Verdict.NO_DATA for check in judgement.checks)
    assert assess(start(question()), question()).verdict is Verdict.NO_DATA
    assert assess(_judged(question(), _blocks(3)), question()).verdict is Verdict.NO_DATA


def test_unusable_blocks_teach_the_stable_rate_but_compare_nothing() -> None:
    state = _judged(ALL, [replace(one, usable=False) for one in _blocks(60, errors=1.0)])
    assert assess(state, ALL).verdict is Verdict.NO_DATA
    assert state.panel.history[0, 0] == pytest.approx(4800, rel=0.1)
    assert state.spent == 0.0
    assert state.seen == (0, 0)
    assert isinstance(state.latency[2], Choice)


def test_bounds_chosen_before_anything_was_compared_that_one_version_lacks_are_told() -> None:
    unusable = [replace(one, usable=False) for one in _blocks(5)]
    state, bounds = _judged(question(LATENCY), unusable), (0.15, 0.3)
    chosen = state.latency[0]
    assert isinstance(chosen, Choice)
    lacking = Block(2.0, ArmCounts(80, timed=80, below=(70, 80)), ArmCounts(20, timed=20, below=(18, 20)), bounds)
    for alone in (replace(lacking, candidate=ArmCounts()), replace(lacking, stable=ArmCounts())):
        assert advance(state, question(LATENCY), alone, 0).latency == (chosen,)
    told = assess(advance(state, question(LATENCY), lacking, 0), question(LATENCY))
    assert (told.verdict, told.checks[0].verdict) == (Verdict.NOT_MEASURABLE, Verdict.NOT_MEASURABLE)
    assert "has no latency bucket bound of" in told.checks[0].unresolved
    compared = _judged(question(LATENCY), _blocks(20))
    assert advance(compared, question(LATENCY), lacking, 0).latency == compared.latency, "coarse for a while, as native histograms may be"


def test_a_required_check_that_cannot_be_measured_blocks_pass_and_an_optional_one_does_not() -> None:
    narrow = Check(Metric.LATENCY, Margin(1, Unit.MILLISECONDS), quantile=0.95)
    blocks = _blocks(180)
    for required, verdict in ((True, Verdict.NOT_MEASURABLE), (False, Verdict.PASS)):
        asked = question(ERRORS, replace(narrow, required=required))
        judgement = assess(_judged(asked, blocks), asked)
        assert judgement.verdict is verdict
        assert judgement.checks[1].verdict is Verdict.NOT_MEASURABLE
        assert "add bounds near" in judgement.checks[1].detail


@pytest.mark.parametrize(
    ("check", "word"),
    [
        (Check(Metric.ERRORS, Margin(5, Unit.MILLISECONDS)), "pp or %"),
        (Check(Metric.LATENCY, Margin(5, Unit.MILLISECONDS)), "quantile"),
        (Check(Metric.LATENCY, Margin(5, Unit.POINTS), quantile=0.9), "ms or %"),
        (Check(Metric.POD_FAILURES, Margin(5, Unit.POINTS)), "guard"),
    ],
)
def test_a_question_without_meaning_is_told_and_not_answered(check: Check, word: str) -> None:
    asked = question(check)
    judgement = assess(_judged(asked, _blocks(5)), asked)
    assert judgement.checks[0].verdict is Verdict.NOT_MEASURABLE
    assert word in judgement.checks[0].detail
    assert judgement.verdict is Verdict.NOT_MEASURABLE


def test_a_relative_limit_follows_the_stable_rate() -> None:
    asked = question(Check(Metric.ERRORS, Margin(50, Unit.RELATIVE)))
    rng = np.random.default_rng(5)

    def judged(errors: float) -> Judgement:
        return assess(_judged(asked, [block(float(k), arm(rng, 80, errors=0.2), arm(rng, 20, errors=errors)) for k in range(150)]), asked)

    assert judged(0.2).verdict is Verdict.PASS
    assert judged(0.4).verdict is Verdict.FAIL
    assert judged(0.2).checks[0].limit == pytest.approx(0.1, rel=0.1)


def test_no_error_at_all_is_the_easiest_proof() -> None:
    asked = question(REJECTIONS)
    quiet = [Block(float(k), ArmCounts(80), ArmCounts(20)) for k in range(40)]
    assert assess(_judged(asked, quiet), asked).verdict is Verdict.PASS
    assert assess(_judged(asked, [Block(float(k), ArmCounts(80), ArmCounts(20, 0, 20)) for k in range(2)]), asked).verdict is Verdict.FAIL


def test_a_single_burst_of_errors_is_evidence_but_not_confirmed() -> None:
    blocks = _blocks(40)
    blocks[30] = replace(blocks[30], candidate=replace(blocks[30].candidate, errors=9))
    state = _judged(question(ERRORS), blocks[:31])
    assert state.peak_harm >= np.log(20)
    assert assess(state, question(ERRORS)).verdict is not Verdict.FAIL


def test_a_small_contributor_is_not_blamed_for_the_evidence_of_an_unconfirmed_one() -> None:
    """Rejections crept up and are confirmed, but only one burst of errors lifts the joined evidence over the threshold."""
    asked = question(ERRORS, REJECTIONS)
    blocks = [Block(float(k), ArmCounts(80), ArmCounts(20, 0, 1)) for k in range(4)]
    blocks.append(Block(4.0, ArmCounts(80), ArmCounts(20, 9, 1)))
    state = _judged(asked, blocks)
    assert state.peak_harm >= np.log(20)
    assert confirmed(state.panel.memory, np.array([[1.0, 0.01]] * 2))[1]
    assert assess(state, asked).verdict is Verdict.INCONCLUSIVE


def test_weights_share_one_budget() -> None:
    blocks = _blocks(60, errors=0.03)
    alone = assess(_judged(question(ERRORS), blocks), question(ERRORS)).harm
    shared = assess(_judged(question(ERRORS, REJECTIONS), blocks), question(ERRORS, REJECTIONS)).harm
    assert shared == pytest.approx(alone * 4 / 6, rel=0.2)


def test_kappa_tempers_the_evidence_by_check_and_effect() -> None:
    asked = question(ERRORS, REJECTIONS)
    exact = Calibration.exact((2,))

    def judged(kappa: np.ndarray | float) -> JudgeState:
        state = start(asked)
        for one in _blocks(60, errors=0.03):
            state = advance(state, asked, one, 0, replace(exact, kappa=exact.kappa * kappa))
        return state

    full, none, errors_only = judged(1.0), judged(1e-9), judged(np.array([[0.5], [1.0]]))
    assert none.peak_harm == pytest.approx(0.0, abs=1e-5)
    assert 0 < errors_only.panel.peaks[0, 0] < full.panel.peaks[0, 0]
    assert errors_only.panel.peaks[1].tolist() == full.panel.peaks[1].tolist()


@given(st.integers(0, 90), st.sampled_from([0.005, 0.03, 1.0]), st.integers(0, 3))
@settings(max_examples=10)
def test_a_restart_at_any_block_changes_nothing(cut: int, errors: float, seed: int) -> None:
    blocks = _blocks(90, seed=seed, errors=errors)
    kept = json.loads(json.dumps(to_json(_judged(ALL, blocks[:cut])), allow_nan=False))
    assert from_json(kept) == _judged(ALL, blocks[:cut])
    assert _judged(ALL, blocks[cut:], from_json(kept)) == _judged(ALL, blocks)


def test_a_question_without_checks_is_remembered_as_well() -> None:
    asked = question()
    state = _judged(asked, _blocks(3))
    assert from_json(json.loads(json.dumps(to_json(state)))) == state
    assert _judged(asked, _blocks(3), from_json(to_json(state))) == state


def test_many_attempts_at_once_are_moved_as_each_is_alone() -> None:
    asked = [ALL, question(ERRORS), question(ERRORS, stages=(9, 9)), question()]
    blocks = [_blocks(12, seed=seed, errors=errors) for seed, errors in enumerate((0.005, 0.3, 0.0, 0.1))]
    together, alone = [start(one) for one in asked], [start(one) for one in asked]
    for k in range(12):
        cases = [Case(state, one, own[k], k // 6) for state, one, own in zip(together, asked, blocks, strict=True)]
        together = advance_all(cases)
        alone = [advance(case.state, case.question, case.block, case.stage) for case in cases]
        assert together == alone


def test_the_checkpoint_stays_small_and_refuses_what_it_cannot_read() -> None:
    state = _judged(ALL, _blocks(700))
    assert len(json.dumps(to_json(state), separators=(",", ":"))) < 8000
    with pytest.raises(ValueError, match="format"):
        from_json({"format": 0})
    with pytest.raises(ValueError, match="cannot be read"):
        from_json({"format": 2, "panel": {}})


counts = st.builds(
    lambda n, e, r, m, t: ArmCounts(n, e, r, m, t, tuple(sorted((t // 3, t // 2, t)))),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(0, 5000),
    st.integers(0, 500),
    st.integers(0, 5000),
)


@given(st.lists(st.tuples(counts, counts, st.booleans(), st.integers(0, 3)), max_size=25))
@settings(max_examples=40)
def test_whatever_is_counted_evidence_is_finite_latched_and_has_at_most_one_culprit(
    rows: list[tuple[ArmCounts, ArmCounts, bool, int]],
) -> None:
    state, before = start(ALL), assess(start(ALL), ALL)
    for k, (stable, candidate, usable, stage) in enumerate(rows):
        state = advance(state, ALL, Block(15.0 * k, stable, candidate, (0.01, 0.05, 0.25), usable), stage)
        after = assess(state, ALL)
        assert np.isfinite(after.harm)
        assert after.harm >= before.harm
        assert all(b.good >= a.good and b.harm >= a.harm for a, b in zip(before.checks, after.checks, strict=True))
        assert [c.verdict for c in after.checks].count(Verdict.FAIL) == (after.verdict is Verdict.FAIL)
        assert before.verdict is not Verdict.FAIL or after.verdict is Verdict.FAIL
        before = after
    json.dumps(to_json(state), allow_nan=False)
