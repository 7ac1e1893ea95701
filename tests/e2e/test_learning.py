"""Continuous learning on the test bed: users change, the monitor asks, the pipeline answers, persons approve, the new version is live."""

import copy
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.e2e.conftest import ROOT, Bed
from tests.e2e.installing import upgrade

from demo.kubectl import CommandError, apply, get, headgate, kubectl, remove
from demo.people import binding
from demo.traffic import Load, Rates, Users
from headgate.api.digests import sha256

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]

EXAMPLE = ROOT / "examples/continuous-learning"
NAMESPACE, MODEL, STEADY = "learning", "credit-limits", "credit-steady"
APPROVERS = {"technical-validation": "chen@bank.example", "fairness-audit": "dana@bank.example"}
PIPELINE = f"system:serviceaccount:{NAMESPACE}:credit-limits-pipeline"
USUAL = "/v1/score?income={20000..60000}&debt={0..20000}&requested_amount={5000..20000}&late_payments={0..3}&history_months={12..240}"
RICHER = USUAL.replace("{20000..60000}", "{60000..140000}")
RATE = 120
"""Requests per second: while the monitor waits for samples the server forgets all whom it met before the change, and keeps 600."""
Object = dict[str, Any]


def host(model: str) -> str:
    return f"{model}.models.example"


def steady() -> list[Object]:
    """The same model beside it, whose users stay as they are, and a reference of its own."""
    model = copy.deepcopy(yaml.safe_load((EXAMPLE / "model.yaml").read_text()))
    first = [one for one in yaml.safe_load_all((EXAMPLE / "objects/v1.yaml").read_text()) if "reference.json" in one["data"]]
    document = json.loads(first[0]["data"]["reference.json"]) | {"model": f"{NAMESPACE}/{STEADY}"}
    model["metadata"]["name"] = STEADY
    model["spec"]["traffic"]["hostnames"] = [host(STEADY)]
    model["spec"]["monitoring"]["reference"] = {"configMap": f"{STEADY}-reference", "digest": sha256(document)}
    metadata = {"name": f"{STEADY}-reference", "namespace": NAMESPACE}
    return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"reference.json": json.dumps(document)}}, model]


def status(model: str) -> Object:
    return (get("aimodel", model, NAMESPACE) or {}).get("status") or {}


def until(what: str, holds: Callable[[], bool], seconds: float) -> None:
    """Says how long it took: the loop is to be told by its times."""
    began = time.monotonic()
    while not holds():
        told = {model: status(model) for model in (MODEL, STEADY)}
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}; {json.dumps(told)}; {pipeline_said()}"
        time.sleep(0.3)
    print(f"{time.monotonic() - began:5.1f} s: {what}")


def pipeline_said() -> str:
    """What the pods of the Jobs printed, for the case that something is wrong with them."""
    said = []
    for pod in kubectl("get", "pods", "-n", NAMESPACE, "-l", "job-name", "-o", "name").split():
        try:
            said.append(kubectl("logs", "-n", NAMESPACE, pod, "--all-containers", "--tail=20"))
        except CommandError as error:
            said.append(str(error))
    return "\n".join(said)


def drift(model: str) -> tuple[str, str]:
    """Status and reason of the condition."""
    for condition in status(model).get("conditions") or ():
        if condition["type"] == "DriftWithinLimits":
            return condition["status"], condition["reason"]
    return "", ""


def is_live(model: str, version: str) -> bool:
    known = status(model)
    return known.get("phase") == "Live" and (known.get("stable") or {}).get("version") == version


def jobs() -> list[Object]:
    found: list[Object] = json.loads(kubectl("get", "jobs", "-n", NAMESPACE, "-l", "headgate.dev/retraining", "-o", "json"))["items"]
    return found


def complete(job: Object) -> bool:
    return any(one["type"] == "Complete" and one["status"] == "True" for one in job["status"].get("conditions") or ())


def shares(model: str) -> dict[str, int]:
    """Thousandths of the users by revision, as the route says."""
    found: dict[str, int] = {}
    for ref in (get("httproute", model, NAMESPACE) or {})["spec"]["rules"][0]["backendRefs"]:
        revision = ref["name"].removeprefix(f"{model}-")
        found[revision] = found.get(revision, 0) + ref["weight"]
    return found


def waits(model: str) -> bool:
    """Whether its candidate waits for both persons."""
    missing = ((status(model).get("candidate") or {}).get("gate") or {}).get("missing") or ()
    return all(any(role in line for line in missing) for role in APPROVERS)


def approve(model: str, why: str) -> None:
    for role, person in APPROVERS.items():
        headgate("approve", model, "-n", NAMESPACE, "--role", role, "--as", person, "--yes", "--rationale", why)


def audited() -> list[Object]:
    return [json.loads(line) for line in headgate("audit", "export", MODEL, "-n", NAMESPACE).splitlines()]


