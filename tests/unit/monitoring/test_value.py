"""Value cases: figures known from elsewhere, and none where there is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.value_case import Benefit
from headgate.monitoring.value import ValueCase, irr, npv, payback, worth

CASE = ValueCase(development=500_000, infrastructure=60_000, operation=90_000, revenue=250_000, savings=200_000)


def test_a_case_as_a_spreadsheet_computes_it() -> None:
    """NPV(10 %; 300,000 for three years) - 500,000 and IRR of the same flows."""
    found = worth(CASE)
    assert found.npv == pytest.approx(246_055.60, abs=0.01)
    assert found.irr == pytest.approx(0.3631, abs=5e-5)
    assert found.roi == pytest.approx(1_350_000 / 950_000 - 1)
    assert found.payback == pytest.approx(1.9167, abs=5e-5)
    assert (found.total_investment, found.total_benefits, found.annual_net_benefit) == (950_000, 1_350_000, 300_000)


@pytest.mark.parametrize(
    ("flows", "expected"),
    [
        ((-100.0, 110.0), 0.10),
        ((-70_000.0, 12_000.0, 15_000.0, 18_000.0, 21_000.0, 26_000.0), 0.0866),
        ((-70_000.0, 12_000.0, 15_000.0, 18_000.0, 21_000.0), -0.0212),
        ((-100.0, 0.0, 0.0), None),
        ((-100.0, 230.0, -132.0), None),
        ((0.0, 10.0), None),
        ((-100.0,), None),
    ],
)
def test_the_rate_of_return_is_the_only_one_or_none(flows: tuple[float, ...], expected: float | None) -> None:
    assert irr(flows) == (None if expected is None else pytest.approx(expected, abs=5e-5))


@pytest.mark.parametrize(
    ("flows", "rate", "expected"),
    [
        ((-100.0, 50.0, 50.0, 50.0), 0.0, 2.0),
        ((-100.0, 40.0, 40.0, 40.0), 0.0, 2.5),
        ((-100.0, 50.0, 50.0), 0.1, None),
        ((-100.0, -10.0, 0.0), 0.1, None),
        ((0.0, 10.0), 0.1, 0.0),
    ],
)
def test_payback_is_discounted_and_even_within_a_year(flows: tuple[float, ...], rate: float, expected: float | None) -> None:
    assert payback(flows, rate) == (None if expected is None else pytest.approx(expected))


def test_costs_that_never_come_back_have_no_payback_and_no_cost_no_return() -> None:
    assert worth(ValueCase(100, 50, 0, 40, 0)).payback is None
    assert worth(ValueCase(100, 50, 0, 40, 0)).irr is None
    assert worth(ValueCase(0, 0, 0, 40, 0)).roi is None


@settings(max_examples=50)
@given(st.floats(1, 1e9), st.lists(st.floats(0, 1e9), min_size=1, max_size=10), st.floats(0, 2))
def test_the_three_figures_agree_on_whether_it_pays(outlay: float, returns: list[float], rate: float) -> None:
    flows = (-outlay, *returns)
    value, found, paid = npv(flows, rate), irr(flows), payback(flows, rate)
    if abs(value) > 1e-6 * outlay:
        assert (value > 0) is (paid is not None)
        if found is not None and abs(found - rate) > 1e-6:
            assert (value > 0) is (found > rate)


@pytest.mark.parametrize(
    "wrong",
    [
        {"development": -1},
        {"revenue": float("nan")},
        {"savings": float("inf")},
        {"years": 0},
        {"years": 51},
        {"rate": -0.1},
        {"rate": float("nan")},
    ],
)
def test_cases_without_sense_are_refused(wrong: dict[str, float]) -> None:
    fields = {"development": 1.0, "infrastructure": 0.0, "operation": 0.0, "revenue": 1.0, "savings": 0.0} | wrong
    with pytest.raises(ValueError, match=r"finite|positive|years"):
        ValueCase(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("counted", "planned", "benefits"),
    [(Benefit.ALL, 450_000, 100), (Benefit.REVENUE_IMPACT, 250_000, 200_100), (Benefit.COST_SAVINGS, 200_000, 250_100)],
)
def test_what_is_measured_takes_the_place_of_what_it_measures(counted: Benefit, planned: float, benefits: float) -> None:
    assert CASE.planned(counted) == planned
    assert CASE.measured(counted, 100).annual_benefits == benefits
    assert worth(CASE.measured(counted, planned)) == worth(CASE)
