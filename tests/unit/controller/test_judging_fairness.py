"""Decisions about groups of people, from the counters of the candidate's pods to a candidate without users."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.unit.controller.beside import BesideBench, in_canary_under
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld
from tests.unit.controller.test_apply import FIRED
from tests.unit.controller.test_judging import BASE, Gateway

from headgate.api.vocabulary import RollbackCause, Verdict
from headgate.controller.checkpoints import CHECKPOINT, config_map_name
from headgate.controller.judging import harmful, tells_news
from headgate.controller.queue import Priority
from headgate.evidence.check import DecisionCounters
from headgate.evidence.counting.series import Arm, NoAnswer, Outage, RawSeries, TargetSamples, What
from headgate.evidence.fairness.reading import FairnessReading
from headgate.kube.resources import CONFIG_MAPS
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import SampleBatch

ASKING = POLICY | {"triggers": {"fairness": {"minDisparateImpact": "0.8", "reference": "A"}}}


@dataclass
class Pods:
    """Counts four decisions a second about group A and four about B, of which these shares are favourable."""

    world: OperatorWorld
    favourable: Mapping[str, float]
    down: bool = False
    asked: list[tuple[tuple[Target, ...], float]] = field(default_factory=list)

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        self.asked.append((tuple(targets), seconds))
        if self.down:
            return SampleBatch(now, {target: NoAnswer(now, Outage.BROKEN, "HTTP 500") for target in targets})
        times = range(int(now - seconds), int(now) + 1)

        def grown(share: float) -> tuple[tuple[float, float], ...]:
            return tuple((float(at), float(int(4 * at * share))) for at in times)

        series = tuple(
            RawSeries(Arm.CANDIDATE, What.DECIDED, sign + group, "pods/1", "", grown(share))
            for group, good in self.favourable.items()
            for sign, share in (("+", good), ("-", 1 - good))
        )
        return SampleBatch(now, {target: TargetSamples(now, series) for target in targets})


class Bench(BesideBench):
    def __init__(self, world: OperatorWorld, pods: Pods) -> None:
        self.pods = pods
        super().__init__(world, Gateway(world), decisions=pods)

    @property
    def reading(self) -> FairnessReading:
        found = self.judging.evidence[KEY].fairness
        assert found is not None
        return found


def bench(policy: Mapping[str, Any] = ASKING, mode: str = "Enforce", **favourable: float) -> Bench:
    world = in_canary_under(policy, mode)
    return Bench(world, Pods(world, favourable or {"A": 0.41, "B": 0.41}))


def test_an_unfair_candidate_wakes_its_model_urgently_and_loses_its_users() -> None:
    made = bench(A=0.41, B=0.05)
    for _ in range(20):
        made.tick()
    assert made.reading.verdict is Verdict.FAIL
    assert harmful(made.judging.evidence[KEY])
    assert (KEY, Priority.HARM) in made.woken
    made.world.judging.evidence[KEY] = made.judging.evidence[KEY]
    made.world.settle()
    blocked = made.world.status.blocked[-1]
    assert blocked.cause is RollbackCause.FAIRNESS
    assert "in group B against" in blocked.evidence


def test_where_evidence_is_observed_only_nothing_is_urgent_and_it_is_written_down_as_ever() -> None:
    made = bench({**ASKING, "analysis": {"observe": "Allowed"}}, "Observe", A=0.41, B=0.05)
    for _ in range(20):
        made.tick()
    assert made.reading.verdict is Verdict.FAIL
    assert not made.judging.harms(KEY)
    assert (KEY, Priority.ROLLOUT) in made.woken
    assert (KEY, Priority.HARM) not in made.woken
    made.write()
    assert CHECKPOINT in (made.world.api.find(CONFIG_MAPS, config_map_name(KEY.name)) or {})["data"]
    made.world.judging.evidence[KEY] = made.judging.evidence[KEY]
    made.world.settle()
    assert made.world.status.candidate is not None
    assert made.world.status.candidate.would_have is not None
    made.world.measure(candidate_guards=(FIRED,))
    made.world.settle()
    assert made.world.status.candidate is None


def test_one_question_for_all_models_that_ask() -> None:
    made = bench()
    made.tick()
    made.tick()
    targets = [targets for targets, _ in made.pods.asked]
    assert [[target.decisions for target in asked] for asked in targets] == [[DecisionCounters()], [DecisionCounters()]]


def test_models_that_do_not_ask_are_not_asked_about() -> None:
    made = bench(POLICY)
    made.tick()
    assert made.pods.asked == []
    assert made.judging.evidence[KEY].fairness is None


def test_counters_that_cannot_be_read_are_said_and_harm_nobody() -> None:
    made = bench()
    made.pods.down = True
    made.tick()
    evidence = made.judging.evidence[KEY]
    assert made.reading.verdict is Verdict.NOT_MEASURABLE
    assert not harmful(evidence)
    assert any("Broken: HTTP 500" in note for note in evidence.notes)


def test_after_a_restart_the_same_decisions_are_not_counted_again() -> None:
    made = bench(A=0.41, B=0.35)
    for _ in range(6):
        made.tick()
    made.write()
    counted = made.judging.states[KEY].fairness
    made.restart()
    made.tick(0.0)
    assert made.judging.states[KEY].fairness == counted
    uninterrupted = bench(A=0.41, B=0.35)
    for _ in range(10):
        uninterrupted.tick()
    for _ in range(4):
        made.tick()
    assert made.reading == uninterrupted.reading


@pytest.mark.parametrize(
    ("change", "news"),
    [({}, False), ({"harm": 3.0}, False), ({"verdict": Verdict.PASS}, True), ({"suspected": True}, True)],
)
def test_only_what_a_decision_can_read_of_fairness_is_news(change: dict[str, Any], news: bool) -> None:
    before = replace(BASE, fairness=FairnessReading())
    assert tells_news(before, replace(before, fairness=replace(FairnessReading(), **change)), 15.0) is news
