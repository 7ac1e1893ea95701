"""examples/gitops builds, is valid, and its signed approvals open exactly the gate that they were made for."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import ROOT
from tests.unit.gitops.flux import expressions
from tests.unit.gitops.repository import (
    APPROVALS,
    MODEL,
    NOW,
    REPOSITORY,
    Environment,
    approvals,
    as_applied,
    built,
    environment,
    has_kustomize,
    spec_of,
)

from headgate.api.crd import RESOURCES
from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import Phase
from headgate.cli.governing.verify import checked

builds = pytest.mark.skipif(not has_kustomize(), reason='kubectl is not on the PATH: eval "$(hack/cluster/env.sh)"')

SPECS = {resource.kind: resource.spec for resource in RESOURCES}
ENVIRONMENTS = ("dev", "prod")
BUILDABLE = sorted(str(path.parent.relative_to(REPOSITORY)) for path in REPOSITORY.rglob("kustomization.yaml"))
SIGNED = sorted((REPOSITORY / MODEL / "prod/approvals").glob("2.4.0-*.yaml"))


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def store() -> TrustStoreSpec:
    return TrustStoreSpec.model_validate(documents(REPOSITORY / "platform/base/trust-store.yaml")[0]["spec"])


def test_every_whole_manifest_is_valid() -> None:
    """Without kustomize as well: all but the patches."""
    kinds = set()
    for path in REPOSITORY.rglob("*.yaml"):
        if path.name in ("environment.yaml", "release.yaml"):
            continue
        for document in documents(path):
            if document["apiVersion"].startswith("headgate.dev/"):
                SPECS[document["kind"]].model_validate(document["spec"])
                kinds.add(document["kind"])
    assert kinds == set(SPECS)


@builds
@pytest.mark.parametrize("folder", BUILDABLE)
def test_every_folder_builds_into_valid_objects_with_a_place(folder: str) -> None:
    for document in built(folder):
        if document["apiVersion"].startswith("headgate.dev/"):
            SPECS[document["kind"]].model_validate(document["spec"])
            assert document["metadata"]["namespace"] in ("lending", "headgate-system")
        # A field that only a patch misspells would be merged in silence, and refused by the model.
        assert document["metadata"]["name"]


@builds
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_release_is_pinned_by_digest_and_everything_in_its_file_arrives(name: str) -> None:
    model = spec_of("AIModel", f"{MODEL}/{name}")
    for change in documents(REPOSITORY / MODEL / name / "release.yaml")[0]:
        found: Any = model
        for step in change["path"].removeprefix("/spec/").split("/"):
            found = found[int(step) if isinstance(found, list) else step]
        assert found == change["value"]
    (container,) = model["serving"]["deployment"]["template"]["spec"]["containers"]
    assert "@sha256:" in container["image"]
    assert model["artifact"]["digest"].startswith("sha256:")


@builds
def test_environments_differ_in_what_is_theirs_alone() -> None:
    dev, prod = (spec_of("AIModel", f"{MODEL}/{name}") for name in ENVIRONMENTS)
    assert dev["traffic"]["hostnames"] == ["credit.dev.models.example"]
    assert prod["traffic"]["hostnames"] == ["credit.models.example"]
    assert (dev["serving"]["deployment"]["replicas"], prod["serving"]["deployment"]["replicas"]) == (1, 3)
    assert dev["policy"] == prod["policy"]


@pytest.mark.parametrize("path", SIGNED, ids=lambda path: path.stem)
def test_what_was_signed_for_production_verifies_there_and_nowhere_else(path: Path) -> None:
    (document,) = documents(path)
    assert checked(document, store(), "prod", NOW)["verified"]
    assert "this one is dev" in checked(document, store(), "dev", NOW)["problem"]
    document["spec"]["rationale"] += " Changed by who merged it."
    assert not checked(document, store(), "prod", NOW)["verified"]


@builds
def test_the_approvals_are_of_what_would_be_released() -> None:
    """After a change of the example: python -m tests.unit.gitops.repository."""
    written = {path.name: documents(path)[0] for path in SIGNED}
    assert written == yaml.safe_load(yaml.safe_dump(approvals()))


def brought(world: Environment, left_out: str = "") -> Environment:
    """What the GitOps tool applies arrives, and the operator goes as far as it may."""
    world.settle()
    found = [one for one in built(f"{MODEL}/prod") if one["kind"] == "GovernanceApproval" and one["spec"]["role"] != left_out]
    world.approvals.extend(as_applied(one) for one in found)
    world.settle()
    return world


@builds
def test_the_approvals_of_the_repository_let_the_version_go_live() -> None:
    world = brought(environment("prod"))
    world.step(2 * 86_400)
    world.settle()
    assert (world.status.phase, world.status.live) == (Phase.LIVE, "2.4.0")


@builds
@pytest.mark.parametrize("role", [role for _, role, _ in APPROVALS])
def test_each_of_them_is_needed(role: str) -> None:
    world = brought(environment("prod"), left_out=role)
    assert world.status.phase is Phase.AWAITING_DEPLOYMENT
    assert world.status.candidate
    assert world.status.candidate.gate
    assert world.status.candidate.gate.missing == (f"{role}: nobody has approved yet",)


@builds
def test_another_image_under_the_same_approvals_stays_behind_the_gate() -> None:
    world = environment("prod")
    body = spec_of("AIModel", f"{MODEL}/prod")
    container = body["serving"]["deployment"]["template"]["spec"]["containers"][0]
    changed = body | {
        "serving": body["serving"]
        | {
            "deployment": body["serving"]["deployment"]
            | {"template": {"spec": {"containers": [container | {"image": f"registry.example/credit-scorer@sha256:{'0' * 64}"}]}}}
        }
    }
    world.spec = type(world.spec).model_validate(changed)
    assert brought(world).status.phase is Phase.AWAITING_DEPLOYMENT


@builds
def test_dev_asks_nobody() -> None:
    world = environment("dev")
    world.settle()
    world.step(3600)
    world.settle()
    assert world.status.phase is Phase.LIVE


@pytest.mark.parametrize(("name", "health"), [("dev", "ready.yaml"), ("prod", "serving.yaml")])
def test_flux_follows_folders_that_are_there_with_the_health_that_is_shipped(name: str, health: str) -> None:
    found = {one["metadata"]["name"]: one for one in documents(REPOSITORY / f"clusters/{name}/flux.yaml") if one["kind"] == "Kustomization"}
    assert set(found) == {"model-access", "model-platform", "credit-scorer"}
    for one in found.values():
        assert (REPOSITORY / one["spec"]["path"] / "kustomization.yaml").is_file()
    assert found["credit-scorer"]["spec"]["healthCheckExprs"] == expressions(health)
    assert found["credit-scorer"]["spec"]["serviceAccountName"] == "gitops"
    assert found["credit-scorer"]["metadata"]["namespace"] == "lending"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_argo_cd_follows_folders_that_are_there(name: str) -> None:
    found = [one for one in documents(REPOSITORY / f"clusters/{name}/argocd.yaml") if one["kind"] == "Application"]
    assert len(found) == 3
    for one in found:
        assert (REPOSITORY / one["spec"]["source"]["path"] / "kustomization.yaml").is_file()


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_argo_cd_is_told_in_whose_name_to_apply_each_folder(name: str) -> None:
    """With impersonation Argo CD refuses to sync an Application whose project names no account for its namespace."""
    objects = documents(REPOSITORY / f"clusters/{name}/argocd.yaml")
    projects = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "AppProject"}
    accounts = {}
    for one in objects:
        if one["kind"] == "Application":
            spec, where = projects.get(one["spec"]["project"], {}), one["spec"]["destination"]
            assert where in spec.get("destinations", ())
            (accounts[one["metadata"]["name"]],) = (
                account["defaultServiceAccount"]
                for account in spec["destinationServiceAccounts"]
                if {"server": account["server"], "namespace": account["namespace"]} == where
            )
    controller = "argocd:argocd-application-controller"
    assert accounts == {"model-access": controller, "model-platform": controller, "credit-scorer": "gitops"}
    assert "clusterResourceWhitelist" not in projects["models"]


def test_the_account_of_the_tool_decides_nothing_and_deletes_no_decision() -> None:
    objects = documents(REPOSITORY / "access/lending.yaml")
    rules = [rule for one in objects if one["kind"] == "Role" for rule in one["rules"]]
    assert not any("governanceapprovals" in rule["resources"] for rule in rules)
    assert {verb for rule in rules for verb in rule["verbs"]} <= {"create", "get", "list", "watch", "delete"}
    bound = {one["roleRef"]["name"] for one in objects if one["kind"] == "RoleBinding"}
    assert bound == {"gitops", "headgate-editor", "headgate-approval-relay"}


@builds
def test_approvals_that_git_forgets_are_neither_pruned_nor_missed_by_either_tool() -> None:
    kept = {
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
        "argocd.argoproj.io/sync-options": "Prune=false",
        # Without it Argo CD calls the application OutOfSync from then on, and syncs it again and again to heal that.
        "argocd.argoproj.io/compare-options": "IgnoreExtraneous",
    }
    for one in built(f"{MODEL}/prod"):
        annotations = one["metadata"].get("annotations", {})
        assert (kept.items() & annotations.items()) == (set(kept.items()) if one["kind"] == "GovernanceApproval" else set())


def test_every_owner_owns_something() -> None:
    lines = (REPOSITORY / ".github/CODEOWNERS").read_text().splitlines()
    patterns = [line.split()[0] for line in lines if line and not line.startswith("#")]
    for pattern in patterns:
        assert list(REPOSITORY.glob(pattern.strip("/"))), pattern


def test_the_shipped_expressions_are_patches_of_a_kustomization() -> None:
    for name in ("serving.yaml", "ready.yaml"):
        patch = yaml.safe_load((ROOT / "gitops/flux" / name).read_text())
        assert (patch["kind"], patch["spec"]["wait"]) == ("Kustomization", True)
