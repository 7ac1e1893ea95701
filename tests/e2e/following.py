"""A model that lives in Git, whichever tool follows the repository: how it is watched, and what holds under each of them."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from demo.kubectl import apply, get, kubectl, remove
from demo.people import binding
from demo.traffic import Users
from gitops.testbed import MODEL, PERSON, PLATFORM, POLICY, TEAM, Environment
from soak.measure import writes

AIMODEL = f"AIModel/{TEAM}/{MODEL}"
ROLLOUT = ["Healthy", "Progressing", "Suspended", "Progressing", "Healthy"]
"""Health of a model from one live version to the next, when somebody has to approve."""
QUIET = 60
"""Seconds in which nothing may be written, and in which the tool sees to the model four times or more."""


class Tool(Protocol):
    """What follows the repository."""

    manager: str
    """As whom it applies."""

    def follow_platform(self) -> None:
        """Access, policy and trust store."""

    def has_platform(self) -> bool:
        """Whether it has applied them."""

    def follow_model(self) -> None: ...

    def forget(self) -> None:
        """Follow nothing any more."""

    def health(self, model: dict[str, Any]) -> str:
        """Of the AIModel, as Argo CD calls it; "" while it is not known."""

    def in_sync(self, commit: str) -> bool:
        """Whether it finds everything of the model to be as in Git at `commit`."""

    def rounds(self) -> int:
        """How often it has seen to it that the model is as in Git."""

    def tell(self) -> str:
        """What it says about itself, for messages."""


@dataclass
class Follower:
    """The cluster that follows the repository, and all that was seen of the model's health."""

    environment: Environment
    tool: Tool
    health: list[str] = field(default_factory=list)
    spec_commits: int = 0

    def begin(self) -> None:
        """v1 live, released and approved through Git alone."""
        self.environment.begin()
        self.tool.follow_platform()
        self.wait(self.tool.has_platform, 90, "the platform is applied")
        apply(binding("viewer-dana", "headgate-viewer", PERSON, TEAM), binding("view-dana", "view", PERSON, TEAM))
        self.environment.release("v1")
        self.spec_commits = 1
        self.tool.follow_model()
        self._approve("v1")
        self.live("v1", 120)

    def leave(self) -> None:
        """A trust store that stayed would bind the other tests."""
        try:
            self.tool.forget()
        finally:
            kubectl("delete", "truststore", "headgate", "-n", PLATFORM, "--ignore-not-found")
            kubectl("delete", "rolloutpolicy", POLICY, "-n", PLATFORM, "--ignore-not-found")
            remove(TEAM)

    def look(self) -> dict[str, Any]:
        """The AIModel now, or {}; its health is noted when it changes."""
        model = get("aimodel", MODEL, TEAM) or {}
        state = self.tool.health(model) if model else ""
        if state and self.health[-1:] != [state]:
            self.health.append(state)
        return model

    def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float, what: str) -> float:
        """Seconds until the AIModel's status fits."""
        return self.wait(lambda: holds(self.look().get("status") or {}), seconds, what)

    def wait(self, happens: Callable[[], bool], seconds: float, what: str) -> float:
        """Seconds until it happens. Raises AssertionError with what there is to see when it takes longer."""
        began = time.monotonic()
        while not happens():
            if time.monotonic() - began > seconds:
                status = self.look().get("status") or {}
                seen = f"phase {status.get('phase')}, health {self.health}, {self.tool.tell()}"
                raise AssertionError(f"not within {seconds:.0f} s: {what}; {seen}")
            time.sleep(0.3)
        return time.monotonic() - began

    def shows(self, state: str) -> None:
        """The health becomes `state`: it follows the status, and need not do so at once."""
        self.until(lambda _: self.health[-1:] == [state], 30, f"the model is {state}")

    def release(self, version: str, error_rate: str = "0.005") -> str:
        """Ask for a version and sign for it when it waits; the commit that asked."""
        commit = self.environment.release(version, error_rate)
        self.spec_commits += 1
        self._approve(version)
        return commit

    def _approve(self, version: str) -> None:
        waits = "AwaitingDeployment"
        self.until(lambda status: (status.get("candidateVersion"), status.get("phase")) == (version, waits), 120, f"{version} waits")
        self.shows("Suspended")
        self.environment.approve(version)

    def live(self, version: str, seconds: float) -> float:
        """Seconds until it is live, and its health says so."""
        took = self.until(lambda status: is_live(status, version), seconds, f"{version} is live")
        self.shows("Healthy")
        return took

    def in_sync(self) -> None:
        """The tool finds everything to be as in Git, whatever it thinks of its health."""
        commit = self.environment.repository.head()
        self.wait(lambda: self.tool.in_sync(commit), 60, f"{commit} is applied and nothing differs")


