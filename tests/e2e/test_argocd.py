"""A model that lives in Git under Argo CD with gitops/argocd: health, drift, syncs without a change, revert and prune."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Bed
from tests.e2e.following import (
    AIMODEL,
    ROLLOUT,
    Follower,
    a_bad_version_is_degraded,
    a_revert_to_an_earlier_version_is_at_once,
    followed_by,
    its_revert_is_healthy,
    nothing_is_written_while_nothing_changes,
    users_had_no_bad_version,
    what_git_forgets_goes_on_serving,
)

from demo.kubectl import apply, kubectl
from gitops import argocd
from gitops.applications import KIND, Again, told
from gitops.argocd import ArgoCD
from gitops.repository import Repository
from gitops.testbed import MODEL, Environment, applications
from soak.measure import writes

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

PLATFORM = ("model-access", "model-platform")


@dataclass
class Applications:
    """Argo CD follows with the Applications of examples/gitops; health and differences are what it tells in their status."""

    argocd: ArgoCD
    manifests: list[dict[str, Any]]
    health_of_all: list[str] = field(default_factory=list)
    """Of the model's Application, with its approvals: all that was seen."""
    manager: str = argocd.MANAGER

    def follow_platform(self) -> None:
        apply(*(one for one in self.manifests if one["metadata"]["name"] != MODEL))

    def has_platform(self) -> bool:
        return all((one.sync, one.health) == ("Synced", "Healthy") for one in map(told, PLATFORM))

    def follow_model(self) -> None:
        apply(*(one for one in self.manifests if one["metadata"]["name"] == MODEL))

    def forget(self) -> None:
        """Without their finalizer: what they applied stays."""
        kubectl("delete", KIND, "--all", "-n", argocd.NAMESPACE, "--timeout=60s", timeout=70)

    def health(self, model: dict[str, Any]) -> str:
        found = told(MODEL)
        if found.health and self.health_of_all[-1:] != [found.health]:
            self.health_of_all.append(found.health)
        return found.resources.get(AIMODEL, ("", ""))[1]

    def in_sync(self, commit: str) -> bool:
        found = told(MODEL)
        return (found.revision, found.sync) == (commit, "Synced")

    def rounds(self) -> int:
        return self.argocd.comparisons(MODEL)

    def syncs(self) -> int:
        return sum(sync.succeeded for sync in self.argocd.syncs(MODEL))

    def tell(self) -> str:
        failed = [sync for sync in self.argocd.syncs(MODEL) if not sync.succeeded]
        return f"Argo CD { ({name: told(name) for name in (*PLATFORM, MODEL)}) }, syncs that failed {failed}"


@pytest.fixture
def tool(bed: Bed, repository: Repository, tmp_path: Path) -> Iterator[Applications]:
    with ArgoCD(argocd.binaries(), tmp_path / "argocd") as controllers:
        yield Applications(controllers, applications(repository.url))


@pytest.fixture
def follower(repository: Repository, tool: Applications, tmp_path: Path) -> Iterator[Follower]:
    with followed_by(tool, Environment(repository, tmp_path)) as follower:
        yield follower


def test_argo_cd_and_headgate_do_not_disturb_each_other(follower: Follower, tool: Applications, bed: Bed, tmp_path: Path) -> None:
    assert follower.health[-4:] == ROLLOUT[1:]
    with bed.users(tmp_path / "requests.jsonl") as users:
        with Again(MODEL):
            asked_for_v2 = _a_rollout_shows_who_is_waited_for(follower, tool)
        nothing_is_written_while_nothing_changes(follower)
        with Again(MODEL):
            _a_sync_without_a_change_writes_nothing(follower, tool)
            its_revert_is_healthy(follower, a_bad_version_is_degraded(follower))
            assert "Degraded" in tool.health_of_all
            a_revert_to_an_earlier_version_is_at_once(follower, asked_for_v2)
        what_git_forgets_goes_on_serving(follower)
        users.read()
    syncs, started = list(tool.argocd.syncs(MODEL)), tool.argocd.started(MODEL)
    healed = Counter(sync.revision for sync in syncs if sync.partial)
    print(f"Argo CD applied the model {len(syncs)} times, {started.total()} times of its own accord, {healed.total()} times to heal")
    assert [sync for sync in syncs if not sync.succeeded] == []
    # Once may be: right after a sync Argo CD can still hold what was there before.
    assert max(healed.values(), default=0) <= 1, f"a difference that comes back is a fight: {healed}"
    users_had_no_bad_version(users)


def _a_rollout_shows_who_is_waited_for(follower: Follower, tool: Applications) -> str:
    """v2, from its commit to its last user: of the AIModel, and of the Application with all its approvals."""
    follower.health.clear()
    tool.health_of_all.clear()
    follower.look()
    commit = follower.release("v2")
    assert "Suspended" in tool.health_of_all
    took = follower.live("v2", 240)
    assert follower.health == ROLLOUT
    follower.in_sync()
    follower.wait(lambda: told(MODEL).health == "Healthy", 30, "the Application is Healthy")
    print(f"v2 live {took:.0f} s after its approval")
    return commit


def _a_sync_without_a_change_writes_nothing(follower: Follower, tool: Applications) -> None:
    """Every sync sends everything to the API server, which stores nothing of it; and Headgate has nothing to answer."""
    model, before, syncs = follower.look(), writes(), tool.syncs()
    follower.wait(lambda: tool.syncs() >= syncs + 3, 90, "three more syncs")
    assert {written.rpartition(" ")[2] for written in writes() - before} == {"APPLY"}
    assert follower.look()["metadata"]["resourceVersion"] == model["metadata"]["resourceVersion"]
