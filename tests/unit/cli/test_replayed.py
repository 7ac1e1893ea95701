"""What people are told of the comparison of answers, before they approve and when they ask."""

from typing import Any

import pytest
from tests.unit.cli.cluster_in_memory import CANDIDATE, IN_CANARY, ClusterInMemory, headgate

REPORT: dict[str, Any] = {
    "goldenSet": "sha256:" + "e" * 64,
    "requests": 1010,
    "pairs": 1000,
    "agreed": 974,
    "stableFailures": 10,
    "candidateViolations": 3,
    "violation": "request r7: /confidence is missing",
    "kappa": "0.9412",
    "ac1": "0.9631",
    "classes": [
        {"name": "approve", "stable": 512, "candidate": 498, "lost": 20, "gained": 6},
        {"name": "review", "stable": 10, "candidate": 10, "lost": 0, "gained": 0},
    ],
    "labelled": 400,
    "stableRight": 360,
    "candidateRight": 372,
    "onlyStableRight": 4,
    "onlyCandidateRight": 16,
    "latency": {"pairs": 1000, "slower": 700, "stableP50": "12.1", "candidateP50": "14.0", "stableP95": "40.2", "candidateP95": "39.9"},
}
SENTENCES = (
    "11,990 of 12,000 copies of requests were sent (99.9 %).",
    "974 of 1,000 answers agree (97.4 %, 96.2 to 98.3 %); Cohen's kappa 0.94, Gwet's AC1 0.96.",
    "approve: chosen 512 times by the stable version, 498 times by the candidate; 20 lost and 6 gained (p = 0.0094).",
    "3 answers of the candidate break the contract, the first request r7: /confidence is missing; of the stable version 0.",
    "Failed: 0 of 1,010 (0 %) of the candidate, 10 of 1,010 (1.0 %) of the stable version.",
    "the candidate has 372 of 400 (93.0 %) right, the stable version 360 of 400 (90.0 %)",
    "16 only the candidate, 4 only the stable version (p = 0.012)",
    "The candidate took 14.0 ms at the median against 12.1 ms, 39.9 ms at p95 against 40.2 ms",
    "and was the slower one in 700 of 1,000 (70.0 %) pairs.",
    "The requests have the digest sha256:eeee",
)


def compared(memory: ClusterInMemory, replay: dict[str, Any] | None) -> None:
    found = {"replay": replay} if replay else {}
    copies = {"requests": 12_000, "expected": 12_000, "arrived": 11_990}
    memory.model(IN_CANARY | {"candidate": CANDIDATE | {"copies": copies} | found})


DONE = {"asked": "sha256:" + "d" * 64, "job": "credit-scorer-replay-0a1b2c3d", "phase": "Done", "report": REPORT}


@pytest.mark.parametrize("command", [("explain",), ("status",)])
def test_the_comparison_is_told_in_sentences(memory: ClusterInMemory, command: tuple[str, ...]) -> None:
    compared(memory, DONE)
    shown = " ".join(headgate(*command, "credit-scorer", "-n", "lending").stdout.split())
    for words in SENTENCES:
        assert words in shown
    assert "review:" not in shown, "a class without flips is no news"


def test_approvers_see_it_before_they_say_yes(memory: ClusterInMemory) -> None:
    compared(memory, DONE)
    asked = headgate(
        *("approve", "credit-scorer", "-n", "lending", "--role", "fairness-audit", "--rationale", "because", "--yes"),
    )
    assert "answers      974 of 1,000 answers agree (97.4 %, 96.2 to 98.3 %)" in asked.stderr


def test_why_there_is_none_yet_is_told(memory: ClusterInMemory) -> None:
    compared(memory, {**DONE, "phase": "Failed", "message": "the golden set is empty", "report": None})
    assert "Failed: the golden set is empty." in headgate("explain", "credit-scorer", "-n", "lending").stdout


def test_without_a_comparison_nothing_is_said_of_one(memory: ClusterInMemory) -> None:
    assert "Answers compared" not in headgate("explain", "credit-scorer", "-n", "lending").stdout
