"""Operators built wrong must fail the demo: a demo that anything passes proves nothing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import ROOT, Bed
from tests.e2e.test_demo import demo

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NO_GUARDS = (
    "evidence/guards.py",
    "\n\n_read = read\n\n\ndef read(guard, window, now):\n    return replace(_read(guard, window, now), fired=False)\n",
)
ELAPSED_TIME = (
    "evidence/judge.py",
    "\n\n_assess = assess\n\n\ndef assess(state, question, *known):\n"
    "    judged = _assess(state, question, *known)\n"
    "    checks = tuple(replace(check, verdict=Verdict.PASS) for check in judged.checks)\n"
    "    return replace(judged, verdict=Verdict.PASS, checks=checks)\n",
)


@pytest.fixture
def build(tmp_path: Path) -> Iterator[object]:
    """Installs an operator with one module changed; the right one comes back afterwards."""

    def install(checkout: Path) -> None:
        env = {name: value for name, value in os.environ.items() if name != "HEADGATE_IMAGE"}
        subprocess.run([str(checkout / "hack/cluster/install.sh")], check=True, env=env, timeout=400)

    def wrong(module: str, appended: str) -> None:
        copy = tmp_path / "checkout"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "build", ".*_cache", "__pycache__"))
        file = copy / "operator/headgate" / module
        source = file.read_text()
        if "import replace" not in source:
            source = source.replace("from dataclasses import dataclass", "from dataclasses import dataclass, replace")
        file.write_text(source + appended)
        compile(file.read_text(), str(file), "exec")
        install(copy)

    yield wrong
    install(ROOT)


def test_an_operator_without_guards_fails_the_demo(bed: Bed, build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    build(*NO_GUARDS)
    code, report = demo(bed, tmp_path / "report.json", "v4")
    assert code != 0
    assert report["versions"][0]["reason"] != "Guard"


def test_a_judge_that_passes_on_elapsed_time_fails_the_demo(bed: Bed, build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    build(*ELAPSED_TIME)
    code, report = demo(bed, tmp_path / "report.json", "v3")
    assert code != 0
    assert report["versions"][0]["outcome"] == "Live"