@contextmanager
def followed_by(tool: Tool, environment: Environment) -> Iterator[Follower]:
    """v1 live; afterwards all is gone."""
    follower = Follower(environment, tool)
    follower.leave()
    try:
        follower.begin()
        yield follower
    finally:
        follower.leave()


def is_live(status: dict[str, Any], version: str) -> bool:
    return bool(status.get("phase") == "Live" and (status.get("stable") or {}).get("version") == version)


def weights() -> dict[str, int]:
    """Thousandths by Service in the model's route."""
    route = get("httproute", MODEL, TEAM) or {}
    found = Counter[str]()
    for ref in (route.get("spec") or {}).get("rules", [{}])[0].get("backendRefs", ()):
        found[ref["name"]] += ref["weight"]
    return dict(found)


def nothing_is_written_while_nothing_changes(follower: Follower) -> None:
    """A live model costs no write, whoever applies it how often; and the tool owns nothing of status, Headgate nothing of the spec."""
    _until_still()
    model = follower.look()
    before, rounds = writes(), follower.tool.rounds()
    time.sleep(QUIET)
    after, again = writes(), follower.look()
    assert after - before == Counter(), "writes while nothing changed"
    assert follower.tool.rounds() - rounds >= QUIET // 10 - 2
    assert again["metadata"]["resourceVersion"] == model["metadata"]["resourceVersion"]
    assert again["metadata"]["generation"] == follower.spec_commits
    owned = {entry["manager"]: set(entry["fieldsV1"]) for entry in _managed()}
    assert owned.pop(follower.tool.manager) == {"f:metadata", "f:spec"}
    assert set().union(*owned.values()) <= {"f:status", "f:metadata"}, owned


def a_bad_version_is_degraded(follower: Follower) -> str:
    """v3 fails: taken back, and told. Git is not contradicted: it holds what was asked for. The commit that asked."""
    follower.health.clear()
    commit = follower.release("v3", error_rate="1")
    follower.until(lambda status: status.get("phase") == "RolledBack", 120, "v3 is taken back")
    follower.shows("Degraded")
    follower.in_sync()
    return commit


def its_revert_is_healthy(follower: Follower, commit: str) -> None:
    """Users have v2 already."""
    follower.environment.repository.revert(commit)
    follower.spec_commits += 1
    follower.live("v2", 60)


def a_revert_to_an_earlier_version_is_at_once(follower: Follower, asked_for_v2: str) -> None:
    """No gate and no stages: v1 was approved and live before."""
    follower.environment.repository.revert(asked_for_v2)
    follower.spec_commits += 1
    took = follower.live("v1", 60)
    print(f"v1 live again {took:.0f} s after the revert, of which Git and the tool may take 20")
    assert follower.look()["metadata"]["generation"] == follower.spec_commits


def what_git_forgets_goes_on_serving(follower: Follower) -> None:
    """A pruned approval would be a withdrawn one, so it stays; a pruned model leaves its users where they are."""
    decided = _names("governanceapprovals")
    assert len(decided) == 3
    follower.environment.forget_approval("v2")
    follower.in_sync()
    assert _names("governanceapprovals") == decided
    _until_still()
    stable = follower.look()["status"]["stable"]["revision"]
    pods, shares = _names("pods"), weights()
    assert shares == {f"{MODEL}-{stable}": 1000}
    follower.environment.remove_model()
    follower.wait(lambda: get("aimodel", MODEL, TEAM) is None, 60, "the model is pruned")
    assert weights() == shares
    assert get("deployment", f"{MODEL}-{stable}", TEAM) is not None
    follower.environment.repository.revert()
    follower.live("v1", 90)
    assert follower.look()["status"]["stable"]["revision"] == stable
    assert weights() == shares
    assert {pod for pod in pods if f"-{stable}-" in pod} <= set(_names("pods")), "no pod was started anew"


def users_had_no_bad_version(users: Users) -> None:
    assert users.total > 5000
    assert users.by_switches({"v3"}) == 0, users.unexplained[:5]


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


def _names(kind: str) -> list[str]:
    return kubectl("get", kind, "-n", TEAM, "-o", "jsonpath={.items[*].metadata.name}").split()
