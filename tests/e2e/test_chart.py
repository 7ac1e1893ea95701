"""The chart with real Helm: `helm test` finds what is wrong, policies come from values, and an upgrade in the middle of a canary changes
nothing for users."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import ROOT, Bed
from tests.e2e.installing import SYSTEM, helm, install, upgrade
from tests.e2e.test_lifecycle import SLOW, in_canary, nobody_failed, status, until, weights

from demo import people, release
from demo.kubectl import CommandError, apply, get, headgate, kubectl, remove
from demo.people import MODEL, NAMESPACE
from demo.versions import FIRST
from fleet.model import ON_CALL

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

EARLIER = os.environ.get("HEADGATE_UPGRADE_FROM", "7bab821")
"""What to come from, a tag or any commit: the last one of 0.1.0."""


@pytest.fixture
def installed(bed: Bed) -> Iterator[None]:
    """The chart as every other test has it, before and after."""
    install()
    yield
    install()


@pytest.mark.usefixtures("installed")
def test_helm_test_is_content_with_what_works_and_names_what_does_not() -> None:
    said = helm("test", "headgate", "--logs", "--timeout", "150s")
    for what in ("aimodels.headgate.dev is served", "the admission policies deny", "the lease headgate is renewed", "and one leads"):
        assert what in said, said
    assert "FAIL" not in said, said

    kubectl("delete", "validatingadmissionpolicybinding", "headgate-models")
    with pytest.raises(CommandError):
        helm("test", "headgate", "--timeout", "150s")
    log = kubectl("logs", "headgate-test", "-n", SYSTEM)
    assert "FAIL the admission policies deny: no ValidatingAdmissionPolicyBinding denies by headgate-models" in log, log


@pytest.mark.usefixtures("installed")
def test_policies_come_with_the_chart_and_stay_when_their_value_goes() -> None:
    kubectl("delete", "rolloutpolicy", "low-risk", "-n", SYSTEM, "--ignore-not-found")
    upgrade("policies.lowRisk=true")
    policy = get("rolloutpolicy", "low-risk", SYSTEM)
    assert policy is not None
    assert policy["spec"]["stages"][-1]["name"] == "full"
    assert get("role", "headgate-installer", SYSTEM) is None, "the right to write policies ends with the Job"
    assert get("serviceaccount", "headgate-installer", SYSTEM) is None

    kubectl("patch", "rolloutpolicy", "low-risk", "-n", SYSTEM, "--type=merge", "-p", '{"spec": {"lapseGrace": "1h"}}')
    upgrade()
    policy = get("rolloutpolicy", "low-risk", SYSTEM)
    assert policy is not None
    assert policy["spec"]["lapseGrace"] == "24h", "what values say wins over an edit"

    upgrade("policies.lowRisk=false")
    assert get("rolloutpolicy", "low-risk", SYSTEM) is not None
    kubectl("delete", "rolloutpolicy", "low-risk", "-n", SYSTEM)


@pytest.fixture
def earlier(bed: Bed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The earlier release on a cluster that has never seen a later one, with v1 live of a model that was written for it."""
    done = subprocess.run(["git", "archive", EARLIER], cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.fail(f"this upgrades from {EARLIER}, which is not in this checkout: git fetch --unshallow, or set HEADGATE_UPGRADE_FROM")
    checkout = tmp_path / "earlier"
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(checkout, filter="data")
    monkeypatch.setattr(release, "MANIFEST", checkout / "examples/models/credit-scorer.yaml")

    remove(NAMESPACE)
    helm("uninstall", "headgate", "--ignore-not-found", "--wait", "--timeout", "90s")
    definitions = kubectl("get", "crd", "-o", "name").split()
    kubectl("delete", *[name for name in definitions if name.endswith(".headgate.dev")], "--timeout=60s", timeout=90)
    install(checkout)
    apply(*people.objects())
    for policy in ("fast", "fast-canary"):
        kubectl("apply", "-f", str(checkout / f"examples/policies/{policy}.yaml"))
    slow = json.loads(kubectl("get", "rolloutpolicy", "fast-canary", "-n", SYSTEM, "-o", "json"))
    slow["spec"]["stages"][0] |= {"minDuration": "20m", "maxDuration": "40m"}
    apply({key: slow[key] for key in ("apiVersion", "kind", "spec")} | {"metadata": {"name": "lifecycle", "namespace": SYSTEM}})
    release.perform(FIRST, 180, lambda _: None)
    yield checkout
    install()


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_an_upgrade_in_a_canary_changes_nothing_for_users_and_loses_nothing(bed: Bed, earlier: Path, tmp_path: Path) -> None:
    with bed.users(tmp_path / "requests.jsonl") as users:
        in_canary()
        before, shares = status(), weights()
        assert sorted(shares.values()) == [200, 800]
        pods = kubectl("get", "pods", "-n", NAMESPACE, "-o", "name").split()

        install()
        until(_leads, 40, "the new operator leads")
        assert weights() == shares
        after = status()
        assert (after["phase"], after["stage"], after["attempts"]) == (before["phase"], before["stage"], before["attempts"])
        assert after["stable"]["revision"] == before["stable"]["revision"]
        assert after["candidate"]["attempt"] == before["candidate"]["attempt"]
        assert after["candidate"]["gate"]["open"], "approvals from before the upgrade count"
        assert kubectl("get", "pods", "-n", NAMESPACE, "-o", "name").split() == pods, "no pod of a model was made anew"
        nobody_failed(users)

        # The new operator decides about what the earlier one began.
        apply(people.binding("on-call", "headgate-operator-oncall", ON_CALL))
        headgate("halt", MODEL, "-n", NAMESPACE, "--yes", "--reason", "the upgrade is tried", "--as", ON_CALL)
        until(lambda: weights() == {before["stable"]["revision"]: 1000}, 20, "users are back with v1")

        helm("uninstall", "headgate", "--wait", "--timeout", "90s")
        assert weights() == {before["stable"]["revision"]: 1000}
        assert status()["stable"]["version"] == FIRST.version
        nobody_failed(users)
    assert SLOW.version == before["candidate"]["version"]


def _leads() -> bool:
    """A pod of the present image holds the lease."""
    deployment = get("deployment", "headgate", SYSTEM) or {}
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    lease = get("lease", "headgate", SYSTEM) or {}
    holder = (lease.get("spec") or {}).get("holderIdentity") or ""
    pods = json.loads(kubectl("get", "pods", "-n", SYSTEM, "-l", "app.kubernetes.io/name=headgate", "-o", "json"))["items"]
    return any(holder.startswith(pod["metadata"]["name"]) and pod["spec"]["containers"][0]["image"] == image for pod in pods)
