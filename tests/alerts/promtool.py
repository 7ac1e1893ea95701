"""Prometheus' own checks of rules and queries: the test bed builds promtool beside its Prometheus."""

import shutil
import subprocess
from pathlib import Path

import pytest

needed = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not on the PATH: the test bed has it (hack/cluster/env.sh)"
)


def promtool(*arguments: str, within: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=110, check=False, cwd=within)
