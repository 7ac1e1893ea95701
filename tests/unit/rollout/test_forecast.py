"""What a rollout is said to take before it starts, and that the changes advised are enough."""

import re
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.rollout.world import World, live, policy

from headgate.api.conditions import ConditionType
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Metric
from headgate.evidence.latency.slow_shares import Past
from headgate.evidence.power import Traffic
from headgate.evidence.view import LiveReading
from headgate.rollout.advice import advice, span, undecided
from headgate.rollout.forecast import Forecast, StageForecast, forecast

ERRORS = {"metric": "errors", "maxIncrease": "0.5pp"}
LATENCY = {"metric": "latency", "quantile": "0.95", "maxIncrease": "50ms"}
SHADOW = {"name": "shadow", "mirrorPercent": 50, "minDuration": "10m", "maxDuration": "2h"}
CANARY = {"name": "canary", "trafficPercent": 5, "minDuration": "10m", "maxDuration": "1h"}
HALF = {"name": "half", "trafficPercent": 50, "minDuration": "10m", "maxDuration": "1h"}
FULL = {"name": "full", "holdbackPercent": 1, "minDuration": "10m", "maxDuration": "1h"}
BUSY, STEADY, QUIET = (Traffic(requests, 0.01, 0.02) for requests in (200, 100, 5))

FINE = Past((0.025, 0.05, 0.1, 0.25), 100_000, (76_000, 96_800, 99_800, 100_000))
COARSE = Past((0.1, 1.0, 10.0), 100_000, (10_000, 99_900, 100_000))


def written(*stages: dict[str, Any], checks: tuple[dict[str, Any], ...] = (ERRORS,), **analysis: str) -> RolloutPolicySpec:
    return RolloutPolicySpec.model_validate({"stages": list(stages), "checks": list(checks), "analysis": analysis})


def seconds(stage: StageForecast, metric: Metric = Metric.ERRORS) -> float:
    check = next(check for check in stage.checks if check.check.metric is metric)
    return check.good.typical if check.good else 0.0


def test_requests_are_shared_as_the_stages_say() -> None:
    made = forecast(written(SHADOW, CANARY, HALF, FULL), BUSY)
    assert [(stage.flow.stable, stage.flow.candidate) for stage in made.stages] == [(200, 100), (190, 10), (100, 100), (2, 198)]


def test_a_stage_lasts_until_the_slowest_required_proof_and_what_was_proven_counts_later() -> None:
    made = forecast(written(CANARY, HALF, FULL), STEADY)
    canary, half, full = made.stages
    assert canary.lasts == seconds(canary) > 10 * 60
    assert [check.proven for stage in (canary, half, full) for check in stage.checks] == [False, True, True]
    assert (half.lasts, full.lasts) == (600, 600)
    assert made.lasts == canary.lasts + 1200


def test_shadow_proves_nothing_for_the_canary_and_has_less_alpha() -> None:
    shadow, canary = forecast(written(SHADOW | {"mirrorPercent": 5}, CANARY, FULL), BUSY).stages[:2]
    assert not canary.checks[0].proven
    assert canary.checks[0].twice is not None
    assert shadow.checks[0].twice is not None
    assert shadow.checks[0].twice.typical > canary.checks[0].twice.typical


def test_what_a_stage_left_unproven_is_carried_on() -> None:
    made = forecast(written(CANARY, HALF, FULL), Traffic(20, 0.01, 0.02))
    canary, half, _ = made.stages
    assert canary.lasts == 3600, "more than half reach the deadline"
    assert 0.0 < half.checks[0].left < 1.0
    alone = forecast(written(HALF, FULL), Traffic(20, 0.01, 0.02)).stages[0]
    assert seconds(half) < seconds(alone)


def test_a_check_that_is_not_required_holds_nobody_up() -> None:
    slow = {"metric": "rejections", "maxIncrease": "0.1pp", "required": False}
    made = forecast(written(CANARY, FULL, checks=(ERRORS, slow)), STEADY)
    assert made.stages[0].lasts == seconds(made.stages[0])
    assert undecided(made) == ""


def test_fewer_requests_than_minimum_hold_a_stage_up() -> None:
    made = forecast(written(CANARY | {"minRequests": 30_000}, FULL), BUSY)
    assert made.stages[0].lasts == 3000
    many = forecast(written(CANARY | {"minRequests": 90_000}, FULL), BUSY)
    assert "canary: 90,000 requests take 2h30m, and the stage ends after 1h." in advice(many)


def test_nothing_is_compared_where_no_request_stays_on_the_stable_version() -> None:
    whole = FULL | {"holdbackPercent": 0}
    made = forecast(written(CANARY, whole), BUSY)
    assert made.stages[1].checks[0].twice is None
    assert made.stages[1].lasts == 600
    assert made.stages[1].checks[0].problem == "", "it was proven before"
    alone = forecast(written(whole), BUSY)
    assert alone.stages[0].unproven(alone.stages[0].checks[0])
    assert advice(alone) == ("errors: nothing is compared here: one of the versions gets no request.",)


def test_a_rate_that_is_not_known_is_left_out() -> None:
    made = forecast(written(CANARY, FULL, checks=(ERRORS, LATENCY)), STEADY)
    check = made.stages[0].checks[1]
    assert (check.problem, check.measurable) == ("no latency histogram is known", True)
    assert made.stages[0].lasts == seconds(made.stages[0])
    assert not [words for words in advice(made) if "latency" in words]


def test_buckets_that_cannot_tell_are_named() -> None:
    made = forecast(written(CANARY, FULL, checks=(ERRORS, LATENCY)), Traffic(200, 0.01, 0.02, COARSE))
    assert not made.stages[0].checks[1].measurable
    assert made.stages[0].lasts == 3600
    told = advice(made)[0]
    assert told.startswith("latency p95: latency buckets jump from 100ms to 1000ms")
    assert "add bounds near" in told


