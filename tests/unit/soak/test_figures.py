"""What the soak calls a fault."""

from dataclasses import replace

import pytest

from soak.figures import MEMORY_GROWTH_MIB, SERIES_GROWTH, Minute, Process, Soak, faults, growth, written_between

STEADY = Process(rss_mib=90.0, series=400, cores=0.1, loop_lag_ms=3.0, leads=True)


def soak(count: int = 20, **changes: object) -> Soak:
    """`count` minutes of one steady process that saw enough switches."""
    minutes = [
        Minute(seconds=60.0 * number, processes={"leader": STEADY}, writes={}, promoted=5, rolled_back=5, requests=100 * number, failed=0)
        for number in range(count)
    ]
    found = Soak(minutes=minutes, switches_wanted=5)
    for name, value in changes.items():
        setattr(found, name, value)
    return found


def growing(field: str, per_minute: float) -> Soak:
    """A soak in which the process has `per_minute` more of `field` at each look."""
    steady = soak()
    for number, minute in enumerate(steady.minutes):
        grown = replace(STEADY, **{field: type(getattr(STEADY, field))(getattr(STEADY, field) + per_minute * number)})
        steady.minutes[number] = replace(minute, processes={"leader": grown})
    return steady


def test_a_steady_soak_has_no_fault() -> None:
    assert faults(soak()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"quiet_writes": {"aimodels/status APPLY": 1}}, "while all models were live"),
        ({"stable_writes": ("HTTPRoute stable-1",)}, "a stable model was written: HTTPRoute stable-1"),
        ({"failed_requests": ('{"status": 503}',)}, "1 user requests failed that no version built to fail had answered"),
        ({"unanswered": 2}, "2 user requests were never answered"),
        ({"wrong_ends": ("rolling-1 went live",)}, "rolling-1 went live"),
        ({"switches_wanted": 6}, "only 5 promotions and 5 rollbacks"),
        ({"minutes": []}, "too few measurements"),
    ],
)
def test_each_broken_promise_is_a_fault(changes: dict[str, object], says: str) -> None:
    assert any(says in fault for fault in faults(soak(**changes)))


def test_rollbacks_count_apart_from_promotions() -> None:
    lopsided = soak()
    lopsided.minutes[-1] = replace(lopsided.minutes[-1], promoted=50, rolled_back=4)
    assert faults(lopsided) == ["only 50 promotions and 4 rollbacks: 5 of each were to be seen"]


@pytest.mark.parametrize(("field", "bound"), [("rss_mib", MEMORY_GROWTH_MIB), ("series", SERIES_GROWTH)])
def test_growth_over_the_second_half_is_a_fault_above_its_bound_only(field: str, bound: float) -> None:
    looks_in_second_half = 9
    assert faults(growing(field, 0.9 * bound / looks_in_second_half)) == []
    found = faults(growing(field, 1.3 * bound / looks_in_second_half))
    assert len(found) == 1
    assert found[0].startswith("leader: ")


def test_growth_in_the_first_half_is_the_filling_of_caches() -> None:
    filling = soak()
    filling.minutes[0] = replace(filling.minutes[0], processes={"leader": replace(STEADY, rss_mib=30.0, series=40)})
    assert faults(filling) == []


def test_a_single_peak_is_no_growth() -> None:
    peak = soak()
    peak.minutes[15] = replace(peak.minutes[15], processes={"leader": replace(STEADY, rss_mib=100.0)})
    assert faults(peak) == []


def test_a_process_that_ended_in_the_second_half_is_a_fault() -> None:
    ended = soak()
    ended.minutes[12:] = [replace(minute, processes={"other": STEADY}) for minute in ended.minutes[12:]]
    assert "leader did not live through the second half" in faults(ended)


def test_growth_is_that_of_the_fitted_line() -> None:
    assert growth([(0.0, 1.0), (60.0, 2.0), (120.0, 3.0)]) == pytest.approx(2.0)
    assert growth([(0.0, 5.0)]) == 0.0
    assert growth([(10.0, 5.0), (10.0, 7.0)]) == 0.0


def test_an_object_that_was_written_is_named_and_an_event_that_expired_is_not() -> None:
    before = {"Event stable-0.a": "then", "Service stable-0": "then", "Deployment stable-0": "then"}
    after = {"Service stable-0": "later", "Event stable-0.b": "later"}
    assert written_between(before, after) == ("Deployment stable-0", "Event stable-0.b", "Service stable-0")
    assert written_between(before, before) == ()
