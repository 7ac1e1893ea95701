"""The trust store as the operator reads it, and what comes of it in the whole operator."""

import asyncio
from typing import Any

import pytest
from tests.resources import TRUST_STORE
from tests.unit.controller.fake_cluster import FakeCluster
from tests.unit.controller.operator_world import PEOPLE, in_canary

from headgate.controller.trust import TrustReader
from headgate.kube.errors import Unavailable
from headgate.kube.resources import GOVERNANCE_APPROVALS, TRUST_STORES


def store(spec: dict[str, Any] = TRUST_STORE["spec"]) -> dict[str, Any]:
    return {"metadata": {"name": "headgate", "namespace": "platform"}, "spec": spec}


def look(reader: TrustReader) -> bool:
    return asyncio.run(reader.look())


def test_without_a_store_there_is_none_and_that_is_known() -> None:
    reader = TrustReader(FakeCluster(), "platform", "test")
    assert not reader.trust.known
    assert look(reader)
    assert (reader.trust.known, reader.trust.store, reader.trust.problem) == (True, None, "")
    assert not look(reader)


def test_a_store_is_read_and_read_again_when_it_changed() -> None:
    api = FakeCluster()
    api.put(TRUST_STORES, store())
    reader = TrustReader(api, "platform", "test")
    assert look(reader)
    assert reader.trust.knows("Dana@bank.example")
    assert not look(reader)
    api.put(TRUST_STORES, store({**TRUST_STORE["spec"], "persons": TRUST_STORE["spec"]["persons"][1:]}))
    assert look(reader)
    assert not reader.trust.knows("dana@bank.example")


def test_when_the_api_server_cannot_be_asked_the_last_answer_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeCluster()
    api.put(TRUST_STORES, store())
    reader = TrustReader(api, "platform", "test")
    look(reader)

    async def down(*_: object) -> None:
        raise Unavailable("down", status=503)

    monkeypatch.setattr(api, "get", down)
    assert not look(reader)
    assert reader.trust.knows("dana@bank.example")


def test_a_store_of_another_release_closes_the_gates_and_says_so() -> None:
    api = FakeCluster()
    api.put(TRUST_STORES, store({"persons": [{"name": "dana", "pets": 2}]}))
    reader = TrustReader(api, "platform", "test")
    look(reader)
    assert reader.trust.store is None
    assert "the trust store platform/headgate cannot be read (spec.persons.0." in reader.trust.problem


@pytest.mark.parametrize("removed", [None, "dana@bank"])
def test_a_person_taken_out_stops_counting_in_a_running_operator(removed: str | None) -> None:
    world = in_canary()
    persons = [
        {"name": who.partition("@")[0], "usernames": [who], "roles": [role], "trainingValidUntil": "2030-01-01T00:00:00Z"}
        for role, who in (*PEOPLE.items(), ("technical-validation", "owner@bank"))
        if who != removed
    ]
    world.api.put(TRUST_STORES, store({"persons": persons}))
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert candidate.gate is not None
    assert candidate.gate.open is (removed is None)
    states = {body["spec"]["approver"]: body.get("status", {}).get("state") for body in world.api.of(GOVERNANCE_APPROVALS)}
    assert states.get("dana@bank") == ("Counted" if removed is None else "NotCounted")
    assert world.weights[candidate.revision] == 200, "hold, never fall at once"
