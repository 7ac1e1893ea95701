"""The cluster that every command-line test talks to."""

import pytest
from tests.unit.cli.cluster_in_memory import IN_CANARY, ClusterInMemory, pointed_at


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> ClusterInMemory:
    """One model in canary, with a gate that waits for fairness-audit."""
    made = ClusterInMemory()
    made.model(IN_CANARY)
    made.copy_policy()
    pointed_at(made, monkeypatch)
    return made
