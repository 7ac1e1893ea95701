"""Scenes in which operators are killed, frozen or cut off."""

import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.e2e.scenes import Ground, failed_by_switches, first_versions

from faults.proxy import Write
from faults.site import Site, Status, at_stage, is_back


@dataclass(slots=True)
class Stages:
    """Every time at which a stage of a version was seen to begin to count, and how long it was."""

    begun: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    def see(self, status: Status) -> None:
        candidate = status.get("candidate") or {}
        stage = candidate.get("stage") or {}
        if "effective" not in stage:
            return
        key = (candidate["version"], stage["name"])
        known = self.begun.setdefault(key, [])
        if stage["effective"] not in known:
            known.append(stage["effective"])
        self.seconds[key] = time.time() - _unix(stage["effective"])


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _repeated(deaths: list[Write]) -> str:
    """What a new process writes first each time, like its checkpoint: if it always died of that, it would never come to the next write."""
    paths = {write.path for write in deaths[-2:]}
    again = len(deaths) > 1 and len(paths) == 1 and not deaths[-1].path.endswith("/status")
    return f"{re.escape(paths.pop())}$" if again else ""


@dataclass(slots=True)
class Killed:
    """What became of a model whose operator was killed after each of its writes."""

    after: list[Write]
    stages: Stages
    end: Status
    weights: dict[str, int]
    failed: list[dict[str, Any]]


def killed_after_every_write(ground: Ground) -> Killed:
    """A first version, a promotion and a rollback, with SIGKILL after each single write, before its answer arrives."""
    with ground.site("faults-killed") as site:
        deaths, stages = list[Write](), Stages()
        site.release("killed", "v1")
        _killing(site, deaths, stages, lambda status: site.live("killed", "v1"))
        with ground.users(site, ["killed"], each=20) as users:
            site.release("killed", "v2")
            _killing(site, deaths, stages, lambda status: site.live("killed", "v2"))
            site.release("killed", "v3", ERROR_RATE="1")
            _killing(site, deaths, stages, lambda status: is_back(status, "v3"))
            site.replicas["one"].start()
            site.until(60, "all traffic on v2", lambda: site.weight("killed", "v2") == 1000)
        return Killed(deaths, stages, site.status("killed"), site.weights("killed"), failed_by_switches(users))


def _killing(site: Site, deaths: list[Write], stages: Stages, done: Any) -> None:
    proxy, replica = site.api["one"], site.replicas["one"]
    while not done(site.status("killed")):
        proxy.stop_after(1, without=_repeated(deaths))
        replica.start()
        over = lambda: proxy.stopped or replica.exit_code is not None or done(site.status("killed"))  # noqa: E731
        site.until(90, "one more write", over, lambda: stages.see(site.status("killed")))
        assert replica.exit_code is None, f"the operator ended by itself with {replica.exit_code}"
        replica.kill()
        if proxy.stopped:
            deaths.append([write for write in proxy.writes if not write.lease][-1])
        proxy.stop_after(0)
        site.free_lease()


@dataclass(slots=True)
class Frozen:
    """What became of a leader that stood still for a minute. Times in seconds after it did."""

    taken_over: float
    went_live: float
    written_after_thaw: list[Write]
    exit_code: int | None
    failed: list[dict[str, Any]]


def leader_frozen_for_a_minute(ground: Ground) -> Frozen:
    with ground.site("faults-frozen", replicas=("one", "other")) as site:
        for replica in site.replicas.values():
            replica.start()
        first_versions(site, ["frozen"])
        with ground.users(site, ["frozen"]) as users:
            site.release("frozen", "v2")
            site.until(60, "v2 in canary", lambda: at_stage(site.status("frozen"), "v2"))
            leader = site.holder()
            frozen, standby = site.replicas[leader], next(name for name in site.replicas if name != leader)
            frozen.freeze()
            began = time.monotonic()
            taken_over = site.until(40, "the standby leads", lambda: site.holder() == standby)
            site.until(90, "v2 live", lambda: site.live("frozen", "v2"))
            went_live = time.monotonic() - began
            time.sleep(max(0.0, 60 - went_live))
            before = len(site.api[leader].writes)
            frozen.thaw()
            site.until(20, "the thawed one ends", lambda: frozen.exit_code is not None)
        return Frozen(taken_over, went_live, list(site.api[leader].writes)[before:], frozen.exit_code, failed_by_switches(users))


@dataclass(slots=True)
class CutOff:
    """What became of an operator without network, and of a version that turned bad meanwhile. Times in seconds."""

    exposed_meanwhile: list[int]
    until_off: float
    end: Status
    failed: list[dict[str, Any]]


def without_network_for_two_minutes(ground: Ground) -> CutOff:
    """Nothing passes, neither to the API server nor to Prometheus. Whoever ends is started again, as the kubelet does."""
    with ground.site("faults-network", seconds=60) as site:
        replica, proxy = site.replicas["one"], site.api["one"]
        replica.start()
        first_versions(site, ["cut-off"])
        with ground.users(site, ["cut-off"]) as users:
            site.release("cut-off", "v2", FAIL_AFTER="40")
            site.until(60, "v2 in canary", lambda: at_stage(site.status("cut-off"), "v2"))
            for one in (proxy, site.prometheus):
                one.break_by({"kind": "hang"})
            exposed = list[int]()
            until = time.monotonic() + 120
            while time.monotonic() < until:
                exposed.append(site.weight("cut-off", "v2"))
                if replica.exit_code is not None:
                    replica.start()
                time.sleep(1)
            for one in (proxy, site.prometheus):
                one.break_by()
            until_off = site.until(60, "v2 off", lambda: site.weight("cut-off", "v2") == 0)
            site.until(60, "v2 is back", lambda: is_back(site.status("cut-off"), "v2"))
        return CutOff(exposed, until_off, site.status("cut-off"), failed_by_switches(users))
