"""A model that lives in Git: Flux applies the same manifests every 10 seconds through whole rollouts, and neither disturbs the other."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import Bed, built
from tests.unit.gitops.argo import health
from tests.unit.gitops.flux import expressions

from demo.kubectl import apply, get, kubectl
from demo.people import binding
from demo.traffic import Users
from gitops import flux
from gitops.flux import Flux, Following
from gitops.repository import Repository
from gitops.testbed import MODEL, PERSON, PLATFORM, POLICY, TEAM, Environment, followed
from soak.measure import writes

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

AIMODEL = f"AIModel/{TEAM}/{MODEL}"
QUIET = 60
"""Seconds in which nothing may be written, and in which Flux applies five times or more."""


@dataclass
class Follower:
    """The cluster that follows the repository, and all that was seen of the model's health."""

    environment: Environment
    flux: Flux
    following: dict[str, Following]
    health: list[str] = field(default_factory=list)
    spec_commits: int = 0

    def look(self) -> dict[str, Any]:
        """The AIModel now, or {}; its health as Argo CD would show it is noted when it changes."""
        model = get("aimodel", MODEL, TEAM) or {}
        if model:
            state = health(model)[0]
            if self.health[-1:] != [state]:
                self.health.append(state)
        return model

    def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float, what: str) -> float:
        """Seconds until the AIModel's status fits."""
        began = time.monotonic()
        status: dict[str, Any] = {}
        while time.monotonic() - began < seconds:
            model = self.look()
            status = model.get("status") or {}
            if holds(status):
                return time.monotonic() - began
            time.sleep(0.3)
        told = {name: one.ready() for name, one in self.following.items()}
        raise AssertionError(f"not within {seconds:.0f} s: {what}; phase {status.get('phase')}, health {self.health}, Flux {told}")

    def release(self, version: str, error_rate: str = "0.005") -> str:
        """Ask for a version and sign for it when it waits; the commit that asked."""
        commit = self.environment.release(version, error_rate)
        self.spec_commits += 1
        waits = "AwaitingDeployment"
        self.until(lambda status: (status.get("candidateVersion"), status.get("phase")) == (version, waits), 120, f"{version} waits")
        self.environment.approve(version)
        return commit

    def live(self, version: str, seconds: float) -> float:
        return self.until(lambda status: is_live(status, version), seconds, f"{version} is live")

    def ready(self, name: str, wanted: str, seconds: float, reason: str = "") -> None:
        """The Kustomization's condition becomes `wanted`, for `reason` if one is given."""
        began = time.monotonic()
        while time.monotonic() - began < seconds:
            status, why, _ = self.following[name].ready()
            if status == wanted and reason in ("", why):
                return
            time.sleep(0.5)
        raise AssertionError(f"{name} is not {wanted} {reason} within {seconds:.0f} s: {self.following[name].ready()}")

    def applied(self, commit: str) -> None:
        """Flux has applied what the model's folder holds at `commit`."""
        began = time.monotonic()
        while time.monotonic() - began < 60:
            if any(at == commit and AIMODEL in output for at, output in self.flux.applied()):
                return
            time.sleep(0.5)
        raise AssertionError(f"Flux did not apply {commit} within a minute")


def is_live(status: dict[str, Any], version: str) -> bool:
    return bool(status.get("phase") == "Live" and (status.get("stable") or {}).get("version") == version)


def weights() -> dict[str, int]:
    """Thousandths by Service in the model's route."""
    route = get("httproute", MODEL, TEAM) or {}
    found = Counter[str]()
    for ref in (route.get("spec") or {}).get("rules", [{}])[0].get("backendRefs", ()):
        found[ref["name"]] += ref["weight"]
    return dict(found)


