"""Scenes in which Prometheus goes wrong in every way, one after the other, and in which its clock is another."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from tests.e2e.scenes import Ground, failed_by_switches, first_versions

from faults.proxy import Fault
from faults.site import Site, at_stage, is_back, reasons

HOLDING: Mapping[str, tuple[Fault, str]] = MappingProxyType(
    {
        "T15 NaN": ({"kind": "nan"}, "NoData"),
        "T16 empty answer": ({"kind": "empty"}, "NoData"),
        "T17 +Inf": ({"kind": "infinite"}, "NoData"),
        "T19 the candidate's series stale": ({"kind": "gap", "series": "/backend/1 "}, "NoData"),
        "T19 the stable version's series stale": ({"kind": "gap", "series": "/backend/0 "}, "NoData"),
        "T21 scrapes lost": ({"kind": "gap"}, "NoData"),
        "T25 slower than the operator waits": ({"kind": "delay", "seconds": 15}, "SourceDown"),
        "T26 answers 429": ({"kind": "status", "status": 429}, "SourceDown"),
        "T26 answers 500": ({"kind": "status", "status": 500}, "SourceDown"),
        "T26 garbled": ({"kind": "garbled"}, "SourceDown"),
        "T27 partial": ({"kind": "partial"}, "SourceDown"),
        "T28 connections refused": ({"kind": "refuse"}, "SourceDown"),
        "T28 no packet passes": ({"kind": "hang"}, "SourceDown"),
    }
)
"""What says nothing about the candidate, and the verdict that it must be held with."""

HARMLESS: Mapping[str, Fault] = MappingProxyType(
    {
        "T18 several series": {"kind": "several"},
        "T20 counters reset": {"kind": "reset"},
        "T24 duplicate series": {"kind": "duplicate"},
    }
)
"""What still can be read: nothing may be held, counted twice or blamed on the candidate for it."""

PODS_FAIL = "T27 partial"
"""The fault under which another model's version crashes."""
_SETTLED = 3.0
"""Seconds after which what still can be read is looked at, and for how long."""
_HELD = 1.0
"""Seconds for which it is looked on after a fault's first effect."""
_STAGE = 195
"""Seconds, longer than all faults take: what was counted while nobody could ask counts once somebody can."""


@dataclass(slots=True)
class Misled:
    """By fault, seen again and again while it lasts: `weights` (of the candidate) all the time, `verdicts` from its first effect on."""

    verdicts: dict[str, set[str]] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)
    weights: dict[str, set[int]] = field(default_factory=dict)
    recovered: dict[str, bool] = field(default_factory=dict)
    crash_cause: str = ""
    failed: list[dict[str, Any]] = field(default_factory=list)


def prometheus_goes_wrong(ground: Ground) -> Misled:
    found = Misled()
    with ground.site("faults-prometheus", seconds=_STAGE) as site:
        site.replicas["one"].start()
        first_versions(site, ["misled", "crashing"])
        with ground.users(site, ["misled", "crashing"], each=20) as users:
            site.release("misled", "v2")
            site.until(60, "v2 in canary", lambda: at_stage(site.status("misled"), "v2", "at-50"))
            _measured(site)
            for name, fault in HARMLESS.items():
                site.prometheus.break_by(fault)
                _look_on(site, found, name, _SETTLED, verdicts=False)
                _look_on(site, found, name, _SETTLED)
            for name, (fault, verdict) in HOLDING.items():
                _hold(site, found, name, fault, verdict)
            site.prometheus.break_by()
            site.until(255, "v2 live", lambda: site.live("misled", "v2"))
        found.failed = [record for record in failed_by_switches(users) if "misled" in record["host"]]
    return found


def _hold(site: Site, found: Misled, name: str, fault: Fault, verdict: str) -> None:
    seen = partial(_see, site, found, name)
    site.prometheus.break_by(fault)
    site.until(45, f"{verdict} under {name}", lambda: site.status("misled").get("verdict") == verdict, partial(seen, verdicts=False))
    if name == PODS_FAIL:
        site.release("crashing", "v2", CRASH="1")
        site.until(60, "crashing v2 back", lambda: is_back(site.status("crashing"), "v2"), seen)
        found.crash_cause = site.status("crashing")["blocked"][-1]["cause"]
    _look_on(site, found, name, _HELD)
    site.prometheus.break_by()
    _measured(site)
    found.recovered[name] = at_stage(site.status("misled"), "v2", "at-50")


def _look_on(site: Site, found: Misled, name: str, seconds: float, *, verdicts: bool = True) -> None:
    seen = partial(_see, site, found, name, verdicts=verdicts)
    site.until(seconds + 5, "time to go by", _after(seconds), seen)
    seen()


def _see(site: Site, found: Misled, name: str, *, verdicts: bool = True) -> None:
    found.weights.setdefault(name, set()).add(site.weight("misled", "v2"))
    if verdicts:
        status = site.status("misled")
        found.verdicts.setdefault(name, set()).add(str(status.get("verdict")))
        found.told.setdefault(name, set()).update(reasons(status))


def _back(site: Site, model: str, version: str) -> bool:
    return is_back(site.status(model), version)


def _measured(site: Site) -> None:
    usual = ("Pass", "Inconclusive")
    site.until(25, "numbers again", lambda: site.status("misled").get("verdict") in usual)


def _after(seconds: float) -> Callable[[], bool]:
    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until


def clocks_differ(ground: Ground) -> dict[str, list[str]]:
    """With Prometheus 30 s ahead and behind: the stable version after a good release, and why the bad one after it was taken back."""
    with ground.site("faults-ahead") as ahead, ground.site("faults-behind") as behind:
        sites = {"ahead": ahead, "behind": behind}
        for name, site in sites.items():
            site.prometheus.break_by({"kind": "skew", "seconds": 30 if name == "ahead" else -30})
            site.replicas["one"].start()
        for site in sites.values():
            first_versions(site, ["timed"])
        with ground.users(ahead, ["timed"]), ground.users(behind, ["timed"]):
            for site in sites.values():
                site.release("timed", "v2")
            for name, site in sites.items():
                site.until(90, f"v2 live, Prometheus {name}", partial(site.live, "timed", "v2"))
                site.release("timed", "v3", ERROR_RATE="1")
            for name, site in sites.items():
                site.until(60, f"v3 back, Prometheus {name}", partial(_back, site, "timed", "v3"))
        return {
            name: [site.status("timed")["stable"]["version"], site.status("timed")["blocked"][-1]["cause"]] for name, site in sites.items()
        }
