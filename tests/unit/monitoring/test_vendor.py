"""A vendor's contract, literally: each clause, proof instead of points, and two quarters in a row."""

from datetime import date, timedelta

import pytest
from scipy import stats

from headgate.monitoring.result import LimitVerdict, Result, not_assessed
from headgate.monitoring.vendor import Change, Counts, Notice, Quarter, Sla, Standing, clauses, closed

WITHIN, DRIFTING, VIOLATED, UNKNOWN = LimitVerdict
SLA = Sla()
GOOD = Counts(right=(1800, 2000), within_p95=(97_000, 100_000), within_p99=(99_500, 100_000), up=(129_500, 129_600))


def quarter(verdict: LimitVerdict) -> list[Result]:
    if verdict is UNKNOWN:
        return [not_assessed("accuracy", "no labels")]
    return [Result("accuracy", verdict, "measured", (1000,), 0.8, (0.78, 0.82))]


def after(*verdicts: LimitVerdict) -> Standing:
    """Of quarters from 2025-Q3 on."""
    standing, at = Standing(), Quarter(2025, 3)
    for verdict in verdicts:
        standing, at = closed(standing, at, quarter(verdict), SLA), at.next
    return standing


def chance_of_violation(accuracy: float, labels: int) -> float:
    chances = {right: stats.binom.pmf(right, labels, accuracy) for right in range(labels + 1)}
    likely = {right: chance for right, chance in chances.items() if chance > 1e-5}
    return sum(chance for right, chance in likely.items() if clauses(Counts(right=(right, labels)), SLA)[0].verdict is VIOLATED)


@pytest.mark.parametrize(
    ("clause", "counts"),
    [
        ("accuracy", {"right": (1600, 2000)}),
        ("latencyP95", {"within_p95": (94_000, 100_000)}),
        ("latencyP99", {"within_p99": (98_000, 100_000)}),
        ("uptime", {"up": (128_000, 129_600)}),
    ],
)
def test_each_clause_is_watched(clause: str, counts: dict[str, tuple[int, int]]) -> None:
    """The naive monitor alarms above 1.2 times the contract's P95 only, and never looks at P99 and uptime."""
    parts = {"right": GOOD.right, "within_p95": GOOD.within_p95, "within_p99": GOOD.within_p99, "up": GOOD.up} | counts
    assert {result.statistic: result.verdict for result in clauses(Counts(**parts), SLA)} == dict.fromkeys(
        ("accuracy", "latencyP95", "latencyP99", "uptime"), WITHIN
    ) | {clause: VIOLATED}


def test_nothing_measured_is_not_assessed_in_words() -> None:
    """The naive report fails on a missing key."""
    results = clauses(Counts(), SLA)
    assert {result.verdict for result in results} == {UNKNOWN}
    assert all("are needed" in result.why for result in results)


@pytest.mark.parametrize(("labels", "published"), [(100, 0.24), (200, 0.19), (1000, 0.037)])
def test_a_vendor_at_the_contract_is_seldom_found_in_violation(labels: int, published: float) -> None:
    """A tolerance of 2 points instead of a bound accuses one that keeps 85 % in a quarter of all cases at 100 labels."""
    assert stats.binom.cdf(round(0.83 * labels) - 1, labels, 0.85) == pytest.approx(published, abs=0.01)
    assert chance_of_violation(0.85, labels) <= 0.05


def test_a_hundred_labels_do_not_acquit_and_a_thousand_show_80_percent() -> None:
    assert stats.binom.sf(82, 100, 0.80) == pytest.approx(0.27, abs=0.01)
    assert clauses(Counts(right=(88, 100)), SLA)[0].verdict is UNKNOWN
    seen = sum(
        stats.binom.pmf(right, 1000, 0.80) for right in range(1001) if clauses(Counts(right=(right, 1000)), SLA)[0].verdict is VIOLATED
    )
    assert seen > 0.98


def test_credits_are_due_from_the_second_violated_quarter_in_a_row() -> None:
    assert after(VIOLATED).owed == ()
    assert after(VIOLATED, VIOLATED).owed == (Quarter(2025, 4),)
    assert after(VIOLATED, VIOLATED, VIOLATED).owed == (Quarter(2025, 4), Quarter(2026, 1))
    assert after(VIOLATED, WITHIN, VIOLATED).owed == ()


def test_a_quarter_without_proof_ends_the_row() -> None:
    assert after(VIOLATED, UNKNOWN, VIOLATED).owed == ()
    skipped = closed(after(VIOLATED), Quarter(2026, 1), quarter(VIOLATED), SLA)
    assert (skipped.violated, skipped.owed) == (1, ())


def test_closing_a_quarter_twice_changes_nothing() -> None:
    standing = after(VIOLATED, VIOLATED)
    assert closed(standing, Quarter(2025, 4), quarter(VIOLATED), SLA) == standing
    assert closed(standing, Quarter(2025, 3), quarter(WITHIN), SLA) == standing


@pytest.mark.parametrize(
    ("day", "name", "following"),
    [(date(2026, 1, 1), "2026-Q1", "2026-Q2"), (date(2026, 3, 31), "2026-Q1", "2026-Q2"), (date(2026, 12, 31), "2026-Q4", "2027-Q1")],
)
def test_quarters_are_those_of_the_calendar(day: date, name: str, following: str) -> None:
    assert (str(Quarter.of(day)), str(Quarter.of(day).next)) == (name, following)


def test_notice_of_a_change_is_sixty_days_or_two_for_security() -> None:
    told = date(2026, 3, 1)
    early = Notice(Change.MATERIAL, told, told + timedelta(days=59))
    assert early.late
    assert not Notice(Change.MATERIAL, told, told + timedelta(days=60)).late
    assert early.deferrable_until == early.effective + timedelta(days=90)
    security = Notice(Change.SECURITY, told, told + timedelta(days=2))
    assert not security.late
    assert security.deferrable_until is None
    assert Notice(Change.SECURITY, told, told + timedelta(days=1)).late
