"""simulate: recorded traffic with a regression in it, through stages, guards, judge and deadlines on a virtual clock."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.cli.cluster_in_memory import ClusterInMemory, headgate
from tests.unit.cli.test_own_past import cluster, prometheus
from tests.unit.cli.test_plan import SPEC, URL, manifest

from headgate.api.vocabulary import Metric
from headgate.cli.judging.injection import Injection, harmed
from headgate.cli.judging.shared_traffic import Counters, shared
from headgate.evidence.counting.series import Arm
from headgate.kube.resources import ROLLOUT_POLICIES

__all__ = ["cluster"]

POLICY = """
kind: RolloutPolicy
spec:
  stages:
  - {name: shadow, mirrorPercent: 100, minDuration: 2m, maxDuration: 10m}
  - {name: canary, trafficPercent: 5, minDuration: 2m, maxDuration: 1h}
  - {name: half, trafficPercent: 50, minDuration: 2m, maxDuration: 10m}
  - {name: full, holdbackPercent: 1, minDuration: 2m, maxDuration: 10m}
  checks: [{metric: errors, maxIncrease: 1pp}, {metric: latency, quantile: "0.9", maxIncrease: 50ms}]
  analysis: {interval: 15s, warmup: 15s}
"""
BOUNDS = (0.05, 0.1, 0.15, 0.2, 0.25)
HEAD = ["series", "t", "stable_requests", "stable_errors", "candidate_requests", "candidate_errors"]


def _row(t: int, counted: list[np.ndarray], arm: str = "") -> str:
    """`counted` of the stable version and the candidate: requests, errors, buckets."""
    events = [str(one[k]) for one in counted for k in (0, 1)]
    buckets = [str(number) for one in counted for number in one[2:]]
    return ",".join(["past", str(t), *events, *([arm] if arm else []), *buckets])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half an hour of four pods with 20 requests a second each, of which half a percent fails."""
    folder, rng = tmp_path_factory.mktemp("past"), np.random.default_rng(6)
    buckets = [f"{arm}_le_{bound}" for arm in ("stable", "candidate") for bound in BOUNDS]
    blocks, pods = [",".join([*HEAD, *buckets])], [",".join([*HEAD, "arm", *buckets])]
    for k in range(1, 121):
        counted = []
        for _ in range(4):
            took = np.sort(rng.lognormal(np.log(0.08), 0.3, 300))
            counted.append(np.array([300, rng.binomial(300, 0.005), *np.searchsorted(took, BOUNDS, side="right")]))
        total = np.sum(counted, axis=0)
        blocks.append(_row(15 * k, [total, np.zeros(7, dtype=int)]))
        pods += [_row(15 * k, [total - one, one], f"pod-{number}") for number, one in enumerate(counted)]
    (folder / "blocks.csv").write_text("\n".join(blocks) + "\n")
    (folder / "pods.csv").write_text("\n".join(pods) + "\n")
    (folder / "policy.yaml").write_text(POLICY)
    return folder


