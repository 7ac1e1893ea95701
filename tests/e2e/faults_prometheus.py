"""A scene in which Prometheus goes wrong in every way, one after the other, while a candidate has half of the users."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        "T22 no series of errors": {"kind": "without", "series": " 5..$"},
        "T24 duplicate series": {"kind": "duplicate"},
        "T29 a clock 30 s behind": {"kind": "skew", "seconds": -30},
        "T29 a clock 3 s ahead": {"kind": "skew", "seconds": 3},
    }
)
"""What still can be read: nothing may be held, counted twice or blamed on the candidate for it."""

PODS_FAIL = "T27 partial"
"""The fault under which another model's version crashes."""
_SETTLED = 6.0


@dataclass(slots=True)
class Misled:
    """`verdicts`, `told` and `weights` (of the candidate) by fault, as seen from its first effect to its end."""

    verdicts: dict[str, str] = field(default_factory=dict)
    told: dict[str, set[str]] = field(default_factory=dict)
    weights: dict[str, set[int]] = field(default_factory=dict)
    recovered: dict[str, bool] = field(default_factory=dict)
    harmless: dict[str, str] = field(default_factory=dict)
    crash_cause: str = ""
    failed: list[dict[str, Any]] = field(default_factory=list)


def prometheus_goes_wrong(ground: Ground) -> Misled:
    found = Misled()
    with ground.site("faults-prometheus", seconds=150) as site:
        site.replicas["one"].start()
        first_versions(site, ["misled", "crashing"])
        with ground.users(site, ["misled", "crashing"], each=40) as users:
            site.release("misled", "v2")
            site.until(60, "v2 in canary", lambda: at_stage(site.status("misled"), "v2", "at-50"))
            _measured(site)
            for name, (fault, verdict) in HOLDING.items():
                _hold(site, found, name, fault, verdict)
            for name, fault in HARMLESS.items():
                site.prometheus.break_by(fault)
                site.until(_SETTLED, "time to go by", _after(_SETTLED - 1))
                found.harmless[name] = str(site.status("misled").get("verdict"))
            site.prometheus.break_by()
            site.until(240, "v2 live", lambda: site.live("misled", "v2"))
        found.failed = [record for record in failed_by_switches(users) if "misled" in record["host"]]
    return found


def _hold(site: Site, found: Misled, name: str, fault: Fault, verdict: str) -> None:
    site.prometheus.break_by(fault)
    site.until(25, f"{verdict} under {name}", lambda: site.status("misled").get("verdict") == verdict)
    if name == PODS_FAIL:
        site.release("crashing", "v2", CRASH="1")
        site.until(60, "crashing v2 back", lambda: is_back(site.status("crashing"), "v2"))
        found.crash_cause = site.status("crashing")["blocked"][-1]["cause"]
    status = site.status("misled")
    found.verdicts[name], found.told[name] = status["verdict"], reasons(status)
    found.weights[name] = {site.weight("misled", "v2")}
    site.prometheus.break_by()
    _measured(site)
    found.recovered[name] = at_stage(site.status("misled"), "v2", "at-50")


def _measured(site: Site) -> None:
    usual = ("Pass", "Inconclusive")
    site.until(25, "numbers again", lambda: site.status("misled").get("verdict") in usual)


def _after(seconds: float) -> Any:
    import time

    until = time.monotonic() + seconds
    return lambda: time.monotonic() >= until
