"""What the end-to-end test stands on, without a cluster: the test bed's environment in the example repository, and Flux's log."""

import json
import shutil
import stat
from pathlib import Path

import pytest
import yaml

from demo.kubectl import run
from gitops import testbed
from gitops.flux import Flux, source
from gitops.repository import Repository
from gitops.testbed import MODEL, Environment, followed
from headgate.api.crd import RESOURCES
from headgate.api.policy import RolloutPolicySpec
from headgate.api.trust_store import TrustStoreSpec
from headgate.cli.governing.signing import private_key
from headgate.governance.signatures import public_key_of

AIMODEL = f"AIModel/lending/{MODEL}"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Nobody fetches from it: its server only says that it is there."""
    server = tmp_path / "server"
    server.write_text('#!/bin/sh\necho \'{"listen": "http://127.0.0.1:1"}\'\nexec sleep 60\n')
    server.chmod(server.stat().st_mode | stat.S_IXUSR)
    return Repository(tmp_path / "git", server)


def test_the_environment_of_the_test_bed_is_valid(repository: Repository, tmp_path: Path) -> None:
    with repository:
        environment = Environment(repository, tmp_path)
        environment.begin()
        environment.release("v1")
        platform = repository.work / "platform/testbed"
        policy, trust = (yaml.safe_load((platform / name).read_text()) for name in ("policy.yaml", "trust-store.yaml"))
        RolloutPolicySpec.model_validate(policy["spec"])
        store = TrustStoreSpec.model_validate(trust["spec"])
    (key,) = next(person.keys for person in store.persons if testbed.PERSON in person.usernames)
    assert key.public_key == public_key_of(private_key(tmp_path / "dana.pem"))
    assert repository.url == "http://127.0.0.1:1/models.git"
    assert source(repository.url)["spec"]["url"] == repository.url


@pytest.mark.skipif(shutil.which("kubectl") is None, reason='kubectl is not on the PATH: eval "$(hack/cluster/env.sh)"')
def test_what_is_followed_builds_at_every_step(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    specs = {resource.kind: resource.spec for resource in RESOURCES}
    signed = (Path(testbed.ROOT) / "examples/approvals/signed-fairness-audit.yaml").read_text()
    monkeypatch.setattr(testbed, "headgate", lambda *_: signed)

    def kinds() -> list[str]:
        found = []
        for following in followed([], []).values():
            for document in yaml.safe_load_all(run("kubectl", "kustomize", str(repository.work / following.spec["path"]))):
                if document["kind"] in specs:
                    specs[document["kind"]].model_validate(document["spec"])
                    found.append(document["kind"])
        return sorted(found)

    with repository:
        environment = Environment(repository, tmp_path)
        environment.begin()
        asked = environment.release("v1")
        assert kinds() == ["AIModel", "RolloutPolicy", "TrustStore"]
        environment.approve("v1")
        assert kinds() == ["AIModel", "GovernanceApproval", "RolloutPolicy", "TrustStore"]
        environment.release("v2", "1")
        assert repository.revert() != asked
        environment.remove_model()
        assert kinds() == ["GovernanceApproval", "RolloutPolicy", "TrustStore"]
        repository.revert()
        assert "AIModel" in kinds()


def test_a_change_is_told_apart_from_an_apply_without_one(tmp_path: Path) -> None:
    entries = [
        {"msg": "starting manager"},
        {"msg": "server-side apply completed", "revision": "main@sha1:aa", "output": {AIMODEL: "created"}},
        {"msg": "server-side apply completed", "revision": "main@sha1:aa", "output": {AIMODEL: "unchanged", "ConfigMap/a/b": "configured"}},
        {"msg": "server-side apply completed", "revision": "main@sha1:bb", "output": {AIMODEL: "configured"}},
        {"msg": "server-side apply completed", "revision": "main@sha1:bb", "output": {AIMODEL: "configured"}},
    ]
    lines = ["no JSON at all", *(json.dumps(entry) for entry in entries)]
    (tmp_path / "kustomize-controller.log").write_text("\n".join(lines))
    flux = Flux(tmp_path, tmp_path)
    assert flux.changes(AIMODEL) == {"aa": 1, "bb": 2}
    assert (flux.rounds(AIMODEL), flux.rounds("ConfigMap/a/b")) == (4, 1)
