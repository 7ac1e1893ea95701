"""Models that roll for hours: nothing that the operator keeps grows, and models at rest are not written to. A day: make soak-simulated."""

import pytest
from tests.simulation.soak import Report, sizes, soak

from headgate.controller.queue import Queue


@pytest.mark.simulation
@pytest.mark.timeout(3600)
def test_hours_of_rolling_models_leave_nothing_behind() -> None:
    report = soak(models=8, seconds=3 * 3600.0)
    assert report.ended["Live"] + report.ended["RolledBack"] > 24, report.ended
    assert report.ended["RolledBack"], "a bad version was taken back"
    assert report.grown() == {}
    assert not report.writes, "models at rest were written to"


def test_what_grows_is_named() -> None:
    steady, leaking = {"cache.models": 50, "queue": 3}, [{"cache.models": 50, "queue": 3 + 10 * hour} for hour in range(9)]
    assert Report(sizes=[steady] * 9, series=[100] * 9).grown() == {}
    assert Report(sizes=leaking, series=[100] * 9).grown() == {"queue": (53, 83)}
    assert Report(sizes=[steady] * 9, series=[100, 100, 100, 100, 100, 100, 160, 200, 240]).grown() == {"metric series": (100, 240)}


def test_every_container_of_an_object_is_found_with_all_that_is_in_it() -> None:
    queue: Queue[str] = Queue()
    before = dict(sizes(queue))
    for number in range(7):
        queue.add(f"key {number}")
    after = dict(sizes(queue))
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {"._waiting[]": 7}
