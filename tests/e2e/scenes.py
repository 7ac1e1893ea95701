"""What tests of faults play on the test bed: side by side, each with an operator, a namespace and users of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.__main__ import PATH
from demo.traffic import Load, Rates
from faults.site import Site
from fleet.model import Model
from fleet.policy import policy
from fleet.users import Fleet


@dataclass(frozen=True)
class Ground:
    """Where scenes are played. `load` and `proxy` are binaries, `folder` takes logs and records."""

    gateway: str
    prometheus: str
    load: Path
    proxy: Path
    folder: Path

    def site(self, namespace: str, *, replicas: tuple[str, ...] = ("one",), seconds: int = 6) -> Site:
        """With one policy: a canary stage `at-50` of at least `seconds`, and a full stage as short as may be."""
        one = policy(namespace, (50,), seconds=6)
        one["spec"]["stages"][0]["minDuration"] = f"{seconds}s"
        return Site(namespace, self.proxy, self.prometheus, (one,), self.folder / namespace, replicas)

    def users(self, site: Site, models: Sequence[str], each: float = 15) -> Load[Fleet]:
        """`each` requests per second and model."""
        file = site.folder / "requests.jsonl"
        hosts = [Model(site.namespace, model).host for model in models]
        return Load(self.load, self.gateway + PATH, hosts, Fleet(file), Rates(http1=each * len(models)))


def first_versions(site: Site, models: Sequence[str], **environment: str) -> None:
    """v1 of every model, live."""
    for model in models:
        site.release(model, "v1", **environment)
    site.until(90, f"v1 live of {models}", lambda: all(site.live(model, "v1") for model in models))


def failed_by_switches(users: Fleet) -> list[dict[str, Any]]:
    """Requests that failed although no model said so."""
    users.read()
    return users.failed
