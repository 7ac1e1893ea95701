"""Rounds over live models: what is asked, kept, written and told, and what restarts, outages and bad input do."""

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from tests.unit.monitor.world import OPERATORS, PERIOD, REFERENCE, World, watched_spec
from tests.unit.monitoring.inservice.watched import SHARES, reference, traffic

from headgate.kube.errors import Unavailable
from headgate.kube.resources import AIMODELS, CONFIG_MAPS
from headgate.monitor.rounds import Settings
from headgate.monitoring.inservice.counting import Grown
from headgate.monitoring.inservice.gauges import GaugeReading, GaugeSample
from headgate.monitoring.inservice.memory import Memory, recalled
from headgate.monitoring.response import UNWATCHED, Severity

HIGHLY = np.array([0.07, 0.15, 0.27, 0.26, 0.25])
"""A PSI of 0.23: High."""
SHIFTED = np.array([0.02, 0.08, 0.3, 0.3, 0.3])
ROUNDS = 26
"""Enough for a window of two hours."""


def watching(shares: np.ndarray = SHARES, name: str = "credit-scorer") -> World:
    world = World()
    world.refer()
    world.model(name)
    world.prometheus.grown[name] = traffic(shares)
    return world


def test_a_model_within_limits_is_said_to_be() -> None:
    world = watching()
    world.step()
    assert world.conditions()["DriftWithinLimits"]["status"] == "Unknown", "nothing was counted yet"
    world.step(ROUNDS)
    told = world.conditions()["DriftWithinLimits"]
    assert (told["status"], told["reason"], told["message"]) == ("True", "WithinLimits", "5 figures are within their limits")
    assert world.conditions()["Ready"] == OPERATORS, "the operator's conditions stay as they are"
    assert world.results()["kinds"]["drift"]["verdict"] == "WithinLimits"
    place = 'namespace="lending"'
    assert world.series()[f'headgate_monitor_verdict{{kind="drift",model="credit-scorer",{place},verdict="WithinLimits"}}'] == 1
    assert world.series()["headgate_monitor_last_success_timestamp_seconds"] == world.now + 20.0
    assert world.responder.responses[-1][1].severity is Severity.LOW, "labels are not watched, so nothing is missing"


def test_drift_is_told_in_words_answered_and_shown() -> None:
    world = watching(SHIFTED)
    world.step(ROUNDS)
    told = world.conditions()["DriftWithinLimits"]
    assert (told["status"], told["reason"]) == ("False", "LimitViolated")
    assert told["message"].startswith("income psi:")
    assert world.responder.responses[-1] == ("credit-scorer", world.responder.responses[-1][1])
    assert world.responder.responses[-1][1].severity is Severity.CRITICAL
    assert 'headgate_monitor_response{model="credit-scorer",namespace="lending",severity="Critical"}' in world.series()
    assert world.series()['headgate_monitor_value{kind="drift",model="credit-scorer",namespace="lending"}'] > 0.2


def test_one_whose_answer_is_too_large_is_not_assessed_and_the_others_are() -> None:
    world = World()
    world.prometheus.most = 20_000
    names = [f"model-{number}" for number in range(6)]
    for name in names:
        known = reference(model=f"lending/{name}")
        world.refer(known, f"{name}-reference")
        spec = watched_spec(digest=known.digest)
        spec["monitoring"]["reference"]["configMap"] = f"{name}-reference"
        world.model(name, spec=spec)
        world.prometheus.grown[name] = traffic()
    world.start()
    huge = traffic()
    huge.counters["headgate_feature_total"] += [({"value": f"request-{number}"}, 1.0) for number in range(1000)]
    world.prometheus.grown["model-3"] = huge
    world.step(ROUNDS)
    assert {name for name in names if world.conditions(name)["DriftWithinLimits"]["status"] == "True"} == {*names} - {"model-3"}
    told = world.conditions("model-3")["DriftWithinLimits"]
    assert told["status"] == "Unknown"
    assert "the answer is larger than 0.0191 MiB for this model alone: a label of its metrics tells single things apart" in told["message"]
    before = len(world.prometheus.asked)
    world.step()
    assert len(world.prometheus.asked) - before == 4, "it is known which one it is: two questions about it, and two about the others"
    world.prometheus.grown["model-3"] = traffic()
    world.step(2)
    assert "larger" not in world.conditions("model-3")["DriftWithinLimits"]["message"]


def test_the_number_of_questions_does_not_grow_with_the_models() -> None:
    world = watching()
    world.step(2)
    alone = len(world.prometheus.asked)
    for number in range(150):
        world.model(f"m-{number}")
    world.step(2)
    before = len(world.prometheus.asked)
    world.step()
    assert len(world.prometheus.asked) - before == alone == 2, "one for histograms, one for counters"


