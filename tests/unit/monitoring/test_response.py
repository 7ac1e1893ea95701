"""The severity table: what each figure causes, what unknown figures do not, and that each action happens once."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from headgate.monitoring.loss import Alarm
from headgate.monitoring.response import Action, Done, Priority, Response, Responses, Row, Severity, due, respond
from headgate.monitoring.result import LimitVerdict, Result, not_assessed

TABLE = Responses()
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
RELEASE = date(2026, 3, 10)
NOTHING = not_assessed("loss", "no labels")
BETTER = (0.1, 0.2)
"""What users would win with the version before."""


def psi(value: float, verdict: LimitVerdict | None = None) -> Result:
    chosen = verdict or (LimitVerdict.DRIFTING if value >= 0.1 else LimitVerdict.WITHIN_LIMITS)
    return Result("psi", chosen, "measured", (1000, 1000), value, (0.9 * value, 1.1 * value))


def loss(value: float, low: float | None = None, verdict: LimitVerdict | None = None) -> Result:
    chosen = verdict or (LimitVerdict.DRIFTING if value >= 0.03 else LimitVerdict.WITHIN_LIMITS)
    return Result("loss", chosen, "measured", (1000, 1000), value, (value - 0.005 if low is None else low, value + 0.005))


def began(first: date | None, last: date, lost: tuple[float, float] = (0.15, 0.2)) -> Alarm:
    return Alarm(last + timedelta(days=2), last, (first, last), lost)


def answer(one: Result, other: Result, alarm: Alarm | None = None, releases: tuple[date, ...] = ()) -> Response:
    return respond(one, other, alarm, BETTER, releases, TABLE)


@pytest.mark.parametrize(
    ("one", "other", "severity"),
    [
        (0.30, 0.0, Severity.CRITICAL),
        (0.0, 0.10, Severity.CRITICAL),
        (0.299, 0.099, Severity.HIGH),
        (0.20, 0.0, Severity.HIGH),
        (0.0, 0.05, Severity.HIGH),
        (0.10, 0.0, Severity.MEDIUM),
        (0.0, 0.03, Severity.MEDIUM),
        (0.099, 0.029, Severity.LOW),
        (0.0, 0.0, Severity.LOW),
    ],
)
def test_each_figure_alone_reaches_a_row_and_limits_are_inclusive(one: float, other: float, severity: Severity) -> None:
    assert answer(psi(one), loss(other)).severity is severity


def test_what_is_watched_and_not_assessed_leaves_the_severity_unknown() -> None:
    unmeasured = not_assessed("loss", "too few labels")
    assert respond(psi(0.0), unmeasured, None, None, (), TABLE).severity is Severity.UNKNOWN
    assert respond(psi(0.4), unmeasured, None, None, (), TABLE).severity is Severity.CRITICAL
    assert respond(psi(0.0), None, None, None, (), TABLE).severity is Severity.LOW
    assert respond(None, loss(0.0), None, None, (), TABLE).severity is Severity.LOW


def test_the_actions_are_those_of_the_severity() -> None:
    assert [(row.severity, row.priority) for row in TABLE.rows] == [
        (Severity.CRITICAL, Priority.URGENT),
        (Severity.HIGH, Priority.HIGH),
        (Severity.MEDIUM, Priority.NORMAL),
    ]
    critical, high, medium, low = (answer(psi(value), loss(0.0)).actions for value in (0.4, 0.25, 0.15, 0.01))
    assert set(critical) == {Action.EVENT, Action.ALERT, Action.REVIEW_MODE, Action.RETRAIN}
    assert set(high) == {Action.EVENT, Action.ALERT, Action.RETRAIN, Action.MONITOR_MORE}
    assert set(medium) == {Action.EVENT, Action.ALERT, Action.RETRAIN}
    assert set(low) == {Action.EVENT}


def test_a_critical_psi_without_any_labels_is_critical() -> None:
    """The naive workflow looks up the loss that nobody measured, and fails in exactly this case."""
    assert answer(psi(0.5), NOTHING).severity is Severity.CRITICAL
    assert answer(not_assessed("psi", "no data"), loss(0.2)).severity is Severity.CRITICAL


def test_nothing_measured_is_unknown_and_not_low() -> None:
    assert answer(not_assessed("psi", "no data"), NOTHING).severity is Severity.UNKNOWN
    assert answer(psi(0.01), NOTHING).severity is Severity.UNKNOWN
    assert "no labels" in answer(psi(0.01), NOTHING).why


def test_a_figure_that_chance_may_have_made_raises_nothing() -> None:
    found = answer(psi(0.6, LimitVerdict.NOT_ASSESSED), loss(0.3, verdict=LimitVerdict.NOT_ASSESSED), began(RELEASE, RELEASE), (RELEASE,))
    assert (found.severity, found.release) == (Severity.UNKNOWN, None)


@pytest.mark.parametrize(
    ("lost", "alarm", "releases", "taken_back", "why"),
    [
        (loss(0.16), began(RELEASE, RELEASE + timedelta(days=1)), (RELEASE,), RELEASE, "began with the release"),
        (loss(0.16), began(RELEASE + timedelta(days=1), RELEASE + timedelta(days=1)), (RELEASE,), RELEASE, "began with the release"),
        (loss(0.16), began(RELEASE, RELEASE), (RELEASE - timedelta(days=9), RELEASE), RELEASE, "began with the release"),
        (loss(0.16), began(RELEASE, RELEASE), (RELEASE, RELEASE + timedelta(days=9)), None, "and the version that is live"),
        (loss(0.16), began(RELEASE, RELEASE), (RELEASE - timedelta(days=1), RELEASE), None, "not known with which"),
        (loss(0.16), began(RELEASE, RELEASE), (RELEASE, RELEASE), None, "not known with which"),
        (loss(0.14), began(RELEASE, RELEASE), (RELEASE,), None, "measured"),
        (loss(0.16, low=0.02), began(RELEASE, RELEASE), (RELEASE,), None, "not proven"),
        (loss(0.16), None, (RELEASE,), None, "not known when"),
        (loss(0.16), began(RELEASE - timedelta(days=20), RELEASE + timedelta(days=2)), (RELEASE,), None, "not known well enough"),
        (loss(0.16), began(RELEASE + timedelta(days=3), RELEASE + timedelta(days=5)), (RELEASE,), None, "no release did"),
        (loss(0.16), began(RELEASE - timedelta(days=5), RELEASE - timedelta(days=3)), (RELEASE,), None, "no release did"),
        (loss(0.16), began(RELEASE, RELEASE), (), None, "no release did"),
    ],
)
def test_only_a_proven_loss_that_began_with_a_release_is_rolled_back(
    lost: Result, alarm: Alarm | None, releases: tuple[date, ...], taken_back: date | None, why: str
) -> None:
    found = answer(psi(0.5), lost, alarm, releases)
    assert found.severity is Severity.CRITICAL
    assert found.release == taken_back
    assert (Action.ROLLBACK in found.actions) is (taken_back is not None)
    assert why in found.why


@pytest.mark.parametrize(
    ("regained", "why"),
    [
        (None, "no day of the version before is known"),
        ((-0.01, 0.03), "not proven to do better (-1 to 3 points)"),
        ((-0.2, -0.1), "not proven to do better"),
    ],
)
def test_nothing_is_taken_back_for_a_version_that_did_no_better(regained: tuple[float, float] | None, why: str) -> None:
    found = respond(psi(0.0), loss(0.2), began(RELEASE, RELEASE), regained, (RELEASE,), TABLE)
    assert (found.severity, found.release) == (Severity.CRITICAL, None)
    assert Action.ROLLBACK not in found.actions
    assert why in found.why


def test_a_loss_that_may_be_older_than_all_that_is_known_takes_nothing_back() -> None:
    found = answer(psi(0.0), loss(0.2), began(None, RELEASE), (RELEASE,))
    assert found.release is None
    assert "may be older than all days that are known" in found.why


def test_a_loss_most_of_which_came_later_did_not_come_with_the_release() -> None:
    found = answer(psi(0.0), loss(0.2), began(RELEASE, RELEASE, (0.05, 0.06)), (RELEASE,))
    assert found.release is None
    assert "5 to 6 points are lost on average: the rest came later" in found.why


def test_input_drift_alone_is_never_rolled_back() -> None:
    found = answer(psi(5.0), loss(0.0), began(RELEASE, RELEASE), (RELEASE,))
    assert Action.ROLLBACK not in found.actions


def test_each_action_is_done_once() -> None:
    found = answer(psi(0.5), loss(0.2, low=0.18), began(RELEASE, RELEASE), (RELEASE,))
    assert due(found, Done(), TABLE, NOW) == found.actions
    after = Done(found.severity, retraining_open=True, retraining_asked=NOW, taken_back=(RELEASE,))
    assert due(found, after, TABLE, NOW + timedelta(hours=1)) == ()


def test_a_changed_severity_is_told_again_and_asks_for_no_second_retraining() -> None:
    found = answer(psi(0.5), loss(0.0))
    done = Done(Severity.HIGH, retraining_open=True, retraining_asked=NOW - timedelta(days=30))
    assert due(found, done, TABLE, NOW) == (Action.EVENT, Action.ALERT, Action.REVIEW_MODE)


def test_retraining_waits_for_its_cool_down_and_is_then_asked_for_although_nothing_changed() -> None:
    found = answer(psi(0.5), loss(0.0))
    done = Done(found.severity, retraining_asked=NOW)
    assert due(found, done, TABLE, NOW + timedelta(days=6)) == ()
    assert due(found, done, TABLE, NOW + timedelta(days=7)) == (Action.RETRAIN,)


def test_another_release_may_be_taken_back_after_the_first() -> None:
    found = answer(psi(0.0), loss(0.2, low=0.18), began(RELEASE, RELEASE), (RELEASE,))
    done = Done(found.severity, retraining_open=True, taken_back=(RELEASE - timedelta(days=30),))
    assert due(found, done, TABLE, NOW) == (Action.ROLLBACK,)


def test_tables_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="worst first"):
        replace(TABLE, rows=TABLE.rows[::-1])
    with pytest.raises(ValueError, match="priority"):
        Row(Severity.HIGH, 0.2, 0.05, (Action.RETRAIN,))
