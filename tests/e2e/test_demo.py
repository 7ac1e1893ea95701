"""What the demo claims, measured at the client."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import ROOT, Bed

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1200)]


def demo(bed: Bed, out: Path, *versions: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of `python -m demo`."""
    where = ["--gateway", bed.gateway, "--load", str(bed.load), "--out", str(out), "--deadline", "360"]
    env = os.environ | {"PYTHONPATH": str(ROOT / "hack")}
    command = [sys.executable, "-m", "demo", *versions, *where]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=1100)
    print(done.stdout[-6000:], done.stderr[-4000:])
    return done.returncode, json.loads(out.read_text()) if out.exists() else {}


def test_good_versions_go_live_and_bad_ones_come_back_before_many_users_meet_them(bed: Bed, tmp_path: Path) -> None:
    code, report = demo(bed, tmp_path / "report.json", "v2", "v3", "v4", "v4-shadow", "v6", "v7")
    assert code == 0
    assert report["requests_failed_by_switches"] == 0
    found = {entry["version"]: entry for entry in report["versions"]}
    assert {version: entry["outcome"] for version, entry in found.items()} == {
        "v2": "Live",
        "v3": "RolledBack",
        "v4": "RolledBack",
        "v4-shadow": "StoppedInShadow",
        "v6": "RolledBack",
        "v7": "RolledBack",
    }
    assert found["v4-shadow"]["requests_served_by_version"] == 0
    # Promised at 1 s scrapes and at least 5 candidate requests/s: the last user request within 4 s of the first.
    assert found["v4"]["seconds_to_off"] < 4
