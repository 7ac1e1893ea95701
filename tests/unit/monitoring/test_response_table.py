"""The table that a policy writes down, and how often is looked."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from headgate.api.responses import Action, DriftResponses, Severity
from headgate.monitoring.response import Responses, pace, table_of

HOUR = timedelta(hours=1)


def test_a_policy_that_writes_nothing_has_the_usual_table() -> None:
    assert table_of(None) == Responses()


def test_a_policy_that_writes_the_defaults_has_the_usual_table() -> None:
    written, usual = table_of(DriftResponses()), Responses()
    assert [(row.severity, row.psi, pytest.approx(row.loss), row.priority) for row in written.rows] == [
        (row.severity, row.psi, row.loss, row.priority) for row in usual.rows
    ]
    assert [set(row.actions) for row in written.rows] == [set(row.actions) for row in usual.rows]
    assert (written.low, written.cool_down, written.rollback_loss) == (usual.low, usual.cool_down, pytest.approx(usual.rollback_loss))


def test_rows_count_by_their_severity_in_whatever_order_they_are_written() -> None:
    rows = [
        {"severity": "Medium", "psi": "0.1", "loss": "3pp", "actions": ["Event"]},
        {"severity": "Critical", "psi": "0.25", "loss": "8pp", "actions": ["Freeze"]},
    ]
    table = table_of(DriftResponses.model_validate({"rows": rows, "coolDown": "1d"}))
    assert [row.severity for row in table.rows] == [Severity.CRITICAL, Severity.MEDIUM]
    assert (table.rows[0].actions, table.cool_down) == ((Action.FREEZE,), timedelta(days=1))


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"rows": [{"severity": "High", "psi": "0.2", "loss": "5pp", "actions": ["Retrain"]}]}, "priority goes with"),
        ({"rows": [{"severity": "High", "psi": "0.2", "loss": "5pp", "actions": ["Event"], "priority": "High"}]}, "priority goes with"),
        ({"rows": [{"severity": "Low", "psi": "0.2", "loss": "5pp", "actions": []}]}, "Critical"),
        ({"rows": [{"severity": "High", "psi": "0.2", "loss": "5pp", "actions": ["Rollback"]}]}, "ReviewMode"),
        (
            {
                "rows": [
                    {"severity": "Critical", "psi": "0.1", "loss": "5pp", "actions": []},
                    {"severity": "High", "psi": "0.2", "loss": "5pp", "actions": []},
                ]
            },
            "begins below High",
        ),
    ],
)
def test_a_bad_table_is_refused_with_words_that_help(document: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DriftResponses.model_validate(document)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("usual", "severity", "next_look"),
    [
        (HOUR, None, HOUR),
        (HOUR, Severity.LOW, HOUR),
        (HOUR, Severity.HIGH, timedelta(minutes=15)),
        (HOUR, Severity.CRITICAL, HOUR),
        (timedelta(minutes=2), Severity.HIGH, timedelta(minutes=1)),
        (timedelta(seconds=30), Severity.HIGH, timedelta(seconds=30)),
    ],
)
def test_what_is_bad_is_looked_at_more_often_where_the_table_says_so(
    usual: timedelta, severity: Severity | None, next_look: timedelta
) -> None:
    assert pace(usual, severity, Responses()) == next_look
