"""The whole controller in many drawn worlds, and wrong builds of it in a few."""

import math
import os

import pytest
from tests.simulation import prepared
from tests.simulation.breakage import BREAKAGES
from tests.simulation.runner import run_many, run_one

# Where nothing is left for it, a test waits: make test runs these in the time that nothing else wants.
pytestmark = [pytest.mark.simulation, pytest.mark.timeout(3600)]

TRACES = int(os.environ.get("HEADGATE_TRACES") or 300)
"""How many: about 0.2 s of one core each. hack/test.sh asks for more."""
UNTIL = float(os.environ.get("HEADGATE_TRACES_UNTIL") or math.inf)
"""When to begin no more, in seconds since 1970: LEAST are run however slow the machine is."""
LEAST = min(TRACES, 1000)
_MOST = 100
"""Traces within which a wrong build must be found."""


def test_every_invariant_holds_in_every_trace(capsys: pytest.CaptureFixture[str]) -> None:
    ran = list(run_many(range(TRACES), least=LEAST, until=UNTIL))
    with capsys.disabled():
        print(f"\n{len(ran)} of {TRACES} traces")
    assert len(ran) >= LEAST
    broken = [str(result) for result in ran if result.broken]
    assert not broken, f"{len(broken)} of {len(ran)} traces broke an invariant:\n" + "\n".join(broken[:20])


def test_a_seed_is_a_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """Replayed, it is the same to the last line."""
    told = []
    for _ in range(2):
        run_one(11, verbose=True)
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "status: " in told[0]


@pytest.mark.parametrize("name", BREAKAGES)
def test_the_simulation_finds_broken_builds(name: str) -> None:
    breakage, invariants, changed = BREAKAGES[name]
    prepared.warm()
    with breakage():
        found = next((result for seed in range(_MOST) if (result := run_one(seed, changed=changed)).broken), None)
    assert found is not None, f"{_MOST} traces did not show that {name}"
    assert found.broken in invariants, found
