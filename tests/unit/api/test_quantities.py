"""Typed quantities: what users may write, what it means, and that it can be written back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from headgate.api.quantities import AnyMargin, Duration, Margin, Permille, PointsMargin, Probability, Unit

MARGIN: TypeAdapter[Margin] = TypeAdapter(AnyMargin)
POINTS: TypeAdapter[Margin] = TypeAdapter(PointsMargin)
PERCENT: TypeAdapter[int] = TypeAdapter(Permille)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("14d", 14 * 86_400), ("1d12h", 129_600), ("1h1m1s", 3_661), ("3650d", 3_650 * 86_400)]
)
def test_a_duration_is_the_sum_of_its_parts(text: str, seconds: int) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "0d0s", "90", "2 weeks", "1s1m", "-5s", "1.5h", "500ms", "3651d", "99999999999999d", 90, None])
def test_what_is_no_duration_is_told_how_to_write_one(text: object) -> None:
    with pytest.raises(ValueError, match="like 14d, 1h30m or 90s"):
        Duration.parse(text)


@given(st.integers(1, 3_650 * 86_400))
def test_a_duration_reads_back_what_it_writes(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))) == seconds


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("0.5pp", Margin(0.5, Unit.POINTS)),
        ("5%", Margin(5, Unit.RELATIVE)),
        ("50ms", Margin(50, Unit.MILLISECONDS)),
        ("0.25pp", Margin(0.25, Unit.POINTS)),
    ],
)
def test_a_margin_keeps_its_unit_and_reads_back(text: str, margin: Margin) -> None:
    assert MARGIN.validate_python(text) == margin
    assert MARGIN.validate_python(str(margin)) == margin


def test_a_margin_is_a_share_or_a_time_never_both() -> None:
    assert Margin(0.5, Unit.POINTS).fraction == pytest.approx(0.005)
    assert Margin(50, Unit.MILLISECONDS).seconds == pytest.approx(0.05)
    with pytest.raises(ValueError, match="is a time"):
        _ = Margin(50, Unit.MILLISECONDS).fraction
    with pytest.raises(ValueError, match="is a share"):
        _ = Margin(5, Unit.RELATIVE).seconds


@pytest.mark.parametrize("text", ["0.5", "0pp", "0.00%", "-1pp", "1.234pp", "5s", "pp", "", 5, None])
def test_what_is_no_margin_is_told_how_to_write_one(text: object) -> None:
    with pytest.raises(ValidationError, match=r"0\.5pp, 5% or 50ms"):
        MARGIN.validate_python(text)


@pytest.mark.parametrize("text", ["20%", "20ms"])
def test_a_guard_takes_percentage_points_only(text: str) -> None:
    with pytest.raises(ValidationError, match="percentage points like 20pp"):
        POINTS.validate_python(text)


@pytest.mark.parametrize("text", ["0", "1", "1.0", "0.0", "0.00", "-0.1", "0.12345", ".", "", 0.05, None])
def test_what_is_no_probability_is_told_how_to_write_one(text: object) -> None:
    with pytest.raises(ValueError, match=r'like "0\.05"'):
        Probability.parse(text)


@given(st.integers(1, 9_999))
def test_a_probability_reads_back_what_it_writes(tenthousandths: int) -> None:
    text = f"0.{tenthousandths:04d}"
    assert Probability.parse(text) == pytest.approx(tenthousandths / 10_000)
    assert Probability.parse(f"0.{tenthousandths:04d}") == Probability.parse(text)


@given(st.integers(0, 1000))
def test_a_percentage_is_kept_in_thousandths_and_reads_back(permille: int) -> None:
    assert PERCENT.validate_python(f"{permille / 10:.1f}") == permille
    assert PERCENT.validate_python(PERCENT.dump_python(permille)) == permille


@pytest.mark.parametrize("value", [101, -1, "100.1", "5.25", "5%", 5.0, True, "", None])
def test_what_is_no_percentage_is_told_how_to_write_one(value: object) -> None:
    with pytest.raises(ValidationError, match=r"in steps of 0\.1"):
        PERCENT.validate_python(value)