def test_drift_that_another_product_measures_is_told_by_one_question() -> None:
    world = World()
    gauges = {"driftGauges": {"profile": "TrustyAI", "reads": "PValue"}}
    world.model(spec={"monitoring": gauges})
    world.prometheus.grown["credit-scorer"] = Grown(gauges=GaugeReading([GaugeSample("trustyai_kstest", "income", 0.7)]))
    world.step(2)
    assert world.conditions()["DriftWithinLimits"]["status"] == "Unknown", "it has not been seen to change"
    world.prometheus.grown["credit-scorer"] = Grown(gauges=GaugeReading([GaugeSample("trustyai_kstest", "income", 0.6)]))
    world.step()
    assert world.conditions()["DriftWithinLimits"]["status"] == "True"
    world.start()
    world.prometheus.grown["credit-scorer"] = Grown(gauges=GaugeReading([GaugeSample("trustyai_kstest", "income", 0.001)]))
    before = len(world.prometheus.asked)
    world.step()
    assert len(world.prometheus.asked) - before == 1
    told = world.conditions()["DriftWithinLimits"]
    assert (told["status"], told["reason"]) == ("False", "Drifting")
    assert not world.responder.responses
    world.prometheus.grown["credit-scorer"] = Grown()
    world.step(6)
    assert world.conditions()["DriftWithinLimits"]["status"] == "Unknown"


def test_nothing_is_written_while_nothing_changes() -> None:
    world = watching()
    world.step(ROUNDS)
    world.api.calls.clear()
    world.step(12)
    writes = [call for call in world.api.calls if call[0] not in ("get", "list")]
    assert {verb for verb, _ in writes} == {"apply"}, "no condition"
    assert 2 <= len(writes) <= 4, "the ConfigMap, every quarter to half an hour"


def test_the_order_in_which_the_api_server_keeps_conditions_is_no_change() -> None:
    world = watching()
    world.model(spec=watched_spec() | {"oversight": {}})
    world.step(ROUNDS)
    found = world.api.find(AIMODELS, "credit-scorer")
    assert found is not None
    assert set(world.conditions()) == {"Ready", "DriftWithinLimits", "OversightEffective"}
    found["status"]["conditions"].reverse()
    world.api.calls.clear()
    world.step(3)
    assert not [call for call in world.api.calls if call[0] == "status"]


def test_a_verdict_that_changes_is_written_at_once() -> None:
    world = watching()
    world.step(ROUNDS + 10)
    world.prometheus.grown["credit-scorer"] = traffic(SHIFTED)
    while world.results()["kinds"]["drift"]["verdict"] == "WithinLimits":
        world.step()
    assert stored(world).as_of == world.now, "the round that found it"
    assert world.conditions()["DriftWithinLimits"]["status"] == "False"


def test_rounds_end_by_the_clock_of_prometheus() -> None:
    """What a clock behind ours has not taken yet would be counted neither by this round nor by the next one."""
    world = watching()
    world.step(3)
    world.prometheus.behind = 120.0
    world.step()
    end = stored(world).as_of
    world.step()
    assert world.prometheus.times[-1] <= world.now + 20.0 - 120.0
    assert end is not None


def test_a_restart_does_not_write_everything_again() -> None:
    world = watching()
    world.step(ROUNDS)
    world.start()
    world.api.calls.clear()
    world.step()
    assert [verb for verb, _ in world.api.calls if verb not in ("get", "list")] in ([], ["apply"])


def stored(world: World) -> Memory:
    found = world.api.find(CONFIG_MAPS, "credit-scorer-monitoring")
    assert found is not None
    return recalled(found["data"]["memory.json"])


def test_a_restart_continues_where_it_was_and_asks_for_what_was_not_stored() -> None:
    world = watching()
    world.step(ROUNDS)
    before, last = stored(world), world.prometheus.asked[-1]
    assert before.inputs is not None
    assert before.as_of is not None
    world.start()
    world.now += 2 * PERIOD
    world.step()
    seconds = world.now - before.as_of
    assert seconds >= 3 * PERIOD
    assert world.prometheus.asked[-1] == last.replace("offset 300s", f"offset {seconds:.0f}s")
    after = stored(world)
    assert after.inputs is not None
    assert after.inputs.sliding.since == before.inputs.sliding.since, "the window goes on"
    assert world.conditions()["DriftWithinLimits"]["status"] == "True"


