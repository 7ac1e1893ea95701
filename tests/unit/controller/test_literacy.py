"""What the operator looks at now and then, and the assessments of AI literacy among it."""

import asyncio
import logging
from typing import Any

import pytest
from tests.unit.controller.operator_world import POLICY, OperatorWorld
from tests.unit.kube.fake_api import FakeApi

from headgate.controller.literacy import LiteracyReader
from headgate.kube.errors import Forbidden, Unavailable
from headgate.kube.polled import PolledObject
from headgate.kube.resources import CONFIG_MAPS, ROLLOUT_POLICIES

HEAD = "person,role,competency,score,date\n"
WHERE = (CONFIG_MAPS.plural, "platform", "headgate-literacy")


def put(api: FakeApi, data: dict[str, str]) -> None:
    version = int(api.objects.get(WHERE, {"metadata": {"resourceVersion": "0"}})["metadata"]["resourceVersion"]) + 1
    api.objects[WHERE] = {"metadata": {"name": WHERE[2], "namespace": WHERE[1], "resourceVersion": str(version)}, "data": data}


def look(thing: LiteracyReader | PolledObject) -> bool:
    return asyncio.run(thing.look())


def test_an_object_is_another_one_when_it_came_changed_or_went() -> None:
    api = FakeApi()
    polled = PolledObject(api, CONFIG_MAPS, WHERE[2], WHERE[1], "it")
    api.failure = Unavailable("down", status=503)
    assert (look(polled), polled.known) == (False, False)
    api.failure = None
    assert (look(polled), polled.known, polled.body) == (True, True, None)
    assert not look(polled)
    put(api, {"a": "1"})
    assert (look(polled), look(polled)) == (True, False)
    put(api, {"a": "2"})
    assert look(polled)
    api.failure = Forbidden("no", status=403)
    assert not look(polled)
    assert polled.body is not None, "what was seen stands"
    api.failure = None
    del api.objects[WHERE]
    assert (look(polled), look(polled), polled.body) == (True, False, None)


def test_an_object_without_a_version_is_always_another_one() -> None:
    api = FakeApi()
    api.objects[WHERE] = {"metadata": {"name": WHERE[2]}}
    polled = PolledObject(api, CONFIG_MAPS, WHERE[2], WHERE[1], "it")
    assert (look(polled), look(polled)) == (True, True)


def test_assessments_are_read_and_read_again_when_they_changed() -> None:
    api = FakeApi()
    reader = LiteracyReader(api, "platform")
    assert not reader.literacy.known
    assert look(reader)
    assert (reader.literacy.known, "do not exist" in reader.literacy.problem) == (True, True)
    put(api, {"assessments.csv": HEAD + "dana@bank,Technical,oversight,0.8,2026-01-01\n"})
    assert look(reader)
    assert ([one.person for one in reader.literacy.assessments], reader.literacy.problem) == (["dana@bank"], "")
    assert not look(reader)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "no key assessments.csv"),
        ({"assessments.csv": "person,score\n"}, "no column role, competency, date"),
        ({"assessments.csv": HEAD + "dana@bank,Technical,oversight,62,2026-01-01\n"}, "(row 1)"),
    ],
)
def test_what_cannot_be_read_is_told_without_a_persons_score(data: dict[str, str], says: str, caplog: pytest.LogCaptureFixture) -> None:
    api = FakeApi()
    put(api, data)
    reader = LiteracyReader(api, "platform")
    with caplog.at_level(logging.ERROR):
        assert look(reader)
    assert says in reader.literacy.problem
    assert reader.literacy.assessments == ()
    assert "62" not in reader.literacy.problem + caplog.text


def score(value: float) -> dict[str, Any]:
    people = ("dana@bank", "owner@bank", "fay@bank", "sam@bank", "leo@bank", "tess@bank", "chen@bank", "eve@bank")
    rows = "".join(f"{who},Technical,oversight,{value},2026-01-01\n" for who in people)
    return {"metadata": {"name": WHERE[2], "namespace": WHERE[1]}, "data": {"assessments.csv": HEAD + rows}}


def test_a_running_operator_counts_by_the_assessments() -> None:
    world = OperatorWorld()
    asking = {"metadata": {"name": "standard", "namespace": "platform"}, "spec": POLICY | {"gates": {"literacy": "Required"}}}
    world.api.put(ROLLOUT_POLICIES, asking)
    world.release("v1")
    world.settle()
    world.approve()
    world.settle()

    def gate() -> tuple[bool, str]:
        candidate = world.status.candidate
        if candidate is None:
            return True, ""
        assert candidate.gate is not None
        return candidate.gate.open, " ".join(candidate.gate.missing)

    assert gate()[0] is False
    assert "do not exist" in gate()[1]
    world.api.put(CONFIG_MAPS, score(0.4))
    world.settle()
    assert "is assessed below 0.7" in gate()[1]
    world.api.put(CONFIG_MAPS, score(0.9))
    world.settle()
    assert gate()[0] is True
