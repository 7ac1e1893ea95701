"""Values that the versions themselves sum up: who earns less is taken back, whoever cannot be read holds, and a restart changes no bit."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.evidence.gateway import exposure, steady
from tests.unit.evidence.shop import TAKEN, WORTH, Shop
from tests.unit.evidence.test_attempt import QUESTION

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.attempt import begin, observe, observe_history, observe_pods, observe_values, read
from headgate.evidence.attempt_state import AttemptEvidence, checkpoint, restore
from headgate.evidence.check import Check, Question, Worse
from headgate.evidence.counting.block import ArmCounts, Block
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, What
from headgate.evidence.counting.values import Summed, ValueArm, Values, fold, take
from headgate.evidence.measure import measure
from headgate.evidence.pods.arms import Pods
from headgate.evidence.pods.history import history_of
from headgate.evidence.view import CheckReading, NoiseMode
from headgate.evidence.words import sentence

VALUE = Check(Metric.VALUE, Margin(5, Unit.RELATIVE), worse=Worse.LESS, summary=WORTH)
CONVERSIONS = Check(Metric.CONVERSIONS, Margin(5, Unit.RELATIVE), worse=Worse.LESS, summary=TAKEN)
GATEWAY = steady(181)


def asking(*checks: Check) -> Question:
    return replace(QUESTION, checks=checks)


def watched(
    question: Question,
    shop: Shop,
    until: int,
    *,
    state: AttemptEvidence | None = None,
    first: int = 0,
    pods: bool = True,
    past: bool = False,
) -> AttemptEvidence:
    state = state or begin(question, exposure())
    if past:
        before = Shop(np.random.default_rng(9)).live(300, begin=-301)
        history = history_of(question.checks, before.answer(-1e9, 1e9, [Arm.STABLE]).series, 1.0)
        state = observe_history(state, question, history, same_source=False)
    for now in range(first, until + 1, 5):
        if pods:
            state = observe_pods(state, question, shop.answer(now - 10, now, [Arm.STABLE]), float(now))
        state = observe_values(state, question, exposure(), shop.answer(now - 10, now), float(now))
        state = observe(state, question, exposure(), GATEWAY.answer(now - 10, now), float(now))
    return state


def of(state: AttemptEvidence, question: Question, metric: Metric, now: float) -> CheckReading:
    return next(one for one in read(state, question, exposure(), now).checks if one.metric is metric)


def shop(better: float = 1.0, seconds: int = 181, seed: int = 1) -> Shop:
    return Shop(np.random.default_rng(seed), better=better).live(seconds)


@pytest.mark.parametrize(
    ("pods", "past", "mode"), [(True, True, NoiseMode.HISTORY), (True, False, NoiseMode.LEARNING), (False, False, NoiseMode.ROBUST)]
)
def test_a_version_that_earns_a_quarter_less_is_taken_back(pods: bool, past: bool, mode: NoiseMode) -> None:
    question = asking(VALUE)
    state = watched(question, shop(0.75), 120, pods=pods, past=past)
    evidence, value = read(state, question, exposure(), 120.0), of(state, question, Metric.VALUE, 120.0)
    assert (evidence.verdict, value.noise) == (Verdict.FAIL, mode)
    assert value.low < -0.25 < value.high < 0
    assert value.limit == pytest.approx(-0.05)
    assert value.stable_mean == pytest.approx(20, rel=0.05)
    assert "15" in sentence(value)
    assert "your limit is -5 %" in sentence(value)


@pytest.mark.parametrize("check", [VALUE, CONVERSIONS])
def test_a_version_that_earns_as_much_is_not(check: Check) -> None:
    question = asking(check)
    found = of(watched(question, shop(), 150, past=True), question, check.metric, 150.0)
    assert found.verdict in (Verdict.PASS, Verdict.INCONCLUSIVE)
    assert found.low < 0.0 < found.high
    assert found.harm < 5


def test_where_more_is_worse_more_is_taken_back_and_less_is_not() -> None:
    question = asking(replace(VALUE, worse=Worse.MORE))
    dear, cheap = (watched(question, shop(better), 120, past=True) for better in (1.3, 0.7))
    assert read(dear, question, exposure(), 120.0).verdict is Verdict.FAIL
    assert of(dear, question, Metric.VALUE, 120.0).difference > 0.2
    assert of(cheap, question, Metric.VALUE, 120.0).verdict is Verdict.PASS


def test_fewer_conversions_are_counted_as_what_they_are() -> None:
    question = asking(CONVERSIONS)
    found = of(watched(question, shop(0.6), 150, past=True), question, Metric.CONVERSIONS, 150.0)
    assert found.verdict is Verdict.FAIL
    assert found.candidate_events / found.candidate_requests == pytest.approx(0.15, abs=0.02)
    assert found.limit == pytest.approx(-0.0125, abs=0.001), "5 % of a quarter"
    assert "converted against" in sentence(found)


def test_a_restart_changes_no_bit() -> None:
    question, visitors = asking(VALUE, CONVERSIONS), shop(0.9)
    before = watched(question, visitors, 60, past=True)
    recalled = restore(json.loads(json.dumps(checkpoint(before))))
    assert recalled == before
    assert watched(question, visitors, 100, state=recalled, first=65) == watched(question, visitors, 100, state=before, first=65)


def test_in_which_answers_the_samples_come_does_not_matter() -> None:
    question, visitors = asking(VALUE), shop(0.9)
    often = watched(question, visitors, 90)
    rarely = begin(question, exposure())
    for now in (30, 60, 90):
        rarely = observe_pods(rarely, question, visitors.answer(now - 40, now, [Arm.STABLE]), float(now))
        rarely = observe_values(rarely, question, exposure(), visitors.answer(now - 40, now), float(now))
        rarely = observe(rarely, question, exposure(), GATEWAY.answer(now - 40, now), float(now))
    assert rarely.judge == often.judge


def test_without_summaries_a_required_check_is_not_measurable_and_says_what_is_missing() -> None:
    question = asking(VALUE)
    visitors = shop()
    visitors.points = {key: points for key, points in visitors.points.items() if key[0] is Arm.STABLE}
    early, evidence = (read(watched(question, visitors, now), question, exposure(), float(now)) for now in (30, 65))
    assert early.verdict is Verdict.NO_DATA, "pods may not have been sampled yet"
    assert evidence.verdict is Verdict.NOT_MEASURABLE
    assert evidence.checks[0].detail == "the pods of the candidate show no headgate_value_sum and headgate_value_count"


def test_values_that_are_not_read_any_more_do_not_pass_though_they_were_good() -> None:
    question = asking(VALUE)
    state = watched(question, shop(1.2), 150, past=True)
    assert of(state, question, Metric.VALUE, 150.0).verdict is Verdict.PASS
    for now in range(154, 180, 5):
        down = NoAnswer(float(now), Outage.TIMEOUT, "slow")
        state = observe_values(state, question, exposure(), down, float(now))
        state = observe(state, question, exposure(), GATEWAY.answer(now - 10, now), float(now))
    silent = of(state, question, Metric.VALUE, 179.0)
    assert silent.verdict is Verdict.NO_DATA
    assert "is 29 s old" in sentence(silent)


def test_harm_that_was_proven_stands_when_values_are_not_read_any_more() -> None:
    question = asking(VALUE)
    state = watched(question, shop(0.7), 120, past=True)
    assert of(state, question, Metric.VALUE, 500.0).verdict is Verdict.FAIL


def _taken(values: Values, end: float) -> dict[str, tuple[float, float]]:
    return dict(take(values, Block(end, ArmCounts(), ArmCounts()), 1.0)[1].candidate.summed)


def test_what_a_restarted_pod_counted_meanwhile_is_left_out_of_sum_and_number_alike() -> None:
    visitors = Shop(np.random.default_rng(2)).live(10)
    visitors.restart("new-0")
    visitors.values[Arm.CANDIDATE, "new-0", What.TOTAL, WORTH] = 1e6
    visitors.live(10, begin=10)
    answers, total = _taken(fold(Values(), exposure(since=-5.0), visitors.answer(-1, 20), 1.0, 20.0), 30.0)[WORTH]
    assert total / answers == pytest.approx(20, rel=0.3)


@pytest.mark.parametrize("changes", [{"since": None}, {"since": 15.0}, {"warmup": 60.0}])
def test_values_of_a_warm_up_are_not_compared(changes: dict[str, float | None]) -> None:
    told: Exposure = replace(exposure(), **changes)  # type: ignore[arg-type]
    values = fold(Values(), told, shop(seconds=14).answer(-1, 20), 1.0, 14.0)
    assert _taken(values, 20.0) == {}
    stable = take(values, Block(20.0, ArmCounts(), ArmCounts()), 1.0)[1].stable.summed
    assert stable[WORTH][0] > 0, "but they tell what to expect"


def _arm(ends: list[float], grid: float = 1.0, lacking: float = 0.0, usable: float = 0.0) -> ValueArm:
    return ValueArm(
        Pods(grid=grid, spans=(grid,)),
        tuple(Summed(end, end > usable, {} if end == lacking else {WORTH: (2.0**end, 2.0**end)}) for end in ends),
    )


ALL = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]


@pytest.mark.parametrize(
    ("stable", "candidate", "told"),
    [
        (_arm(ALL), _arm([1.0, 2.0, 7.0, 8.0]), (0b110000110, 0b110000110)),
        (_arm([1.0, 2.0, 7.0, 8.0]), _arm(ALL), (0b110000110, 0b110000110)),
        (_arm(ALL), _arm([1.0, 2.0, 4.0, 5.0]), (0b111110, 0b110110)),
        (_arm(ALL), _arm([2.0, 4.0, 8.0], grid=2.0), (0b111111110, 0b100010100)),
        (_arm([1.0, 2.0]), _arm([1.0, 2.0], lacking=1.0), (0b100, 0b100)),
        (_arm([1.0, 2.0], usable=1.0), _arm([1.0, 2.0], usable=1.0), (0b110, None)),
    ],
)
def test_both_versions_are_told_of_the_same_time(stable: ValueArm, candidate: ValueArm, told: tuple[int, int | None]) -> None:
    values, block = take(Values(stable, candidate), Block(20.0, ArmCounts(), ArmCounts()), 1.0)
    assert [arm.summed.get(WORTH, (None,))[0] for arm in (block.stable, block.candidate)] == list(told)
    ends = {one.end for one in values.stable.waiting} | {one.end for one in values.candidate.waiting}
    assert not ends & {1.0, 2.0}
    assert take(values, Block(21.0, ArmCounts(), ArmCounts()), 1.0)[1].stable.summed == {}


def test_values_of_the_stable_version_alone_tell_what_to_expect_and_are_compared_with_nothing() -> None:
    alone = Block(20.0, ArmCounts(summed={WORTH: (100.0, 2000.0)}), ArmCounts())
    found = measure(VALUE, None, alone)
    assert found.learnt[0] == 100.0
    assert sum(map(sum, found.counts)) == 0
    idle = replace(alone, candidate=ArmCounts(summed={WORTH: (0.0, 0.0)}))
    assert measure(VALUE, None, idle).counts[0][0] == 100.0, "the same time, in which nobody asked the candidate"


def test_after_a_gap_of_one_version_no_values_of_that_time_are_compared() -> None:
    question, visitors = asking(VALUE), shop()
    visitors.points = {
        key: [point for point in points if key[0] is Arm.STABLE or not 60.0 < point[0] < 150.0] for key, points in visitors.points.items()
    }
    value = of(watched(question, visitors, 180), question, Metric.VALUE, 180.0)
    assert value.stable_requests == pytest.approx(1.5 * value.candidate_requests, rel=0.05), "three pods against two"


def test_what_was_sold_to_copies_in_shadow_does_not_count_for_the_canary() -> None:
    visitors, shadow = shop(seconds=40), exposure(candidate=Arm.MIRROR, since=-5.0)
    values = fold(Values(), shadow, visitors.answer(-1, 20), 1.0, 20.0)
    assert _taken(values, 30.0) != {}
    canary = replace(exposure(), stage=1, since=20.0)
    assert _taken(fold(values, canary, visitors.answer(15, 20), 1.0, 21.0), 30.0) == {}
    later = fold(values, canary, visitors.answer(15, 39), 1.0, 39.0)
    assert _taken(later, 60.0).get(WORTH, (0.0, 0.0))[0] < 16 * 80, "after the warm-up alone"