def test_latency_takes_longer_while_buckets_have_to_be_chosen() -> None:
    made = forecast(written(CANARY, FULL, checks=(LATENCY,)), Traffic(0.5, latency=FINE))
    learning = 200 / 0.475 - 60
    assert seconds(made.stages[0], Metric.LATENCY) >= 60 + learning
    few = forecast(written(CANARY, FULL, checks=(LATENCY,)), Traffic(0.5, latency=Past((0.1, 1.0), 50, (40, 50))))
    assert few.stages[0].checks[0].problem == "too few answers with a latency were seen to choose buckets: 50 of 200"


@pytest.mark.parametrize("setting", ["maxDuration", "maxIncrease", "trafficPercent", "requests/s"])
def test_each_change_advised_is_enough(setting: str) -> None:
    before = forecast(written(CANARY, HALF, FULL), Traffic(30, 0.01, 0.02))
    told = next(words for words in advice(before) if words.startswith("canary, errors: proof"))
    canary, checks, traffic = CANARY, (ERRORS,), Traffic(30, 0.01, 0.02)
    if setting == "requests/s":
        traffic = Traffic(float(_figure(told, r"start it at ([\d.]+) requests/s")), 0.01, 0.02)
    elif setting == "maxIncrease":
        checks = (ERRORS | {"maxIncrease": _figure(told, r"maxIncrease to ([\d.]+pp)")},)
    else:
        canary = canary | {setting: _figure(told, rf"{setting} to ([\w.]+)")}
    after = forecast(written(canary, HALF, FULL, checks=checks), traffic)
    assert not [words for words in advice(after) if words.startswith("canary")]


def _figure(told: str, pattern: str) -> str:
    found = re.search(pattern, told)
    assert found, told
    return found[1]


def test_a_regression_that_shows_late_must_be_seen_before_a_proven_version_leaves() -> None:
    told = advice(forecast(written(CANARY, FULL), BUSY))
    assert len(told) == 1
    assert re.match(
        r"full, errors: 1pp more takes \w+ to be seen in half of all rollouts, and the stage lasts 10m: set minDuration to", told[0]
    )


def test_with_enough_of_everything_there_is_nothing_to_advise() -> None:
    long = {"minDuration": "1d", "maxDuration": "2d"}
    assert advice(forecast(written(CANARY | long, FULL | long), Traffic(1000, 0.001, 0.001))) == ()


@settings(max_examples=30)
@given(st.floats(0.1, 100.0), st.floats(1.0, 20.0))
def test_more_traffic_never_makes_a_rollout_longer(requests: float, factor: float) -> None:
    def made(scale: float) -> Forecast:
        return forecast(written(SHADOW, CANARY, HALF, FULL), Traffic(requests * scale, 0.01, 0.02))

    assert made(factor).stages[0].lasts <= made(1.0).stages[0].lasts
    assert made(factor).stages[1].lasts <= made(1.0).stages[1].lasts


@pytest.mark.parametrize(
    ("length", "words"),
    [(0.2, "1s"), (59.2, "1m"), (121, "2m10s"), (3601, "1h1m"), (90_000, "1d1h"), (20 * 86_400 + 1, "21d"), (1e9, "years"), (inf, "never")],
)
def test_lengths_of_time_are_rounded_up(length: float, words: str) -> None:
    assert span(length) == words


def started(traffic: Traffic | None, **changes: Any) -> World:
    """A second version is asked for while the live one has this traffic."""
    world = live("1.0.0", policy=policy(**changes))
    assert world.status.stable is not None
    world.live = LiveReading(world.status.stable.revision, world.now.timestamp(), traffic=traffic)
    world.release("2.0.0")
    world.step()
    return world


QUICK = {"stages": [CANARY, FULL], "checks": [ERRORS]}


def doubts(world: World) -> list[str]:
    return [event for event in world.events if event.startswith(Reason.TRAFFIC_INSUFFICIENT)]


def test_a_rollout_that_the_traffic_cannot_decide_is_told_at_its_start() -> None:
    world = started(QUIET, **QUICK)
    assert len(doubts(world)) == 1
    assert "at 5 requests/s, as in the last minute, canary, errors: proof that it is within 0.5pp takes" in doubts(world)[0]
    condition = next(one for one in world.status.conditions if one.type is ConditionType.EVIDENCE_SUFFICIENT)
    assert (condition.status, condition.reason) == ("False", Reason.TRAFFIC_INSUFFICIENT)
    world.live = None
    world.step(60)
    assert any(one.type is ConditionType.EVIDENCE_SUFFICIENT for one in world.status.conditions), "it stays while nothing is proven"
    assert len(doubts(world)) == 1


@pytest.mark.parametrize("traffic", [BUSY, None])
def test_nothing_is_told_where_traffic_is_enough_or_not_known(traffic: Traffic | None) -> None:
    world = started(traffic, **QUICK)
    assert doubts(world) == []
    assert not [one for one in world.status.conditions if one.type is ConditionType.EVIDENCE_SUFFICIENT]


def test_of_values_it_says_what_they_need_and_that_they_cannot_be_forecast() -> None:
    value = {"metric": "value", "maxDecrease": "5%", "required": False}
    made = forecast(written(CANARY, FULL, checks=(ERRORS, value)), BUSY)
    found = next(check for check in made.stages[0].checks if check.check.metric is Metric.VALUE)
    assert "cannot be forecast" in found.problem
    assert "headgate_value_sum and headgate_value_count" in found.problem
    assert found.measurable
    assert seconds(made.stages[0]) == pytest.approx(seconds(forecast(written(CANARY, FULL), BUSY).stages[0]), rel=0.5)
