"""Answers compared on the test bed: a Job in the model's namespace, its report through the kubelet, and what approvers are told."""

import json
from typing import Any

import pytest
from tests.e2e.conftest import ROOT

from demo.kubectl import apply, get, headgate, kubectl
from demo.people import MODEL, NAMESPACE
from demo.release import Moment, perform
from demo.traffic import Users
from demo.versions import Outcome, Release

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

SAME = Release("v2-compared", "behaves like v1, and is compared with it", "fast-compared", Outcome.LIVE)


@pytest.fixture
def golden(users: Users) -> None:
    """In the namespace that was made for the users."""
    kubectl("apply", "-f", str(ROOT / "examples/policies/fast-compared.yaml"))
    requests = (ROOT / "examples/golden-sets/credit-scorer.jsonl").read_text()
    metadata = {"name": "credit-scorer-golden", "namespace": NAMESPACE}
    apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"requests.jsonl": requests}})


@pytest.mark.usefixtures("golden")
def test_a_version_that_answers_alike_is_compared_approved_and_goes_live() -> None:
    compared: list[dict[str, Any]] = []
    told: list[str] = []

    def watch(moment: Moment) -> None:
        candidate = moment.status.get("candidate") or {}
        if candidate.get("replay"):
            compared.append(candidate["replay"])
        if not told and (candidate.get("replay") or {}).get("report"):
            told.append(headgate("explain", MODEL, "-n", NAMESPACE))

    ending = perform(SAME, 360, watch)
    assert ending.outcome == Outcome.LIVE, ending
    report = compared[-1]["report"]
    print(json.dumps(report))
    assert report["pairs"] >= 100
    assert report["agreed"] >= 0.95 * report["pairs"]
    assert report["labelled"] == report["pairs"]
    assert "answers agree" in told[0]
    assert "copies of requests were sent" in told[0]
    assert get("job", compared[-1]["job"], NAMESPACE) is None, "it goes when users are let in"
