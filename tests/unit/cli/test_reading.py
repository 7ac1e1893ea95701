"""status and explain: what they say, and what happens when the cluster does not answer."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import CANDIDATE, GATE, IN_CANARY, LIVE, READINGS, ROLLED_BACK, T0, ClusterInMemory, headgate

from headgate.api.vocabulary import Verdict
from headgate.cli.kubeconfig import current_namespace
from headgate.cli.showing.columns import age
from headgate.evidence.fairness.reading import FairnessReading, GroupReading
from headgate.evidence.view import SegmentReading, SegmentsReading
from headgate.kube.errors import Forbidden, NotFound, Unavailable

EXPLAIN = ("explain", "credit-scorer", "-n", "lending")


def test_status_lists_the_models_of_a_namespace(memory: ClusterInMemory) -> None:
    memory.model(LIVE, name="other")
    memory.model(LIVE, name="elsewhere", namespace="cards")
    lines = headgate("status", "-n", "lending").stdout.splitlines()
    assert lines[0].split() == ["NAME", "LIVE", "CANDIDATE", "PHASE", "STAGE", "TRAFFIC", "VERDICT", "TIER", "READY", "AGE"]
    assert lines[1].split()[:9] == ["credit-scorer", "2.3.0", "2.3.1", "Canary", "canary", "95/5", "Inconclusive", "Medium", "False"]
    assert lines[2].split()[:3] == ["other", "2.3.0", "Live"]
    assert len(lines) == 3
    everywhere = headgate("status", "-A").stdout.splitlines()
    assert [line.split()[:2] for line in everywhere[1:]] == [["cards", "elsewhere"], ["lending", "credit-scorer"], ["lending", "other"]]


def test_status_of_one_model_shows_shares_counts_and_who_is_missing(memory: ClusterInMemory) -> None:
    memory.readings()
    shown = headgate("status", "credit-scorer", "-n", "lending").stdout
    for words in (
        "95.0 %  stable (revision 11111111)",
        "5.0 %  candidate (revision 22222222)",
        "17 of 600 (2.8 %)",
        "57 of 11,400 (0.5 %)",
        "+0.5 pp",
        "- fairness-audit: nobody has approved yet",
        "kubectl headgate approve credit-scorer -n lending --role fairness-audit",
        "Ready=False WaitingForApproval: waits",
    ):
        assert words in shown


def test_status_as_json(memory: ClusterInMemory) -> None:
    memory.readings()
    one = json.loads(headgate("status", "credit-scorer", "-n", "lending", "-o", "json").stdout)
    assert one["status"]["phase"] == "Canary"
    assert one["evidence"]["checks"][0]["candidateEvents"] == 17
    (listed,) = json.loads(headgate("status", "-n", "lending", "-o", "json").stdout)
    assert listed["name"] == "credit-scorer"


def test_watching_prints_each_change_and_outlives_a_server_that_is_away(memory: ClusterInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Any] = [None, None, lambda: memory.model(LIVE), KeyboardInterrupt]

    async def next_look(_: float) -> None:
        step = looks.pop(0)
        if step is KeyboardInterrupt:
            raise KeyboardInterrupt
        if step is not None:
            step()

    monkeypatch.setattr("headgate.cli.showing.status.sleep", next_look)
    result = headgate("status", "credit-scorer", "-n", "lending", "-w", "-o", "json")
    assert result.exit_code == 0
    assert [json.loads(line)["status"]["phase"] for line in result.stdout.splitlines()] == ["Canary", "Live"]

    looks[:] = [lambda: setattr(memory, "failure", Unavailable("no connection")), None, KeyboardInterrupt]
    painted = headgate("status", "credit-scorer", "-n", "lending", "-w")
    assert painted.exit_code == 0
    assert "Live" in painted.stdout
    assert "no connection" in painted.stdout


def test_explain_tells_the_whole_story(memory: ClusterInMemory) -> None:
    memory.readings()
    told = headgate(*EXPLAIN).stdout
    for words in (
        "2.3.0 (revision 11111111) is live since 2026-11-20 08:00:00 UTC and gets 95 % of the requests.",
        "2.3.1 (revision 22222222, attempt 3) is on its way since",
        "it gets 5 % of the requests",
        "The Deployment gate is closed (tier Medium, subject sha256:",
        "Counted: technical-validation: chen@bank.example",
        "17 of 600 (2.8 %) failed against 57 of 11,400 (0.5 %) of the stable version; your limit is +0.5 pp; "
        "were it within the limit, evidence this strong at any look: at most 1 rollout in 36",
        "fairness-audit: kubectl headgate approve credit-scorer -n lending --role fairness-audit",
        "420 s with fresh evidence and 600 requests",
    ):
        assert words in told
    assert "36.4" not in told
    assert "--role automated-checks" not in told


FAIRNESS = FairnessReading(
    verdict=Verdict.INCONCLUSIVE,
    groups=(GroupReading("A", 150, 61), GroupReading("B", 141, 32)),
    worst="B",
    against="A",
    ratio=0.558,
    difference=-0.18,
    ratio_bounds=(0.35, 0.91),
    difference_bounds=(-0.3, -0.02),
    bounds_decisions=291,
)


@pytest.mark.parametrize("command", ["status", "explain"])
def test_fairness_is_told_in_a_sentence(memory: ClusterInMemory, command: str) -> None:
    memory.readings(replace(READINGS, fairness=FAIRNESS))
    told = " ".join(headgate(command, "credit-scorer", "-n", "lending").stdout.split())
    assert (
        "approved 22.7 % of 141 in group B against 40.7 % of 150 in group A: ratio 0.56 (between 0.35 and 0.91), your limit is 0.80; "
        "not enough evidence yet to call it fair or unfair"
    ) in told


SEEN = {"cause": "Evidence/errors", "at": T0, "stage": "canary", "message": "errors got worse: 17 of 600 (2.8 %) failed"}
OBSERVED = {"mode": "Observe", "observedOnly": ["shadow"], "wouldHave": SEEN}
WOULD_HAVE = (
    "observed only: the judge would have taken it back at 2026-11-20 08:00:00Z in canary: Evidence/errors: errors got worse: "
    "17 of 600 (2.8 %) failed"
)


@pytest.mark.parametrize("command", ["status", "explain"])
def test_what_was_observed_only_is_told(memory: ClusterInMemory, command: str) -> None:
    memory.model(IN_CANARY | {"candidate": CANDIDATE | OBSERVED})
    told = " ".join(headgate(command, "credit-scorer", "-n", "lending").stdout.split())
    assert "Mode Observe: stages last their minDuration" in told
    assert "Ended without proof: shadow." in told
    assert f"2.3.1: {WOULD_HAVE}." in told
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"mode": "Observe"}})
    assert "2.3.1: so far the judge would not have taken it back." in headgate(command, "credit-scorer", "-n", "lending").stdout
    memory.model(LIVE | {"stable": LIVE["stable"] | {"wouldHave": SEEN}})
    told = " ".join(headgate(command, "credit-scorer", "-n", "lending").stdout.split())
    assert f"2.3.0, which is live: {WOULD_HAVE}." in told
    memory.model(IN_CANARY)
    assert "Mode Observe" not in headgate(command, "credit-scorer", "-n", "lending").stdout


TESTED = {"attempt": 7, "revision": "11111111", "version": "2.3.0", "by": "dana@bank.example", "started": T0}


@pytest.mark.parametrize("command", ["status", "explain"])
def test_what_an_a_a_test_showed_is_told(memory: ClusterInMemory, command: str) -> None:
    memory.model(LIVE | {"aaTest": TESTED})
    told = " ".join(headgate(command, "credit-scorer", "-n", "lending").stdout.split())
    who = "A/A test of 2.3.0 (revision 11111111, attempt 7), asked for by dana@bank.example"
    assert f"{who}: under way since 2026-11-20 08:00:00Z." in told
    ended = {"ended": T0, "outcome": "Alarm", "stage": "canary", "cause": "Evidence/errors", "message": "17 of 600 failed"}
    memory.model(LIVE | {"aaTest": TESTED | ended})
    told = " ".join(headgate(command, "credit-scorer", "-n", "lending").stdout.split())
    assert f"{who}: Alarm at 2026-11-20 08:00:00Z in canary, a rollout of this version would have been taken back" in told
    assert "nothing differs but the pods: 17 of 600 failed." in told


def test_why_the_judge_decides_although_it_was_asked_not_to_is_told(memory: ClusterInMemory) -> None:
    refused = {
        "type": "Observing",
        "status": "False",
        "reason": "ObserveForbidden",
        "message": "policy x forbids it",
        "lastTransitionTime": T0,
    }
    memory.model(IN_CANARY | {"conditions": [refused]})
    assert "policy x forbids it" in headgate(*EXPLAIN).stdout


def test_what_cannot_be_measured_holds_nothing_where_it_is_observed_only(memory: ClusterInMemory) -> None:
    memory.readings(replace(READINGS, verdict=Verdict.NOT_MEASURABLE))
    assert "cannot be measured, so nothing moves up." in headgate(*EXPLAIN).stdout
    memory.model(IN_CANARY | {"candidate": CANDIDATE | OBSERVED})
    assert "so nothing moves up" not in headgate(*EXPLAIN).stdout


def test_nothing_is_said_of_fairness_that_nobody_asked_for(memory: ClusterInMemory) -> None:
    memory.readings()
    assert "fair" not in headgate(*EXPLAIN).stdout.replace("fairness-audit", "")


def test_explain_of_other_states(memory: ClusterInMemory) -> None:
    memory.model(ROLLED_BACK)
    told = headgate(*EXPLAIN).stdout
    assert "cause Guard: 30 of 30 requests (100%) failed in 2 s" in told
    assert "kubectl headgate retry credit-scorer -n lending" in told
    paused = {"decision": "Pause", "name": "p", "by": "eve", "at": T0, "rationale": "holidays"}
    copies = {
        "slots": [{"revision": "11111111", "weight": 1000, "since": T0}],
        "mirror": {"revision": "22222222", "permille": 100, "since": T0},
    }
    candidate = CANDIDATE | {"gate": GATE | {"missing": [], "open": True}}
    memory.model(IN_CANARY | {"phase": "Shadow", "traffic": copies, "paused": paused, "candidate": candidate})
    told = headgate(*EXPLAIN).stdout
    assert "it sees copies of 10 % of the requests" in told
    assert 'Paused by eve at 2026-11-20 08:00:00 UTC ("holidays")' in told
    assert "gate is open" in told
    memory.model({})
    assert "No version is live." in headgate(*EXPLAIN).stdout


@pytest.mark.parametrize(
    ("failover", "words"),
    [
        ({"to": "Fallback", "retryAt": "2026-11-20T08:00:30Z"}, "is tried again at 2026-11-20 08:00:30 UTC"),
        ({"to": "Fallback", "retryAt": T0, "trial": "2026-11-20T08:00:31Z"}, "is on trial since 2026-11-20 08:00:31 UTC"),
        ({"to": "Candidate", "retryAt": T0}, "until the stable version has ready pods"),
    ],
)
def test_who_answers_instead_is_told_with_its_end(memory: ClusterInMemory, failover: dict[str, Any], words: str) -> None:
    to_fallback = {"slots": [], "fallback": {"service": "credit-rules", "port": 80, "weight": 1000}}
    memory.model(LIVE | {"traffic": to_fallback, "failover": {"since": T0, "why": "no pod is ready", **failover}})
    assert words in headgate(*EXPLAIN).stdout
    assert "100.0 %  fallback (Service credit-rules)" in headgate("status", "credit-scorer", "-n", "lending").stdout


def test_readings_of_another_attempt_are_not_shown(memory: ClusterInMemory) -> None:
    memory.readings(replace(READINGS, attempt="2"))
    told = headgate(*EXPLAIN).stdout
    assert "17 of 600" not in told
    assert "No readings are published" in told


@pytest.mark.parametrize("text", ["{", "[]", '{"checks": [{}]}', '{"verdict": "Marvellous"}', "null"])
def test_unreadable_readings_hide_the_counts_only(memory: ClusterInMemory, text: str) -> None:
    memory.publish(**{"readings.json": text})
    result = headgate(*EXPLAIN)
    assert result.exit_code == 0
    assert "gate is closed" in result.stdout


def test_without_the_right_to_read_config_maps_the_rest_is_shown(memory: ClusterInMemory) -> None:
    memory.denied["configmaps"] = Forbidden("no", status=403)
    assert "gate is closed" in headgate(*EXPLAIN).stdout


def test_explain_as_json(memory: ClusterInMemory) -> None:
    told = json.loads(headgate(*EXPLAIN, "-o", "json").stdout)
    assert told["name"] == "credit-scorer"
    assert "Waits for" in told["explanation"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "there is no AIModel nobody in namespace lending"),
        (NotFound("404 page not found", status=404), "is Headgate installed?"),
        (Forbidden("dana cannot get aimodels", status=403), "dana cannot get aimodels"),
    ],
)
def test_failures_are_one_line_and_exit_code_1(memory: ClusterInMemory, error: Exception | None, words: str) -> None:
    if error:
        memory.denied["aimodels"] = error  # type: ignore[assignment]
    result = headgate("explain", "nobody", "-n", "lending")
    assert result.exit_code == 1
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_status_from_another_release_is_named(memory: ClusterInMemory) -> None:
    memory.model(IN_CANARY | {"phase": "Dreaming"})
    result = headgate(*EXPLAIN)
    assert result.exit_code == 1
    assert "phase" in result.stderr


def test_a_name_and_all_namespaces_exclude_each_other(memory: ClusterInMemory) -> None:
    assert headgate("status", "credit-scorer", "-A").exit_code == 2


def test_the_namespace_is_that_of_the_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, memory: ClusterInMemory) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("current-context: two\ncontexts: [{name: one, context: {namespace: cards}}]")
    second.write_text("contexts: [{name: two, context: {namespace: lending}}, {name: three, context: {}}]")
    monkeypatch.setenv("KUBECONFIG", f"{first}:{second}:{tmp_path / 'missing'}")
    assert [current_namespace(context) for context in (None, "one", "three", "four")] == ["lending", "cards", "default", "default"]
    assert "credit-scorer" in headgate("status").stdout


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (601, "10m"), (3_700, "1h1m"), (90_000, "1d1h"), (1_000_000, "11d")],
)
def test_age(seconds: int, words: str) -> None:
    assert age(timedelta(seconds=seconds)) == words


def test_each_segment_of_users_is_shown_in_counts(memory: ClusterInMemory) -> None:
    check = replace(READINGS.checks[0], verdict=Verdict.INCONCLUSIVE)
    segments = SegmentsReading("group", Verdict.INCONCLUSIVE, (SegmentReading("A"), SegmentReading("B", (check,), counted=True)), True, "B")
    memory.readings(replace(READINGS, segments=segments))
    for command in (EXPLAIN, ("status", "credit-scorer", "-n", "lending")):
        shown = headgate(*command).stdout
        assert "0 of 1 segments of group are proven good; 1 more with too few requests to need a proof" in shown
        assert "group=B: errors (Inconclusive): 17 of 600 (2.8 %) failed against 57 of 11,400 (0.5 %)" in shown
        assert "group=A: nothing compared yet" in shown