def test_an_outage_is_caught_up_with_and_a_long_one_begins_anew() -> None:
    world = watching()
    world.step(ROUNDS)
    last_success = world.series()["headgate_monitor_last_success_timestamp_seconds"]
    world.prometheus.status = 503
    world.step(3)
    assert world.conditions()["DriftWithinLimits"]["status"] == "True"
    assert world.series()["headgate_monitor_last_success_timestamp_seconds"] == last_success
    world.step(3)
    told = world.conditions()["DriftWithinLimits"]
    assert told["status"] == "Unknown"
    assert "Prometheus has given no answer for" in told["message"]
    world.prometheus.status = 200
    world.step()
    assert "offset 2100s" in world.prometheus.asked[-1], "all that was missed, at once"
    assert world.conditions()["DriftWithinLimits"]["status"] == "True"
    world.now += 86_400.0
    world.step(2)
    assert "of a window of 2 h" in world.conditions()["DriftWithinLimits"]["message"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("none", "there is no ConfigMap credit-scorer-reference"),
        ("empty", "has no reference.json"),
        ("other", "it is the reference of lending/churn, not of lending/credit-scorer"),
        ("changed", "its digest is"),
    ],
)
def test_a_reference_that_cannot_be_used_is_said(case: str, words: str) -> None:
    world = World()
    other = reference(model="lending/churn")
    world.prometheus.grown["credit-scorer"] = traffic()
    world.model(spec=watched_spec(digest=other.digest if case == "other" else REFERENCE.digest))
    if case == "empty":
        world.api.put(CONFIG_MAPS, {"metadata": {"name": "credit-scorer-reference", "namespace": "lending"}, "data": {}})
    if case in ("other", "changed"):
        world.refer(other if case == "other" else reference(rows=320))
    world.step(2)
    told = world.conditions()["DriftWithinLimits"]
    assert told["status"] == "Unknown"
    assert words in told["message"]
    world.refer()
    world.model(spec=watched_spec(), generation=2)
    world.step(3)
    assert "of a window of 2 h" in world.conditions()["DriftWithinLimits"]["message"], "it is looked for again"


def decided(world: World, **status: object) -> dict[str, Any]:
    """The status, in which the operator wrote this."""
    found = world.api.find(AIMODELS, "credit-scorer")
    assert found is not None
    found["status"] |= status
    return dict(found["status"])


NEXT = reference(rows=8_000)
"""Of the version that comes next."""


@pytest.mark.parametrize(
    "on_the_way",
    [
        {"candidate": {"revision": "22222222"}},
        {"phase": "RolledBack"},
        {"observedGeneration": 1},
        {"phase": "Live"},
    ],
    ids=["in a stage", "taken back", "not seen by the operator yet", "refused"],
)
def test_a_live_version_keeps_its_own_reference_until_the_next_one_is_live(on_the_way: dict[str, object]) -> None:
    world = watching(SHIFTED)
    world.step(ROUNDS)
    world.refer(NEXT, "next-reference")
    named = {"configMap": "next-reference", "digest": NEXT.digest}
    spec = watched_spec(version="2.4.0")
    world.model(spec=spec | {"monitoring": spec["monitoring"] | {"reference": named}}, generation=2)
    decided(world, **on_the_way)
    world.step()
    told = world.conditions()["DriftWithinLimits"]
    assert told["reason"] == "LimitViolated", told
    assert "[16000, " in json.dumps(world.results()), "counted by the reference of what is live"

    world.start()
    world.step()
    assert world.conditions()["DriftWithinLimits"]["reason"] == "LimitViolated", "a restart knows it too"

    stable = decided(world)["stable"] | {"version": "2.4.0"}
    decided(world, phase="Live", observedGeneration=2, stable=stable, candidate=None)
    world.step()
    assert world.conditions()["DriftWithinLimits"]["reason"] == "NotAssessed", "the window begins anew"
    world.step(ROUNDS)
    assert "[8000, " in json.dumps(world.results())


def test_rounds_that_follow_each_other_closely_wait_no_longer_than_one_for_samples() -> None:
    world = World(settings=Settings("headgate-system", 5.0))
    world.refer()
    world.model()
    world.step(2, seconds=5.0)
    assert world.prometheus.times[-1] == world.wall() - 5.0


def test_what_is_not_asked_for_any_more_is_not_said_any_more() -> None:
    world = watching()
    world.step(ROUNDS)
    found = world.api.find(AIMODELS, "credit-scorer")
    assert found is not None
    found["spec"].pop("monitoring")
    found["metadata"]["generation"] = 2
    world.step()
    assert set(world.conditions()) == {"Ready"}
    assert not any("credit-scorer" in series for series in world.series())


@pytest.mark.parametrize("left", [{}, {"oversight": {}}], ids=["nothing", "something else"])
def test_what_drift_caused_ends_once_when_it_is_not_watched_any_more(left: dict[str, Any]) -> None:
    world = watching(SHIFTED)
    world.step(ROUNDS)
    world.responder.responses.clear()
    world.model(spec=left, generation=2)
    decided(world, drift={"severity": "Critical"})
    world.start()
    world.step()
    assert world.responder.responses == [("credit-scorer", UNWATCHED)]
    decided(world, drift={"severity": "Low"})
    world.step(3)
    assert len(world.responder.responses) == 1


