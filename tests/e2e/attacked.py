"""Models under attack: what is released of them, what is seen of them, and what their gates are given."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.attackers import NAMESPACE, RIGHT, TECHNICAL, approval, create
from tests.e2e.playing import reach

from demo.kubectl import apply, kubectl
from fleet.model import Model, statuses
from fleet.policy import policy
from fleet.users import Fleet

OWNER = Model(NAMESPACE, "honest")
"""People approve its versions; others hope that this counts for theirs."""

Status = dict[str, Any]


@dataclass(frozen=True)
class Seen:
    """A model, and every decision about it by name: its state, and the words beside it."""

    status: Status
    decisions: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def gate(self) -> Status:
        found: Status = (self.status.get("candidate") or {}).get("gate") or {}
        return found


Scene = Generator[None, Seen, None]


def look(models: Iterable[Model]) -> dict[str, Seen]:
    """Every one of `models`, by name."""
    found = statuses(NAMESPACE)
    decided: dict[str, dict[str, tuple[str, str]]] = {}
    for item in json.loads(kubectl("get", "governanceapprovals", "-n", NAMESPACE, "-o", "json"))["items"]:
        answer = item.get("status") or {}
        about = decided.setdefault(item["spec"]["model"], {})
        about[item["metadata"]["name"]] = answer.get("state", ""), answer.get("message", "")
    return {model.name: Seen(found.get(model.name, {}), decided.get(model.name, {})) for model in models}


def release(model: Model, version: str, name: str = "attacks") -> None:
    body = model.manifest(version, name, {"ERROR_RATE": "0"})
    body["spec"]["classification"]["declaredTier"] = "Medium"
    body["spec"]["serving"]["drain"] = "5s"
    apply(body)


def live(version: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.status.get("phase") == "Live" and seen.status["live"] == version


def awaited(model: Model, version: str = "v2", name: str = "attacks") -> Generator[None, Seen, Status]:
    """Release it. Its candidate, once it waits for people."""
    release(model, version, name)
    seen = yield from reach(lambda seen: seen.gate and seen.status["candidate"]["version"] == version and waits(seen))
    candidate: Status = seen.status["candidate"]
    return candidate


def waits(seen: Seen) -> bool:
    return seen.status.get("phase") == "AwaitingDeployment" and bool(seen.gate.get("subject"))


def approvals(model: Model, subject: str, **instead: str) -> list[Any]:
    """Of the three roles, by whom they belong to, or `instead` by somebody else (by the first word of the role)."""
    return [approval(model.name, role, instead.get(role.partition("-")[0], person), subject) for role, person in RIGHT.items()]


def given(model: Model, subject: str) -> list[str]:
    """All that the gate asks for."""
    return [name for one in approvals(model, subject) for name in create(one["spec"]["approver"], one)]


def stays_shut(names: list[str], *words: str) -> Scene:
    """Each of the decisions is answered; those that count do not open the gate, and one of the others says why."""
    seen = yield from reach(lambda seen: all(seen.decisions[name][0] for name in names))
    said = [seen.decisions[name] for name in names]
    assert not seen.gate["open"], said
    assert any(state != "Counted" and any(word in message for word in words) for state, message in said), said


def condition(seen: Seen, kind: str) -> str:
    return next((str(one["status"]) for one in seen.status.get("conditions", ()) if one["type"] == kind), "")


def words_of(seen: Seen, kind: str) -> str:
    return next((str(one["message"]) for one in seen.status.get("conditions", ()) if one["type"] == kind), "")


def answers(users: Fleet, model: Model, version: str) -> int:
    return sum(users.of(model.host, version).kinds.values())


def strict(name: str, **changes: Any) -> dict[str, Any]:
    """Three persons at Medium; nothing that takes time but people."""
    found = policy(name, (50,), seconds=6)
    found["spec"]["gates"] = {"deployment": {"medium": [{"role": role} for role in RIGHT]}}
    found["spec"] |= changes
    return found


def lenient(name: str) -> dict[str, Any]:
    return strict(name, gates={"deployment": {"medium": [{"role": TECHNICAL}]}})
