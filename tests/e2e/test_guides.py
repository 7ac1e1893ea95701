"""The tutorial and the guides do what they say: every command of them, typed in order, on the test bed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.conftest import ROOT, Bed
from tests.e2e.guides import Shell, play

from demo import people
from demo.kubectl import kubectl, remove

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1800)]

TUTORIAL = ROOT / "docs/tutorial.md"
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
SLOWEST = 900
"""Seconds for one command: the longest builds images."""


@pytest.fixture(scope="module")
def shell(bed: Bed) -> Iterator[Shell]:
    """A reader's shell in a checkout, on a cluster where nobody has the tutorial's namespace yet. It is gone afterwards."""
    remove(people.NAMESPACE)
    with Shell(ROOT) as opened:
        yield opened
    kubectl("delete", "namespace", people.NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def after_tutorial(shell: Shell) -> Shell:
    """The shell at the end of the tutorial, where each guide begins."""
    play(shell, TUTORIAL, SLOWEST)
    return shell


@pytest.mark.usefixtures("after_tutorial")
def test_the_tutorial_ends_with_a_bad_version_taken_back() -> None:
    told = kubectl("get", "aimodel", people.MODEL, "-n", people.NAMESPACE, "-o", "jsonpath={.status.phase} {.status.stable.version}")
    assert told == "RolledBack v2"


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.stem for guide in GUIDES])
def test_a_guide_goes_on_from_the_tutorial(after_tutorial: Shell, guide: Path) -> None:
    play(after_tutorial, guide, SLOWEST)