def test_what_was_told_is_read_from_the_status() -> None:
    """So a memory that is lost or older than the status ends nothing too early, and leaves nothing for ever."""
    world = watching()
    decided(world, drift={"severity": "Critical"})
    world.step()
    assert world.responder.told == Severity.CRITICAL
    decided(world, drift={"severity": "dreadful"})
    world.step()
    assert world.responder.told is None


def test_a_model_that_drifts_is_looked_at_four_times_as_often_and_others_are_not() -> None:
    world = watching(HIGHLY)
    world.model("churn", spec={"oversight": {}})
    world.step(ROUNDS)
    assert world.responder.responses[-1][1].severity is Severity.HIGH
    assert world.rounds.due == 70.0, "samples get 15 s, and the clock here is 20 s ahead"
    count, asked = len(world.responder.responses), len(world.prometheus.asked)
    world.api.calls.clear()
    world.step(3, seconds=75.0)
    assert not [call for call in world.api.calls if call[0] == "list"]
    assert len(world.prometheus.asked) - asked == 3 * 2, "nothing about the other"
    world.step(seconds=75.0)
    assert [call for call in world.api.calls if call[0] == "list"] == [("list", "rolloutpolicies"), ("list", "aimodels")]
    assert len(world.responder.responses) - count == 4
    world.prometheus.grown["credit-scorer"] = traffic()
    world.step(ROUNDS)
    assert world.responder.responses[-1][1].severity is Severity.LOW
    count = len(world.responder.responses)
    world.step(4, seconds=75.0)
    assert len(world.responder.responses) - count == 1


def test_series_go_with_the_model() -> None:
    world = watching()
    world.step(2)
    assert any("credit-scorer" in series for series in world.series())
    del world.api.objects[("aimodels", "lending", "credit-scorer")]
    world.step()
    assert not any("credit-scorer" in series for series in world.series())
    assert world.series()["headgate_monitor_models"] == 0


def test_models_that_are_not_live_or_cannot_be_read_are_left_alone() -> None:
    world = watching()
    world.model("broken", spec={"monitoring": {"interval": "often"}})
    world.model("coming")
    coming = world.api.find(AIMODELS, "coming")
    assert coming is not None
    coming["status"] = {}
    world.model("churn", spec={"version": "1"})
    world.step(2)
    assert world.series()["headgate_monitor_models"] == 1


def test_one_that_the_api_server_refuses_does_not_stop_the_others() -> None:
    world = watching()
    world.api.failure = Unavailable("away")
    with pytest.raises(Unavailable):
        world.step()
    world.api.failure = None
    world.step(ROUNDS)
    assert world.conditions()["DriftWithinLimits"]["status"] == "True"


def test_a_model_may_be_judged_less_often() -> None:
    world = watching()
    slow = watched_spec()
    slow["monitoring"]["interval"] = "1h"
    world.model(spec=slow)
    world.step(25)
    assert len(world.responder.responses) == 3


def test_what_is_stored_is_small() -> None:
    world = watching()
    world.step(ROUNDS)
    found = world.api.find(CONFIG_MAPS, "credit-scorer-monitoring")
    assert found is not None
    assert len(json.dumps(found)) < 8_000
    assert found["metadata"]["ownerReferences"][0]["kind"] == "AIModel"


SLOTS = [{"revision": "11111111", "weight": 750}, {"revision": "22222222", "weight": 250}]


@pytest.mark.parametrize(
    ("routed", "candidate", "share"),
    [
        ({"slots": SLOTS}, {"revision": "22222222"}, 0.25),
        ({"slots": SLOTS}, {"revision": "22222222", "copyOf": "11111111"}, 0.0),
        ({"slots": [{"revision": "11111111", "weight": 100}], "fallback": {"service": "old", "port": 80, "weight": 900}}, None, 0.9),
        ({"slots": [{"revision": "11111111", "weight": 1000}]}, None, 0.0),
        ({}, None, 0.0),
    ],
    ids=["a candidate", "a copy of itself", "the fallback", "nobody", "not written yet"],
)
def test_it_is_remembered_when_others_than_the_live_version_answered(
    routed: dict[str, Any], candidate: dict[str, Any] | None, share: float
) -> None:
    world = watching()
    world.step()
    decided(world, traffic=routed, candidate=candidate)
    world.step(ROUNDS)
    found = world.api.find(CONFIG_MAPS, "credit-scorer-monitoring")
    assert found is not None
    part, seconds = recalled(found["data"]["memory.json"]).daily.total("elsewhere", date.min)
    assert part == pytest.approx(share * seconds)
    assert (seconds > 3600.0) is (share > 0.0)
