"""Prometheus away for two minutes, and operators killed: nothing is decided on nothing, nothing is lost, no user notices."""

import subprocess
import time

import pytest
from tests.e2e.conftest import Bed

from demo.kubectl import get, kubectl
from demo.people import MODEL, NAMESPACE
from demo.release import Moment, perform
from demo.traffic import Users
from demo.versions import RELEASES, Outcome

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(900)]


def test_without_prometheus_the_canary_holds_says_so_and_goes_on(bed: Bed, users: Users) -> None:
    outage: dict[str, object] = {}

    def seen(moment: Moment) -> None:
        phase, stage = moment.status.get("phase"), moment.status.get("stage")
        if phase == "Canary" and stage == "canary" and "stopped" not in outage:
            subprocess.run([str(bed.ctl), "stop", "prometheus"], check=True)
            outage["stopped"] = time.monotonic()
        if "stopped" in outage and "restarted" not in outage:
            assert (phase, stage) == ("Canary", "canary"), "nothing moves without evidence"
            verdicts = outage.setdefault("verdicts", set())
            assert isinstance(verdicts, set)
            verdicts.add(moment.status.get("verdict"))
            if time.monotonic() - float(str(outage["stopped"])) > 120:
                subprocess.run([str(bed.ctl), "start", "prometheus"], check=True)
                outage["restarted"] = True

    try:
        ending = perform(RELEASES["v2"], 480, seen)
    finally:
        if "restarted" not in outage:
            subprocess.run([str(bed.ctl), "start", "prometheus"], check=False)
    assert "SourceDown" in outage["verdicts"]  # type: ignore[operator]
    assert ending.outcome is Outcome.LIVE
    users.read()
    assert users.total > 0
    assert users.by_switches(set()) == 0


def test_operators_killed_in_every_phase_lose_nothing(users: Users) -> None:
    killed: list[str] = []
    stages: list[tuple[str, str]] = []

    def seen(moment: Moment) -> None:
        phase, stage = str(moment.status.get("phase")), str(moment.status.get("stage") or "")
        place = phase if phase != "Canary" else f"{phase}/{stage}"
        if (moment.status.get("candidate") or {}).get("version") == "v2" and place not in killed:
            kubectl("delete", "pods", "-n", "headgate-system", "-l", "app.kubernetes.io/name=headgate", "--force", "--grace-period=0")
            killed.append(place)
        effective = ((moment.status.get("candidate") or {}).get("stage") or {}).get("effective")
        if effective and (stage, effective) not in stages:
            stages.append((stage, effective))

    ending = perform(RELEASES["v2"], 480, seen)
    assert ending.outcome is Outcome.LIVE
    assert {"Shadow", "AwaitingDeployment", "Canary/canary", "Canary/half", "Full"} <= set(killed)
    assert [name for name, _ in stages] == ["shadow", "canary", "half", "full"], "no stage began twice"
    users.read()
    assert users.total > 0
    assert users.by_switches(set()) == 0
    model = get("aimodel", MODEL, NAMESPACE)
    assert model is not None
    assert model["status"]["attempts"] == 2