@pytest.fixture
def follower(bed: Bed, tmp_path: Path) -> Iterator[Follower]:
    """v1 live, released and approved through Git alone."""
    with Repository(tmp_path / "git", built("gitserver")) as repository, Flux(flux.binaries(), tmp_path / "flux") as controllers:
        environment = Environment(repository, tmp_path)
        environment.begin()
        following = followed(expressions("serving.yaml"), expressions("ready.yaml"))
        one = Follower(environment, controllers, following)
        _leave(following)
        try:
            apply(flux.source(repository.url), following["access"].manifest(), following["platform"].manifest())
            one.ready("access", "True", 60)
            one.ready("platform", "True", 60)
            apply(binding("viewer-dana", "headgate-viewer", PERSON, TEAM), binding("view-dana", "view", PERSON, TEAM))
            environment.release("v1")
            one.spec_commits = 1
            apply(following["model"].manifest(), following["after"].manifest())
            one.until(lambda status: status.get("phase") == "AwaitingDeployment", 120, "v1 waits for its approval")
            environment.approve("v1")
            one.live("v1", 120)
            yield one
        finally:
            _leave(following)


def _leave(following: dict[str, Following]) -> None:
    """While Flux is there: it prunes what it applied. A trust store that stayed would bind the other tests, so it goes first."""
    for name in ("after", "platform"):
        _forget(following[name])
    kubectl("delete", "truststore", "headgate", "-n", PLATFORM, "--ignore-not-found")
    kubectl("delete", "rolloutpolicy", POLICY, "-n", PLATFORM, "--ignore-not-found")
    for name in ("model", "access"):
        _forget(following[name])
    repository = ("gitrepositories.source.toolkit.fluxcd.io", "models", "-n", flux.NAMESPACE)
    kubectl("delete", *repository, "--ignore-not-found", "--timeout=60s", timeout=70)
    kubectl("delete", "namespace", TEAM, "--ignore-not-found", "--wait=true", "--timeout=150s", timeout=180)


def _forget(one: Following) -> None:
    kind, where = "kustomizations.kustomize.toolkit.fluxcd.io", ("-n", one.namespace)
    kubectl("delete", kind, one.name, *where, "--ignore-not-found", "--timeout=60s", timeout=70)


@pytest.fixture
def users(bed: Bed, follower: Follower, tmp_path: Path) -> Iterator[Users]:
    """A hundred requests a second for as long as the test runs."""
    with bed.users(tmp_path / "requests.jsonl") as users:
        yield users


def test_git_and_headgate_do_not_disturb_each_other(follower: Follower, users: Users) -> None:
    assert follower.health[-4:] == ["Progressing", "Suspended", "Progressing", "Healthy"]
    follower.ready("model", "True", 60)

    asked_for_v2 = _a_rollout_through_git(follower)
    _nothing_is_written_while_nothing_changes(follower)
    _a_bad_version_is_degraded_and_reverted(follower)
    _a_revert_to_an_earlier_version_is_at_once(follower, asked_for_v2)
    _what_git_forgets_goes_on_serving(follower)

    changes = follower.flux.changes(AIMODEL)
    print(
        f"Flux applied the model {follower.flux.rounds(AIMODEL)} times; it changed {sum(changes.values())} times by {len(changes)} commits"
    )
    assert max(changes.values()) == 1, "a commit that changes an object twice is a fight"
    users.read()
    assert users.total > 5000
    assert users.by_switches({"v3"}) == 0, users.unexplained[:5]


def _a_rollout_through_git(follower: Follower) -> str:
    """v2, from its commit to its last user; healthy for Flux all the time, and for what comes after it only at the end."""
    follower.health.clear()
    follower.look()
    rounds = follower.flux.rounds(AIMODEL)
    commit = follower.release("v2")
    assert follower.following["model"].ready()[0] != "False", "a rollout blocks nobody"
    assert follower.following["after"].ready()[0] != "True", "v2 is not live yet"
    took = follower.live("v2", 240)
    assert follower.health == ["Healthy", "Progressing", "Suspended", "Progressing", "Healthy"]
    follower.ready("model", "True", 30)
    follower.ready("after", "True", 60)
    print(f"v2 live {took:.0f} s after its approval; Flux applied the model {follower.flux.rounds(AIMODEL) - rounds} times meanwhile")
    return commit


