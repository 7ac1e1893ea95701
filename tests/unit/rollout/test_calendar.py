"""Windows and freezes by the clock on the wall, over changes of the clock and of the day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.api.windows import Day, Windows
from headgate.rollout.calendar import Calendar, closed, words

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC")
YEAR_END: dict[str, Any] = {"from": "2026-12-19T00:00:00Z", "to": "2027-01-04T00:00:00Z", "reason": "year end"}


def calendar(zone: str = "Europe/Berlin", *windows: dict[str, Any], freezes: tuple[dict[str, Any], ...] = ()) -> Calendar:
    parsed = Windows.model_validate({"timeZone": zone, "allow": windows, "freezes": freezes})
    return Calendar(parsed, ZoneInfo(zone))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


OFFICE = {"days": ["Mon", "Tue", "Wed", "Thu"], "from": "09:00", "to": "16:00"}
NIGHT = {"days": ["Fri"], "from": "22:00", "to": "02:00"}
GAP = {"days": ["Sun"], "from": "02:30", "to": "04:00"}
LOST = {"days": ["Sun"], "from": "02:15", "to": "02:45"}
TWICE = {"days": ["Sun"], "from": "02:15", "to": "02:45"}

TABLE: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("in the middle", OFFICE, "2026-11-23T10:00", None),
    ("its first minute", OFFICE, "2026-11-23T08:00", None),
    ("a second before", OFFICE, "2026-11-23T07:59:59", "2026-11-23T08:00"),
    ("its end is outside", OFFICE, "2026-11-23T15:00", "2026-11-24T08:00"),
    ("over the weekend", OFFICE, "2026-11-26T15:00", "2026-11-30T08:00"),
    ("summer is an hour earlier", OFFICE, "2026-07-20T06:59", "2026-07-20T07:00"),
    ("before midnight", NIGHT, "2026-11-20T21:30", None),
    ("after midnight", NIGHT, "2026-11-21T00:30", None),
    ("the day it does not begin on", NIGHT, "2026-11-19T23:30", "2026-11-20T21:00"),
    ("after its end", NIGHT, "2026-11-21T01:00", "2026-11-27T21:00"),
    ("begins in the hour that is left out: when it is over", GAP, "2026-03-29T00:30", "2026-03-29T01:00"),
    ("the hour that is left out holds it: a week later", LOST, "2026-03-29T00:30", "2026-04-05T00:15"),
    ("the hour that comes twice: open twice", TWICE, "2026-10-25T00:30", None),
    ("between the two", TWICE, "2026-10-25T00:50", "2026-10-25T01:15"),
    ("the second time", TWICE, "2026-10-25T01:20", None),
]


@pytest.mark.parametrize(("window", "now", "opens"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_windows_in_berlin(window: dict[str, Any], now: str, opens: str | None) -> None:
    found = closed(calendar("Europe/Berlin", window), at(now))
    assert (found and found.until) == (at(opens) if opens else None)


def test_the_words_name_the_zone_and_universal_time() -> None:
    assert words(at("2026-11-23T08:00"), BERLIN) == "Mon 2026-11-23 09:00 Europe/Berlin (08:00Z)"
    assert words(at("2026-11-22T23:30"), BERLIN) == "Mon 2026-11-23 00:30 Europe/Berlin (2026-11-22 23:30Z)"
    assert words(at("2026-11-23T08:00"), ZoneInfo("UTC")) == "Mon 2026-11-23 08:00Z"
    found = closed(calendar("Europe/Berlin", OFFICE), at("2026-11-20T12:00"))
    assert found is not None
    assert found.why == "outside the policy's windows; the earliest next step is Mon 2026-11-23 09:00 Europe/Berlin (08:00Z)"


def test_a_freeze_closes_windows_and_the_next_step_is_the_window_after_it() -> None:
    frozen = closed(calendar("Europe/Berlin", OFFICE, freezes=(YEAR_END,)), at("2026-12-21T10:00"))
    assert frozen is not None
    assert frozen.why.startswith("frozen: year end; the earliest next step is Mon 2027-01-04 09:00")
    assert frozen.until == at("2027-01-04T08:00")
    assert closed(calendar("Europe/Berlin", OFFICE, freezes=(YEAR_END,)), at("2027-01-04T08:00")) is None


def test_freezes_that_overlap_and_those_of_the_cluster_count_together() -> None:
    first = {**YEAR_END, "to": "2026-12-24T00:00:00Z"}
    policy = calendar("UTC", freezes=(first,))
    second = Windows.model_validate({"freezes": [{**YEAR_END, "from": "2026-12-23T00:00:00Z", "reason": "audit"}]}).freezes
    found = closed(Calendar(policy.windows, policy.zone, freezes=second), at("2026-12-20T00:00"))
    assert found is not None
    assert found.until == at("2027-01-04T00:00")


def test_without_windows_any_time_will_do_and_a_calendar_that_cannot_be_read_is_closed() -> None:
    assert closed(Calendar(), at("2026-12-24T23:00")) is None
    found = closed(Calendar(held="the freeze cannot be read"), at("2026-12-24T23:00"))
    assert (found and found.why, found and found.until) == ("the freeze cannot be read", None)


MINUTES = st.integers(0, 24 * 60 - 1).map(lambda minute: f"{minute // 60:02}:{minute % 60:02}")
WINDOW = st.fixed_dictionaries(
    {"days": st.lists(st.sampled_from([day.value for day in Day]), min_size=1, max_size=7, unique=True), "from": MINUTES, "to": MINUTES}
).filter(lambda window: window["from"] != window["to"])
# Around the changes of the clock of all three zones, and at any other time.
MOMENTS = st.one_of(
    st.sampled_from(["2026-03-08", "2026-03-29", "2026-04-04", "2026-10-03", "2026-10-25", "2026-11-01"]),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)).map(str),
).flatmap(lambda day: st.integers(-2 * 1440, 2 * 1440).map(lambda minutes: at(f"{day}T00:00") + timedelta(minutes=minutes)))


@settings(max_examples=80)
@given(zone=st.sampled_from(ZONES), windows=st.lists(WINDOW, min_size=1, max_size=3), now=MOMENTS)
def test_the_next_opening_is_the_first_open_minute(zone: str, windows: list[dict[str, Any]], now: datetime) -> None:
    """Against the definition, minute by minute."""
    rules = calendar(zone, *windows)
    found = closed(rules, now)
    moment = now
    while not _open_by_the_wall(windows, moment.astimezone(ZoneInfo(zone))):
        moment += timedelta(minutes=1)
    assert (now if found is None else found.until) == moment


def _open_by_the_wall(windows: list[dict[str, Any]], there: datetime) -> bool:
    clock, today, yesterday = f"{there:%H:%M}", f"{there:%a}", f"{there - timedelta(days=1):%a}"
    for window in windows:
        begin, end = window["from"], window["to"]
        if begin < end and today in window["days"] and begin <= clock < end:
            return True
        if begin > end and ((today in window["days"] and clock >= begin) or (yesterday in window["days"] and clock < end)):
            return True
    return False
