"""From decisions to letters: what is told when, once, and which Secrets may be read for it."""

import asyncio
import base64
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import KEY, POLICY, OperatorWorld, in_canary, live
from tests.unit.controller.operator_world import serving as pods_with_configuration
from tests.unit.controller.test_parts import SETTINGS, nothing
from tests.unit.replay.servers import serving

from headgate.api.notifications import SecretKey
from headgate.api.vocabulary import Metric, Verdict
from headgate.controller.parts import Parts
from headgate.evidence.view import CheckReading
from headgate.kube.errors import Forbidden, KubeError, Unavailable
from headgate.kube.resources import ROLLOUT_POLICIES, SECRETS
from headgate.named_secrets import NamedSecrets
from headgate.notices.failures import NotToldError, RefusedError, TryAgainError
from headgate.notices.setting import NoticeSetting
from headgate.prometheus.client import PrometheusClient

TO = {"cloudEvents": {"url": "http://broker.example"}}


def listening(world: OperatorWorld, **fields: Any) -> OperatorWorld:
    policy = POLICY | {"notifications": [{"name": "risk", "to": TO, **fields}]}
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": policy})
    world.settle()
    return world


def reasons(world: OperatorWorld) -> list[str]:
    return [str(letter.occasion.reason) for _, letter in world.post.sent]


def test_waiting_for_approval_is_told_once_with_who_is_missing_and_how() -> None:
    world = listening(live())
    world.release("v2")
    world.settle()
    assert reasons(world) == ["WaitingForApproval"]
    ((name, letter),) = world.post.sent
    assert name == "standard/risk"
    assert letter.title == "credit v2 waits for approval (lending, test)"
    assert [str(role) for role in letter.occasion.roles] == ["technical-validation", "fairness-audit", "security-review"]
    assert letter.commands[1] == "kubectl headgate approve credit -n lending --role technical-validation"


def test_a_restart_tells_nothing_twice() -> None:
    world = listening(live())
    world.release("v2")
    world.settle()
    before = len(world.post.sent)
    world.restart()
    world.settle()
    assert len(world.post.sent) == before


def test_an_approval_among_several_does_not_ask_the_others_again() -> None:
    world = listening(live())
    world.release("v2")
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.gate is not None
    fields = {"gate": "Deployment", "role": "security-review", "subject": candidate.gate.subject, "expiresAt": "2026-05-01T00:00:00Z"}
    world.decide("Approve", "sam@bank", **fields)
    world.settle()
    assert reasons(world) == ["WaitingForApproval"]


def test_a_version_that_is_taken_back_is_told_by_its_own_name() -> None:
    world = listening(in_canary())
    world.post.sent.clear()
    world.measure(verdict=Verdict.FAIL, checks=(CheckReading(Metric.ERRORS, Verdict.FAIL),))
    world.settle()
    assert reasons(world) == ["RolledBack"]
    ((_, letter),) = world.post.sent
    assert (letter.place.version, letter.place.attempt, letter.occasion.warning) == ("v2", 2, True)


def test_problems_are_told_as_the_events_are() -> None:
    world = listening(live(), on=["NeedsRepair"])
    world.release("v2", serving=pods_with_configuration())
    world.settle()
    assert reasons(world) == ["ConfigurationMissing"]


def test_an_edit_of_the_receivers_binds_at_once_and_asks_for_no_new_approval() -> None:
    world = in_canary()
    subject = world.status.candidate.gate.subject  # type: ignore[union-attr]
    listening(world, on=["Progress"])
    assert world.status.candidate.gate.subject == subject  # type: ignore[union-attr]
    assert world.status.phase == "Canary"
    world.decide("Halt")
    listening(world, on=["RolledBack"])
    assert reasons(world) == ["RolledBack"]


def gone(world: OperatorWorld) -> None:
    world.api.remove(ROLLOUT_POLICIES, "standard", "platform")


def misspelt(world: OperatorWorld) -> None:
    world.release("v2", policy={"name": "standart"})


def broken(world: OperatorWorld) -> None:
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": {"stages": []}})


def listening_in_canary(*on: str) -> OperatorWorld:
    """v2 has some users, and the copy that its attempt runs on names the receiver."""
    world = listening(live(), on=list(on))
    world.release("v2")
    world.settle()
    world.approve()
    world.settle()
    assert world.status.phase == "Canary"
    world.post.sent.clear()
    return world


@pytest.mark.parametrize("happens", [gone, misspelt, broken])
def test_without_a_policy_that_can_be_read_those_of_the_attempts_copy_are_told(happens: Callable[[OperatorWorld], None]) -> None:
    world = listening_in_canary("RolledBack")
    happens(world)
    world.settle()
    world.decide("Halt")
    world.settle()
    assert [(name, str(letter.occasion.reason)) for name, letter in world.post.sent] == [("standard/risk", "RolledBack")]


def test_a_policy_that_can_be_read_counts_and_not_the_copy() -> None:
    world = listening_in_canary("RolledBack")
    world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY})
    world.decide("Halt")
    world.settle()
    assert world.post.sent == []


