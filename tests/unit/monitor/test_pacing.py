"""When the next look is due."""

import pytest

from headgate.monitor.pacing import end_of, step_of


@pytest.mark.parametrize(
    ("period", "hurried", "step"),
    [
        (300.0, (), 300.0),
        (300.0, (75.0,), 75.0),
        (300.0, (150.0, 75.0), 75.0),
        (300.0, (60.0,), 60.0),
        (300.0, (900.0,), 300.0),
        (400.0, (75.0,), 80.0),
        (30.0, (75.0,), 30.0),
    ],
)
def test_a_look_is_due_after_a_whole_part_of_the_period(period: float, hurried: tuple[float, ...], step: float) -> None:
    assert step_of(period, hurried) == step


@pytest.mark.parametrize(
    ("settled", "last", "end", "everything"),
    [
        (310.0, 0.0, 300.0, True),
        (310.0, 300.0, 300.0, False),
        (380.0, 300.0, 375.0, False),
        (699.0, 300.0, 600.0, True),
        (380.0, 90_000.0, 300.0, True),
    ],
    ids=["the first", "once", "in between", "late", "the clock was set back"],
)
def test_all_are_looked_at_once_in_each_period(settled: float, last: float, end: float, everything: bool) -> None:
    assert end_of(settled, 300.0, 75.0, last) == (end, everything)
