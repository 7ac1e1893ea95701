"""Segments of users, from the counters of both versions' pods to a candidate without users."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.unit.controller.beside import BesideBench, in_canary_under
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld
from tests.unit.controller.test_judging import Gateway
from tests.unit.evidence.segments import server

from headgate.api.vocabulary import RollbackCause, Verdict
from headgate.controller.judging import harmful
from headgate.controller.queue import Priority
from headgate.evidence.counting.series import NoAnswer, Outage
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import SampleBatch

SPLIT = POLICY | {"checks": [{"metric": "errors", "maxIncrease": "1pp", "segments": {"label": "group", "most": 2}}]}
EVEN = {"A": (200, 10), "B": (40, 2)}


@dataclass
class Pods:
    """Both versions' pods, which count by segment since the world began."""

    world: OperatorWorld
    candidate: dict[str, tuple[int, int]]
    down: bool = False
    asked: list[tuple[Target, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began = int(self.world.seconds()) - 600
        self.servers = server(EVEN, self.candidate, since=dict.fromkeys({*EVEN, *self.candidate}, self.began))

    async def sample(self, targets: Sequence[Target], now: float, seconds: float) -> SampleBatch:
        self.asked.append(tuple(targets))
        answer = NoAnswer(now, Outage.BROKEN, "HTTP 500") if self.down else self.servers.answer(int(now - seconds), int(now))
        return SampleBatch(now, dict.fromkeys(targets, answer))


class Bench(BesideBench):
    def __init__(self, policy: dict[str, object], candidate: dict[str, tuple[int, int]]) -> None:
        world = in_canary_under(policy)
        self.pods = Pods(world, candidate)
        super().__init__(world, Gateway(world), segments=self.pods)

    def ticks(self, number: int) -> None:
        for _ in range(number):
            self.tick()


def test_a_harmed_segment_wakes_its_model_urgently_and_the_candidate_loses_its_users() -> None:
    made = Bench(SPLIT, {"A": (200, 10), "B": (40, 300)})
    made.ticks(20)
    evidence = made.judging.evidence[KEY]
    assert evidence.segments is not None
    assert (evidence.segments.verdict, evidence.segments.worst, evidence.verdict) == (Verdict.FAIL, "B", Verdict.INCONCLUSIVE)
    assert harmful(evidence)
    assert (KEY, Priority.HARM) in made.woken
    made.world.judging.evidence[KEY] = evidence
    made.world.settle()
    blocked = made.world.status.blocked[-1]
    assert blocked.cause is RollbackCause.EVIDENCE_ERRORS
    assert "in segment group=B" in blocked.evidence


def test_one_question_for_all_models_that_ask_and_none_where_nobody_does() -> None:
    made = Bench(SPLIT, EVEN)
    made.ticks(2)
    assert [[target.segments for target in targets] for targets in made.pods.asked] == [["group"], ["group"]]
    silent = Bench(POLICY, EVEN)
    silent.ticks(1)
    assert silent.pods.asked == []


def test_a_label_with_too_many_values_is_not_read_again() -> None:
    made = Bench(SPLIT, {f"user-{number}": (10, 0) for number in range(50)})
    made.ticks(3)
    assert len(made.pods.asked) == 1
    segments = made.judging.evidence[KEY].segments
    assert segments is not None
    assert segments.verdict is Verdict.NOT_MEASURABLE


def test_counters_that_cannot_be_read_are_said_and_harm_nobody() -> None:
    made = Bench(SPLIT, EVEN)
    made.pods.down = True
    made.ticks(1)
    evidence = made.judging.evidence[KEY]
    assert not harmful(evidence)
    assert any("counters of segments cannot be read (Broken: HTTP 500)" in note for note in evidence.notes)


def test_a_restart_goes_on_from_the_checkpoint_as_if_nothing_had_happened() -> None:
    made, uninterrupted = Bench(SPLIT, EVEN), Bench(SPLIT, EVEN)
    made.ticks(8)
    made.write()
    made.restart()
    made.ticks(4)
    uninterrupted.ticks(12)
    assert made.judging.states[KEY].segments == uninterrupted.judging.states[KEY].segments