def _nothing_is_written_while_nothing_changes(follower: Follower) -> None:
    """A live model costs no write, whoever applies it how often; and Flux owns nothing of status, Headgate nothing of the spec."""
    _until_still()
    model = follower.look()
    before, rounds = writes(), follower.flux.rounds(AIMODEL)
    time.sleep(QUIET)
    after, again = writes(), follower.look()
    assert after - before == Counter(), "writes while nothing changed"
    assert follower.flux.rounds(AIMODEL) - rounds >= QUIET // 10 - 2
    assert again["metadata"]["resourceVersion"] == model["metadata"]["resourceVersion"]
    assert again["metadata"]["generation"] == follower.spec_commits
    owned = {entry["manager"]: set(entry["fieldsV1"]) for entry in _managed()}
    assert owned.pop("kustomize-controller") == {"f:metadata", "f:spec"}
    assert set().union(*owned.values()) <= {"f:status", "f:metadata"}, owned


def _until_still() -> None:
    """The rollout's last writes (a size, an event, a checkpoint) are done."""
    seen = writes()
    for _ in range(12):
        time.sleep(10)
        before, seen = seen, writes()
        if seen == before:
            return
    raise AssertionError(f"still writing two minutes after the rollout: {seen - before}")


def _managed() -> list[dict[str, Any]]:
    found = kubectl("get", "aimodel", MODEL, "-n", TEAM, "-o", "json", "--show-managed-fields")
    managed: list[dict[str, Any]] = json.loads(found)["metadata"]["managedFields"]
    return managed


def _a_bad_version_is_degraded_and_reverted(follower: Follower) -> None:
    """v3 fails: taken back, and told. Users have v2, so Flux's model stays healthy, and what comes after has failed."""
    follower.health.clear()
    commit = follower.release("v3", error_rate="1")
    follower.until(lambda status: status.get("phase") == "RolledBack", 120, "v3 is taken back")
    assert follower.health[-1] == "Degraded"
    follower.ready("after", "False", 60, "HealthCheckFailed")
    follower.ready("model", "True", 60)
    follower.environment.repository.revert(commit)
    follower.spec_commits += 1
    follower.live("v2", 60)
    assert follower.health[-1] == "Healthy"
    follower.ready("after", "True", 60)


def _a_revert_to_an_earlier_version_is_at_once(follower: Follower, asked_for_v2: str) -> None:
    """No gate and no stages: v1 was approved and live before."""
    follower.environment.repository.revert(asked_for_v2)
    follower.spec_commits += 1
    took = follower.live("v1", 60)
    print(f"v1 live again {took:.0f} s after the revert, of which Git and Flux may take 15")
    assert follower.look()["metadata"]["generation"] == follower.spec_commits


def _what_git_forgets_goes_on_serving(follower: Follower) -> None:
    """A pruned approval would be a withdrawn one, so it stays; a pruned model leaves its users where they are."""
    decided = _names("governanceapprovals")
    assert len(decided) == 3
    follower.applied(follower.environment.forget_approval("v2"))
    follower.ready("model", "True", 30)
    assert _names("governanceapprovals") == decided
    _until_still()
    stable = follower.look()["status"]["stable"]["revision"]
    pods, shares = _names("pods"), weights()
    assert shares == {f"{MODEL}-{stable}": 1000}
    follower.environment.remove_model()
    began = time.monotonic()
    while get("aimodel", MODEL, TEAM) is not None:
        assert time.monotonic() - began < 60, "Flux prunes the model"
        time.sleep(0.5)
    assert weights() == shares
    assert get("deployment", f"{MODEL}-{stable}", TEAM) is not None
    follower.environment.repository.revert()
    follower.live("v1", 90)
    assert follower.look()["status"]["stable"]["revision"] == stable
    assert weights() == shares
    assert {pod for pod in pods if f"-{stable}-" in pod} <= set(_names("pods")), "no pod was started anew"


def _names(kind: str) -> list[str]:
    return kubectl("get", kind, "-n", TEAM, "-o", "jsonpath={.items[*].metadata.name}").split()
