"""What the end-to-end test of Argo CD stands on, without a cluster: its Applications, settings, log and status."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import ROOT

from demo.kubectl import run
from gitops import applications, testbed
from gitops.applications import sync, told
from gitops.argocd import ArgoCD, Binaries, Sync
from gitops.testbed import MODEL

URL = "http://127.0.0.1:1/models.git"


def argocd(folder: Path) -> ArgoCD:
    return ArgoCD(Binaries(folder / "argocd", folder / "kustomize", folder / "valkey"), folder)


def test_argo_cd_follows_the_example_with_the_test_bed_s_folders() -> None:
    found = testbed.applications(URL)
    assert [one["spec"]["sourceRepos"] for one in found if one["kind"] == "AppProject"] == [[URL], [URL]]
    apps = [one for one in found if one["kind"] == "Application"]
    folders = {one["metadata"]["name"]: one["spec"]["source"]["path"] for one in apps}
    assert folders == {"model-access": "access", "model-platform": "platform/testbed", MODEL: f"models/{MODEL}/testbed"}
    assert {one["spec"]["source"]["repoURL"] for one in apps} == {URL}


@pytest.mark.skipif(shutil.which("kubectl") is None, reason='kubectl is not on the PATH: eval "$(hack/cluster/env.sh)"')
def test_the_settings_are_those_of_an_installation_with_the_component(tmp_path: Path) -> None:
    shipped = {
        "config": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm"}, "data": {"theirs": "stays"}},
        "rbac": {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "theirs"}, "rules": []},
    }
    for part, document in shipped.items():
        folder = tmp_path / "argocd" / part
        folder.mkdir(parents=True)
        (folder / "one.yaml").write_text(yaml.safe_dump(document))
        (folder / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["one.yaml"]}))
    objects = yaml.safe_load_all(run("kubectl", "kustomize", str(argocd(tmp_path).settings())))
    found = {one["kind"]: one for one in objects}
    assert set(found) == {"ConfigMap", "ClusterRole"}
    built = found["ConfigMap"]
    assert built["metadata"] == {"name": "argocd-cm", "namespace": "argocd"}
    assert built["data"]["theirs"] == "stays"
    assert built["data"]["application.sync.impersonation.enabled"] == "true"
    health = built["data"]["resource.customizations.health.headgate.dev_AIModel"]
    assert health == (ROOT / "gitops/argocd/headgate.dev/AIModel/health.lua").read_text()


def test_what_argo_cd_heals_is_told_apart_from_what_git_asked_for(tmp_path: Path) -> None:
    ended = {"application": MODEL, "reason": "OperationCompleted"}
    entries: list[dict[str, Any]] = [
        {"msg": "starting"},
        {"application": MODEL, "reason": "OperationStarted", "msg": "Initiated automated sync to 'aa'"},
        {"application": MODEL, "msg": "Initiated automated sync to 'aa'"},
        ended | {"msg": "Sync operation to aa succeeded"},
        {"application": MODEL, "msg": "Reconciliation completed", "comparison-level": 2},
        {"application": "model-access", "msg": "Reconciliation completed"},
        {"application": "model-access", "reason": "OperationCompleted", "msg": "Sync operation to aa succeeded"},
        {"application": MODEL, "reason": "OperationStarted", "msg": "Initiated automated sync to 'aa'"},
        ended | {"msg": "Partial sync operation to aa succeeded"},
        ended | {"msg": "Sync operation to bb failed: one or more objects failed to apply"},
    ]
    (tmp_path / "argocd-application-controller.log").write_text("\n".join(["no JSON", *map(json.dumps, entries)]))
    found = argocd(tmp_path)
    assert list(found.syncs(MODEL)) == [
        Sync("aa", partial=False, succeeded=True, message="succeeded"),
        Sync("aa", partial=True, succeeded=True, message="succeeded"),
        Sync("bb", partial=False, succeeded=False, message="failed: one or more objects failed to apply"),
    ]
    assert found.started(MODEL) == {"aa": 2}
    assert found.comparisons(MODEL) == 1


APPLICATION = {
    "metadata": {"resourceVersion": "7"},
    "spec": {"syncPolicy": {"syncOptions": ["ServerSideApply=true"]}},
    "status": {
        "sync": {"status": "OutOfSync", "revision": "aa"},
        "health": {"status": "Suspended"},
        "resources": [
            {"kind": "AIModel", "namespace": "lending", "name": MODEL, "status": "Synced", "health": {"status": "Suspended"}},
            {"kind": "Namespace", "name": "lending", "status": "OutOfSync"},
        ],
    },
}


def test_the_status_tells_each_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications, "get", lambda *_: APPLICATION)
    found = told(MODEL)
    assert (found.revision, found.sync, found.health) == ("aa", "OutOfSync", "Suspended")
    assert found.resources == {f"AIModel/lending/{MODEL}": ("Synced", "Suspended"), "Namespace/lending": ("OutOfSync", "")}
    monkeypatch.setattr(applications, "get", lambda *_: None)
    assert told(MODEL).sync == ""


@pytest.mark.parametrize(("found", "asks"), [(APPLICATION, 1), (APPLICATION | {"operation": {"sync": {}}}, 0), (None, 0)])
def test_a_sync_is_asked_for_unless_one_is_under_way(found: dict[str, Any] | None, asks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(applications, "get", lambda *_: found)
    monkeypatch.setattr(applications, "kubectl", lambda *arguments: asked.append(json.loads(arguments[-1])))
    sync(MODEL)
    assert len(asked) == asks
    for patch in asked:
        assert patch["metadata"]["resourceVersion"] == "7", "who wrote meanwhile wins"
        assert patch["operation"]["sync"] == {"prune": True, "syncOptions": ["ServerSideApply=true"]}
