"""The record of a review, its schema, and the counters made of it."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from headgate.review import Case, OpenReview, Reviewers, ReviewMetrics, ReviewRecord, Route, SeedOutcome, Suggestion
from headgate.review.record import record_of
from headgate.review.schema import FILE, written

AT = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=1)))
CASE = Case("case-1", Suggestion("approve", 0.61), segment="north", route="low-confidence")


def record(final: str = "deny", reviewer: str = "ann", first: str = "deny") -> ReviewRecord:
    return OpenReview(CASE, reviewer).decide(first, 0.7).conclude(final, AT)


def test_the_reviewer_judges_before_the_model_is_shown() -> None:
    opened = OpenReview(CASE, "ann")
    assert "approve" not in repr(opened)
    assert not hasattr(opened, "suggestion")
    decided = opened.decide("deny", 0.7)
    assert decided.suggestion == Suggestion("approve", 0.61)


def test_the_record_has_the_fields_of_the_contract() -> None:
    assert record("approve").document() == {
        "case_id": "case-1",
        "human_initial_decision": "deny",
        "human_confidence": 0.7,
        "ai_prediction": "approve",
        "ai_confidence": 0.61,
        "final_decision": "approve",
        "human_changed_mind": True,
        "disagreement": True,
        "timestamp": "2026-03-01T08:30:00.000Z",
        "reviewer": "ann",
        "segment": "north",
        "route": "low-confidence",
    }


@pytest.mark.parametrize(
    ("first", "final", "mind", "disagreement", "changed"),
    [
        ("approve", "approve", False, False, False),
        ("deny", "deny", False, True, True),
        ("deny", "approve", True, True, False),
        ("approve", "deny", True, False, True),
    ],
)
def test_what_follows_from_the_decisions(first: str, final: str, mind: bool, disagreement: bool, changed: bool) -> None:
    made = record(final, first=first)
    assert (made.human_changed_mind, made.disagreement, made.changed) == (mind, disagreement, changed)


def test_a_record_is_read_back_as_it_was_written() -> None:
    told = record().document()
    assert record_of(json.loads(json.dumps(told))).document() == told


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"case_id": ""}, "^case_id: "),
        ({"case_id": "x" * 257}, "case_id: "),
        ({"final_decision": 1}, "final_decision: "),
        ({"human_confidence": 1.2}, "human_confidence: "),
        ({"ai_confidence": True}, "ai_confidence: "),
        ({"ai_confidence": float("nan")}, "ai_confidence: "),
        ({"timestamp": "2026-03-01T09:30:00"}, "its zone"),
        ({"timestamp": "soon"}, "no time like"),
        ({"disagreement": False}, "disagreement: False does not follow"),
        ({"human_changed_mind": 0}, "human_changed_mind: 0 does not follow"),
        ({"mood": "good"}, "mood: no field"),
        ({"ai_prediction": None}, "ai_prediction: "),
    ],
)
def test_what_is_no_record_is_refused_by_the_field(change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        record_of(record().document() | change)


def test_a_missing_field_is_named() -> None:
    told = record().document()
    del told["ai_confidence"]
    with pytest.raises(ValueError, match="ai_confidence: is missing"):
        record_of(told)
    for optional in ("reviewer", "segment", "route"):
        told = record().document()
        del told[optional]
        assert record_of(told).case_id == "case-1"


def test_the_schema_file_is_the_generated_one_and_names_every_field() -> None:
    assert FILE.read_text() == written(), "run python -m headgate.review.schema"
    said = json.loads(FILE.read_text())
    assert set(said["properties"]) == set(record().document())
    assert set(said["properties"]) - set(said["required"]) == {"reviewer", "segment", "route"}
    assert all(one["description"] for one in said["properties"].values())


def values(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_begin_at_nothing_and_name_nobody() -> None:
    metrics = ReviewMetrics()
    at_start = values(metrics.exposition())
    assert set(at_start.values()) == {0.0}
    for reviewer, final in (("ann", "deny"), ("ben", "approve"), ("ann", "approve")):
        metrics.reviewed(record(final, reviewer))
    metrics.routed(Route.AUDIT)
    metrics.seeded(SeedOutcome.FOUND)
    found = values(metrics.exposition())
    assert set(found) == set(at_start), "no series is born with a count"
    assert found["headgate_human_review_total", "outcome=changed", "reviewer=all"] == 1
    assert found["headgate_human_review_total", "outcome=agreed", "reviewer=all"] == 2
    assert found["headgate_review_routed_total", "route=audit"] == 1
    assert found["headgate_review_seeded_total", "outcome=found"] == 1
    assert "ann" not in metrics.exposition()


def test_reviewers_are_hashed_and_capped_where_they_are_told_apart() -> None:
    metrics = ReviewMetrics(reviewers=Reviewers.HASHED, key=b"k" * 16, most=3)
    metrics.expect(["r0"])
    for number in range(10):
        metrics.reviewed(record(reviewer=f"r{number}"))
    changed = {labels[-1]: count for labels, count in values(metrics.exposition()).items() if "outcome=changed" in labels}
    assert len(changed) == 4
    assert changed["reviewer=other"] == 7
    assert "r0" not in metrics.exposition()
    other_key = ReviewMetrics(reviewers=Reviewers.HASHED, key=b"j" * 16, most=3)
    other_key.expect(["r0"])
    assert set(values(other_key.exposition())).isdisjoint({key for key in values(metrics.exposition()) if "reviewer=" in key[-1]})


def test_the_same_counters_through_prometheus_client() -> None:
    metrics = ReviewMetrics(constant={"headgate_model": 'credit "2"\n'})
    metrics.reviewed(record())
    registry = CollectorRegistry()
    registry.register(metrics)
    assert values(generate_latest(registry).decode()) == values(metrics.exposition())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reviewers": Reviewers.HASHED}, "16 random"),
        ({"most": 0}, "1 or more"),
        ({"constant": {"a-b": "x"}}, "no name of a label"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ReviewMetrics(**wrong)


def test_a_record_cannot_be_made_of_anything() -> None:
    with pytest.raises(ValueError, match="timestamp"):
        replace(record(), timestamp=datetime(2026, 3, 1))  # noqa: DTZ001
    assert replace(record(), timestamp=AT.astimezone(UTC)).document() == record().document()


def test_importing_it_pulls_in_nothing_else() -> None:
    """An application that reviews need not carry the operator."""
    program = (
        "import sys; before = set(sys.modules); import headgate.review; "
        "found = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(found - set(sys.stdlib_module_names) - {'headgate'}), "
        "sorted(n for n in sys.modules if n.startswith('headgate.') and not n.startswith('headgate.review')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[] []"