@pytest.fixture
def watched(bed: Bed) -> Iterator[None]:
    """Both models with v1 live, and a monitor that looks every five seconds and may start Jobs."""
    remove(NAMESPACE)
    upgrade("monitor.interval=5", "monitor.retraining=true")
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    apply(*(binding(f"approver-{role}", f"headgate-approver-{role}", person, NAMESPACE) for role, person in APPROVERS.items()))
    pipeline = ("configmap", "credit-limits-pipeline", "-n", NAMESPACE, f"--from-file={EXAMPLE / 'pipeline/release.py'}")
    kubectl("create", *pipeline)
    kubectl("apply", "-f", str(EXAMPLE / "policy.yaml"), "-f", str(EXAMPLE / "objects"))
    kubectl("apply", "-f", str(EXAMPLE / "model.yaml"))
    apply(*steady())
    for model in (MODEL, STEADY):
        until(f"{model} waits for approvals", lambda model=model: waits(model), 40)
        approve(model, "the first version")
    for model in (MODEL, STEADY):
        until(f"v1 of {model} is live", lambda model=model: is_live(model, "v1"), 40)
    yield
    # The models go first: a monitor that lost the right to make Jobs would be refused.
    remove(NAMESPACE)
    upgrade("monitor.interval=300", "monitor.retraining=false")


def test_a_model_that_drifts_is_retrained_once_and_its_next_version_is_live_when_persons_approve(
    bed: Bed, watched: None, tmp_path: Path
) -> None:
    began = time.monotonic()

    def users(query: str, model: str, name: str, rate: float) -> Load[Users]:
        return Load(bed.load, bed.gateway + query, [host(model)], Users(tmp_path / f"{name}.jsonl"), Rates(http1=rate))

    with ExitStack() as all_the_time:
        same = all_the_time.enter_context(users(USUAL, STEADY, "steady", 30))
        with users(USUAL, MODEL, "usual", RATE) as usual:
            for model in (MODEL, STEADY):
                until(f"{model} is within its limits", lambda model=model: drift(model) == ("True", "WithinLimits"), 60)
            assert jobs() == []
        with users(RICHER, MODEL, "richer", RATE) as richer:
            _retrained_and_waiting()
            approve(MODEL, "fitted to the users of today")
            version = status(MODEL)["candidate"]["version"]
            until(f"{version} is live", lambda: is_live(MODEL, version), 90)
            until(f"{version} is within its own limits", lambda: drift(MODEL) == ("True", "WithinLimits"), 60)
            _asked_once_and_nobody_else()
            _all_of_it_is_on_record(version)
            print(f"{time.monotonic() - began:.0f} s from the first request to the end of the loop")
        for some in (same, usual, richer):
            some.read()
            assert some.total > 300
            assert some.by_switches(set()) == 0, some.unexplained[:5]


def _retrained_and_waiting() -> None:
    """The monitor sees the drift, one Job answers, and what it asks for gets no users before persons have decided."""
    before = status(MODEL)["stable"]["revision"]
    until("the drift is told", lambda: (status(MODEL).get("drift") or {}).get("severity") == "Critical", 60)
    assert drift(MODEL)[0] == "False"
    (job,) = jobs()
    assert job["metadata"]["name"] == status(MODEL)["drift"]["retraining"]
    until("its Job is done", lambda: all(map(complete, jobs())), 60)
    until("the retrained version waits for both persons", lambda: waits(MODEL), 30)
    candidate = status(MODEL)["candidate"]
    assert candidate["version"].startswith("fit-")
    assert shares(MODEL) == {before: 1000}
    assert drift(MODEL)[0] == "False", "what is live is measured by its own reference"
    with pytest.raises(CommandError, match="no"):
        kubectl("auth", "can-i", "create", "governanceapprovals.headgate.dev", "-n", NAMESPACE, f"--as={PIPELINE}")


def _asked_once_and_nobody_else() -> None:
    (job,) = jobs()
    assert job["metadata"]["labels"]["headgate.dev/model"] == MODEL
    assert drift(STEADY) == ("True", "WithinLimits")
    assert "drift" not in status(STEADY)
    assert status(STEADY)["attempts"] == 1


def _all_of_it_is_on_record(version: str) -> None:
    def found(what: str) -> list[Object]:
        return [entry for entry in audited() if entry.get("what") == what]

    until("that it is live is in the audit", lambda: any(entry.get("version") == version for entry in found("Live")), 20)
    told = " | ".join(entry["why"] for entry in found("DriftResponse"))
    assert "Critical" in told, told
    assert "Retrain" in told, told
    counted = {entry["by"] for entry in found("ApprovalCounted") if entry.get("version") == version}
    assert counted == set(APPROVERS.values()), found("ApprovalCounted")
