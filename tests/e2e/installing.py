"""The chart of a checkout on the test bed: installed, and changed by values."""

import os
import subprocess
from pathlib import Path

from demo.kubectl import ROOT, run

SYSTEM = "headgate-system"


def helm(*arguments: str) -> str:
    return run("helm", *arguments, "-n", SYSTEM, timeout=240)


def install(checkout: Path = ROOT) -> None:
    """Image and chart of a checkout, with the values of every other test."""
    environment = {name: value for name, value in os.environ.items() if checkout == ROOT or name != "HEADGATE_IMAGE"}
    subprocess.run([str(checkout / "hack/cluster/install.sh")], check=True, env=environment, timeout=400, capture_output=True)


def upgrade(*settings: str) -> None:
    """Change these values, and no other. Fields that a test edited by hand are the chart's again."""
    values = [argument for setting in settings for argument in ("--set", setting)]
    how = ("--reuse-values", "--force-conflicts", "--wait", "--timeout", "180s")
    helm("upgrade", "headgate", str(ROOT / "charts/headgate"), *how, *values)