def run(files: Path, *more: str, policy: str = POLICY) -> dict[str, Any]:
    (files / "policy.yaml").write_text(policy)
    asked = ("simulate", "--blocks", str(files / "blocks.csv"), "--calibration", str(files / "pods.csv"))
    result = headgate(*asked, "--policy", str(files / "policy.yaml"), "--rollouts", "2", *more, "-o", "json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_version_like_the_stable_one_goes_live(files: Path) -> None:
    found = run(files, "--rollouts", "1")
    assert found["outcomes"] == {"live": 1}
    assert all(480 <= one["seconds"] < 3600 for one in found["each"])
    assert (found["detected"], found["seconds"]["half"]) == (0.0, None)


@pytest.mark.parametrize(
    ("regression", "stage", "cause"),
    [("errors+3pp", "shadow", "Evidence/errors"), ("latency+100ms", "shadow", "Evidence/latency"), ("errors+60pp", "shadow", "Guard")],
)
def test_a_regression_is_found_before_any_user_sees_it(files: Path, regression: str, stage: str, cause: str) -> None:
    found = run(files, "--inject", regression)
    assert (found["stages"], found["causes"]) == ({stage: 2}, {cause: 2})
    assert found["userRequests"] == {"half": 0.0, "nineInTen": 0.0}
    assert all(0 < one["seconds"] <= 300 and one["requests"] > 0 for one in found["each"])


def test_what_shows_first_with_users_is_counted_from_there(files: Path) -> None:
    found = run(files, "--inject", "errors+3pp", "--from", "canary", "--rollouts", "1")
    assert found["stages"] == {"canary": 1}
    assert all(0 < one["of_users"] == one["requests"] <= 60 * one["seconds"] for one in found["each"])


def test_what_is_too_small_to_be_proven_is_taken_back_by_the_deadline(files: Path) -> None:
    found = run(files, "--rollouts", "1", policy=POLICY.replace("maxIncrease: 1pp", "maxIncrease: 0.02pp"))
    assert (found["causes"], found["stages"]) == ({"Deadline": 1}, {"shadow": 1})


def test_what_a_policy_holds_is_still_under_way_in_the_end(files: Path) -> None:
    tight = POLICY.replace("maxIncrease: 1pp", "maxIncrease: 0.02pp").replace("warmup: 15s", "warmup: 15s, onDeadline: Hold")
    found = run(files, "--rollouts", "1", "--rollout", "15m", policy=tight)
    assert (found["outcomes"], found["each"][0]["stage"]) == ({"none": 1}, "shadow")


def test_the_same_seed_says_the_same(files: Path) -> None:
    one, same, other = (run(files, "--inject", "errors+3pp", "--rollouts", "1", "--seed", seed) for seed in ("3", "3", "4"))
    assert one == same
    assert one["each"] != other["each"]


def test_people_get_sentences(files: Path) -> None:
    asked = ("simulate", "--blocks", str(files / "blocks.csv"), "--policy", str(files / "policy.yaml"))
    (files / "policy.yaml").write_text(POLICY.replace("{metric: latency", "{metric: rejections, maxIncrease: 1pp}, {metric: latency"))
    result = headgate(*asked, "--inject", "errors+60pp", "--rollouts", "3")
    said = " ".join(result.stdout.split())
    assert "3 rollouts under policy" in said
    assert "whose candidate has errors+60pp from its first request on, each followed for at most 6h." in said
    assert "3 would be taken back (100 of 100; 29 to 100 with 95% confidence). half of them within" in said
    assert "in shadow (3); by Guard (3)" in said
    assert "With fewer than 3 pods the noise is not known" in said
    assert "rejections: not counted in the recording: not judged" in result.stderr


def test_the_past_of_a_model_comes_from_its_pods(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = prometheus(monkeypatch)
    asked = ("simulate", "credit-scorer", "-n", "lending", "--prometheus", URL, "--since", "1h", "--rollouts", "2", "--rollout", "30m")
    result = headgate(*asked, "--inject", "errors+30pp", "-o", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["outcomes"] == {"rollback": 2}
    assert {one["history"] for one in found["each"]} == {"credit-scorer"}
    assert all("headgate_revision" in query for query in pods.queries)


def test_values_are_neither_replayed_nor_asked_for(cluster: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    pods = prometheus(monkeypatch)
    cluster.put(ROLLOUT_POLICIES, manifest("shop", spec=SPEC | {"checks": [*SPEC["checks"], {"metric": "value", "maxDecrease": "5%"}]}))
    asked = ("simulate", "credit-scorer", "-n", "lending", "--prometheus", URL, "--since", "1h", "--rollouts", "1", "--rollout", "5m")
    result = headgate(*asked, "--policy", "shop")
    assert result.exit_code == 0, result.output
    assert "value: not counted in the recording: not judged" in result.stderr
    assert all("headgate_value" not in query for query in pods.queries)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--inject", "errors+50ms"), 2, "errors cannot be worse by 50ms"),
        (("--inject", "cost+1pp"), 2, "is not a regression: write errors+2pp"),
        (("--inject", "errors+0pp"), 2, "is not a regression"),
        (("--from", "dusk"), 1, "the policy has no stage dusk: it has shadow, canary, half, full"),
        (("model",), 2, "one of them"),
    ],
)
def test_what_cannot_be_is_refused_in_words(files: Path, arguments: tuple[str, ...], code: int, words: str) -> None:
    (files / "policy.yaml").write_text(POLICY)
    result = headgate("simulate", *arguments, "--blocks", str(files / "blocks.csv"), "--policy", str(files / "policy.yaml"))
    assert result.exit_code == code
    assert words in " ".join(result.stderr.replace("│", " ").split())


# ---- traffic, shared out

counts = st.fixed_dictionaries(
    {"requests": st.integers(0, 400)}, optional={"errors": st.integers(0, 50), "rejections": st.integers(0, 50)}
).map(lambda one: {name: min(value, one["requests"] // 3) if name != "requests" else value for name, value in one.items()})


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from("abcd"), counts, min_size=1), st.floats(0.0, 1.0), st.integers(0, 9), st.booleans())
def test_no_request_is_lost_or_made_up(pods: Mapping[str, dict[str, int]], share: float, seed: int, copied: bool) -> None:
    found = shared(pods, sorted(pods), share, np.random.default_rng(seed), copied=copied)
    total = {name: sum(one.get(name, 0) for one in pods.values()) for name in ("requests", "errors", "rejections")}
    for name, number in total.items():
        left = sum(one.get(name, 0) for one in found.stable.values())
        assert left + (0 if copied else found.candidate.get(name, 0)) == number
        assert all(value >= 0 for one in (*found.stable.values(), found.candidate) for value in one.values())
    assert abs(found.candidate.get("requests", 0) - share * total["requests"]) <= 1


def test_the_candidate_gets_whole_pods_first() -> None:
    pods = {"a": {"requests": 100, "errors": 40}, "b": {"requests": 100, "errors": 0}}
    found = shared(pods, ["a", "b"], 0.5, np.random.default_rng(0), copied=False)
    assert found.candidate == {"requests": 100, "errors": 40}
    assert found.stable == {"a": {"requests": 0, "errors": 0}, "b": {"requests": 100, "errors": 0}}


def test_counters_grow_by_what_each_version_counted() -> None:
    counters, pods = Counters(), {"a": {"requests": 10, "errors": 1, "rejections": 2, "le 0.1": 4, "le +Inf": 10}}
    for _ in range(2):
        counters.count(shared(pods, ["a"], 0.0, np.random.default_rng(0), copied=False), Arm.CANDIDATE)
    found = {(one.arm, one.part): one.points for one in counters.of_gateway(30.0) if one.arm is Arm.STABLE}
    assert {part: points[0] for (_, part), points in found.items()} == {
        "500": (30.0, 2.0),
        "422": (30.0, 4.0),
        "200": (30.0, 14.0),
        "0.1": (30.0, 8.0),
        "+Inf": (30.0, 20.0),
    }
    assert {one.instance for one in counters.of_pods(30.0)} == {"pod a"}


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [("errors+10pp", "errors", 0.12), ("errors+50%", "errors", 0.03), ("rejections+5pp", "rejections", 0.06)],
)
def test_regressions_add_the_share_that_they_name(text: str, kind: str, expected: float) -> None:
    before = {"requests": 200_000, "errors": 4_000, "rejections": 2_000}
    usual = {Metric.ERRORS: 0.02, Metric.REJECTIONS: 0.01}
    after = harmed(before, (Injection.parse(text),), usual, np.random.default_rng(1))
    assert after[kind] / after["requests"] == pytest.approx(expected, abs=0.002)
    assert {name for name in before if after[name] != before[name]} == {kind}


@pytest.mark.parametrize(("text", "below"), [("latency+50ms", (0, 50, 100)), ("latency+100%", (25, 50, 100))])
def test_slower_answers_move_to_later_buckets(text: str, below: tuple[int, ...]) -> None:
    before = {"requests": 120, "le 0.05": 50, "le 0.1": 100, "le 0.2": 100, "le +Inf": 120}
    after = harmed(before, (Injection.parse(text),), {}, np.random.default_rng(1))
    assert tuple(after[name] for name in ("le 0.05", "le 0.1", "le 0.2")) == below
    assert after["le +Inf"] == 120