def test_a_spec_that_cannot_be_read_is_told_by_the_policy_that_it_names() -> None:
    world = listening(live(), on=["NeedsRepair"])
    world.release("v2", classification={"declaredTier": "Moderate"})
    world.settle()
    assert [(name, str(letter.occasion.reason)) for name, letter in world.post.sent] == [("standard/risk", "InvalidSpec")]


def test_a_policy_that_cannot_be_read_is_told_once_it_holds_an_attempt_that_has_its_copy() -> None:
    world = listening_in_canary("NeedsRepair")
    broken(world)
    world.measure(verdict=Verdict.PASS, stage_fresh_seconds=7200.0, stage_requests=10**6)
    world.settle()
    assert reasons(world) == ["PolicyInvalid"]


def test_without_a_policy_and_an_attempt_nobody_is_known_who_could_be_told() -> None:
    world = listening(live(), on=["Any"])
    misspelt(world)
    world.settle()
    assert "PolicyNotFound" in {str(condition.reason) for condition in world.status.conditions}
    assert world.post.sent == []


def test_without_receivers_nothing_is_told() -> None:
    world = live()
    world.release("v2")
    world.settle()
    assert world.post.sent == []


def secrets_of(
    name: str = "hooks", key: str = "risk", *, text: str = "https://hooks.example/T0KEN\n", error: KubeError | None = None
) -> str:
    class Api(FakeCluster):
        async def get(self, *args: Any, **kwargs: Any) -> Any:
            if error is not None:
                raise error
            return await super().get(*args, **kwargs)

    api = Api()
    for one in ("hooks", "headgate-audit-key"):
        data = {"risk": base64.b64encode(text.encode()).decode(), "binary": "/w==", "broken": "!"}
        api.put(SECRETS, {"metadata": {"name": one, "namespace": "platform"}, "data": data})
    reader = NamedSecrets(api, "platform", NoticeSetting(enabled=True, secrets=frozenset({"hooks", "gone"})))
    return asyncio.run(reader.read(SecretKey(name=name, key=key)))


def test_a_named_secret_is_read_without_the_newline_that_editors_add() -> None:
    assert secrets_of() == "https://hooks.example/T0KEN"


@pytest.mark.parametrize(
    ("asked", "kind", "says"),
    [
        ({"name": "headgate-audit-key"}, RefusedError, "notifications.secrets"),
        ({"name": "gone"}, RefusedError, "platform/gone cannot be read: NotFound"),
        ({"key": "other"}, RefusedError, "has no key other"),
        ({"key": "binary"}, RefusedError, "is no text"),
        ({"key": "broken"}, RefusedError, "is no text"),
        ({"error": Forbidden("no")}, RefusedError, "Forbidden"),
        ({"error": Unavailable("later")}, TryAgainError, "cannot be read now"),
    ],
)
def test_what_cannot_be_read_is_said_without_what_is_in_it(asked: dict[str, Any], kind: type[NotToldError], says: str) -> None:
    with pytest.raises(kind) as caught:
        secrets_of(**asked)
    assert says in str(caught.value)
    assert "T0KEN" not in str(caught.value)


def test_the_whole_operator_tells_while_another_receiver_is_dead() -> None:
    world = live()
    seen: list[dict[str, Any]] = []
    over = threading.Event()

    def hang(*request: Any) -> tuple[int, bytes]:
        over.wait(20)
        return 200, b""

    def take(method: str, path: str, body: Any, headers: dict[str, str]) -> tuple[int, bytes]:
        seen.append(body)
        return 204, b""

    async def scene(dead: str, alive: str) -> str:
        to = {"slack": {"secretRef": {"name": "hooks", "key": "risk"}}}
        receivers = [{"name": "dead", "to": {"cloudEvents": {"url": dead}}}, {"name": "risk", "to": to}]
        policy = POLICY | {"notifications": receivers}
        world.api.put(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "platform"}, "spec": policy})
        secret = {"metadata": {"name": "hooks", "namespace": "platform"}, "data": {"risk": base64.b64encode(alive.encode()).decode()}}
        world.api.put(SECRETS, secret)
        world.release("v2")
        settings = replace(SETTINGS, notices=NoticeSetting(enabled=True, secrets=frozenset({"hooks"})))
        parts = Parts(settings, world.api, PrometheusClient(SETTINGS.prometheus_url, transport=httpx.MockTransport(nothing)), lambda: True)
        await parts.intake.fill()
        await parts.check_enforcement()
        await parts.trust.look()
        for _ in range(6):
            assert await parts.reconciler.handle(KEY) == "done"
            world.world_turns()
            await parts.intake.fill()
        told = [task for task in parts.outbox.work if task.get_name() == "notify standard/risk"]
        await asyncio.wait_for(asyncio.gather(*told), 20)
        over.set()
        await parts.close(5.0)
        return parts.telemetry.page().decode()

    with serving(hang) as dead, serving(take) as alive:
        page = asyncio.run(scene(dead, alive))
    assert world.status.phase == "AwaitingDeployment"
    assert [body["text"] for body in seen] == ["credit v2 waits for approval (lending, test)"]
    assert 'headgate_notifications_total{channel="slack",result="sent"} 1.0' in page
