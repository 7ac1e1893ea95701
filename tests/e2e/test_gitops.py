"""A model that lives in Git: Flux applies the same manifests every 10 seconds through whole rollouts, and neither disturbs the other."""

from collections.abc import Iterator
from dataclasses import dataclass
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
from tests.unit.gitops.argo import health
from tests.unit.gitops.flux import expressions

from demo.kubectl import apply, kubectl
from gitops import flux
from gitops.flux import Flux, Following
from gitops.repository import Repository
from gitops.testbed import Environment, followed

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]


@dataclass
class Kustomizations:
    """Flux follows; the health is what gitops/argocd says of the AIModel, which is not Flux's own."""

    flux: Flux
    url: str
    following: dict[str, Following]
    manager: str = "kustomize-controller"

    def follow_platform(self) -> None:
        apply(flux.source(self.url), self.following["access"].manifest(), self.following["platform"].manifest())

    def follow_model(self) -> None:
        apply(self.following["model"].manifest(), self.following["after"].manifest())

    def forget(self) -> None:
        """While Flux is there: it prunes what it applied."""
        for name in ("after", "platform", "model", "access"):
            one = self.following[name]
            kind, where = "kustomizations.kustomize.toolkit.fluxcd.io", ("-n", one.namespace)
            kubectl("delete", kind, one.name, *where, "--ignore-not-found", "--timeout=60s", timeout=70)
        repository = ("gitrepositories.source.toolkit.fluxcd.io", "models", "-n", flux.NAMESPACE)
        kubectl("delete", *repository, "--ignore-not-found", "--timeout=60s", timeout=70)

    def has_platform(self) -> bool:
        return self.is_ready("access") and self.is_ready("platform")

    def health(self, model: dict[str, Any]) -> str:
        return health(model)[0]

    def in_sync(self, commit: str) -> bool:
        applied = any(at == commit and AIMODEL in output for at, output in self.flux.applied())
        return applied and self.is_ready("model")

    def rounds(self) -> int:
        return self.flux.rounds(AIMODEL)

    def tell(self) -> str:
        return f"Flux { ({name: one.ready() for name, one in self.following.items()}) }"

    def is_ready(self, name: str) -> bool:
        return self.following[name].ready()[0] == "True"


@pytest.fixture
def tool(bed: Bed, repository: Repository, tmp_path: Path) -> Iterator[Kustomizations]:
    with Flux(flux.binaries(), tmp_path / "flux") as controllers:
        yield Kustomizations(controllers, repository.url, followed(expressions("serving.yaml"), expressions("ready.yaml")))


@pytest.fixture
def follower(repository: Repository, tool: Kustomizations, tmp_path: Path) -> Iterator[Follower]:
    with followed_by(tool, Environment(repository, tmp_path)) as follower:
        yield follower


def test_git_and_headgate_do_not_disturb_each_other(follower: Follower, tool: Kustomizations, bed: Bed, tmp_path: Path) -> None:
    assert follower.health[-4:] == ROLLOUT[1:]
    follower.wait(lambda: tool.is_ready("model"), 60, "v1 is ready")
    with bed.users(tmp_path / "requests.jsonl") as users:
        asked_for_v2 = _a_rollout_blocks_nobody(follower, tool)
        nothing_is_written_while_nothing_changes(follower)
        _what_comes_after_a_bad_version_waits_for_its_revert(follower, tool)
        a_revert_to_an_earlier_version_is_at_once(follower, asked_for_v2)
        what_git_forgets_goes_on_serving(follower)
        users.read()
    changes = tool.flux.changes(AIMODEL)
    print(f"Flux applied the model {tool.rounds()} times; it changed {sum(changes.values())} times by {len(changes)} commits")
    assert max(changes.values()) == 1, "a commit that changes an object twice is a fight"
    users_had_no_bad_version(users)


def _a_rollout_blocks_nobody(follower: Follower, tool: Kustomizations) -> str:
    """v2, from its commit to its last user; healthy for Flux all the time, and for what comes after it only at the end."""
    follower.health.clear()
    follower.look()
    rounds = tool.rounds()
    commit = follower.release("v2")
    assert tool.following["model"].ready()[0] != "False", "a rollout blocks nobody"
    assert not tool.is_ready("after"), "v2 is not live yet"
    took = follower.live("v2", 240)
    assert follower.health == ROLLOUT
    follower.wait(lambda: tool.is_ready("model") and tool.is_ready("after"), 60, "v2 is ready, and what comes after it")
    print(f"v2 live {took:.0f} s after its approval; Flux applied the model {tool.rounds() - rounds} times meanwhile")
    return commit


def _what_comes_after_a_bad_version_waits_for_its_revert(follower: Follower, tool: Kustomizations) -> None:
    """Users have v2, so Flux's model stays healthy, and what comes after has failed."""
    commit = a_bad_version_is_degraded(follower)
    follower.wait(lambda: tool.following["after"].ready()[:2] == ("False", "HealthCheckFailed"), 60, "what comes after v3 has failed")
    its_revert_is_healthy(follower, commit)
    follower.wait(lambda: tool.is_ready("after"), 60, "what comes after is ready again")
