"""Days of several versions beside each other: they tell how days differ, whatever the versions promised and did."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pytest

from headgate.api.monitoring import PinnedBaseline
from headgate.monitoring.inservice.levels import by_one_baseline, levelled, of_the_one_before, regained
from headgate.monitoring.inservice.versions import Lived, first_whole_day
from headgate.monitoring.windows import INDEPENDENT, Baseline, Noise, Window, noise, noise_beside_a_step, shares

START = date(2026, 1, 1)
LABELS = 1000


def lived(*days: int) -> tuple[Lived, ...]:
    """Versions that were released on these days."""
    return tuple(Lived(START + timedelta(days=day), PinnedBaseline(share="0.9", labels=20_000)) for day in days)


def of_days(versions: Sequence[Lived], values: Sequence[float]) -> list[Window]:
    """Of the days from START on, but for those of a release."""
    released = {version.since for version in versions}
    days = [Window(START + timedelta(days=day), float(share), LABELS) for day, share in enumerate(values)]
    return [window for window in days if window.day not in released]


def brought_together(versions: Sequence[Lived], values: Sequence[float]) -> tuple[list[Window], list[Window]]:
    """All days on one level, and those of the live version."""
    windows = of_days(versions, values)
    own = [window for window in windows if window.day >= first_whole_day(versions)]
    return levelled(windows, versions, own), own


@pytest.mark.parametrize(("before", "after"), [(0.9, 0.7), (0.7, 0.95)])
def test_days_differ_as_much_as_before_when_a_version_is_much_better_or_worse(before: float, after: float) -> None:
    """Shares near a half differ more from day to day than those near 1: twice what chance does stays twice."""
    rng, found = np.random.default_rng(1), list[float]()
    for _ in range(50):
        spread = 2.0 * np.sqrt(before * (1.0 - before) / LABELS)
        values = [*(before + spread * rng.standard_normal(51)), *[after] * 4]
        level, own = brought_together(lived(0, 50), values)
        assert level[-len(own) :] == own
        found.append(noise(level[: -len(own)]).dispersion)
    assert np.mean(found) == pytest.approx(4.0, rel=0.15)


def test_a_version_of_two_days_tells_no_less_of_how_days_differ() -> None:
    """The mean of two days lies between them, and hides half of the variance."""
    rng, found = np.random.default_rng(2), list[float]()
    for _ in range(50):
        spread = 3.0 * np.sqrt(0.9 * 0.1 / LABELS)
        values = 0.9 + spread * rng.standard_normal(50)
        level, _ = brought_together(lived(*range(0, 46, 3)), [float(min(share, 1.0)) for share in values])
        found.append(noise(level).dispersion)
    assert np.mean(found) == pytest.approx(9.0, rel=0.25)


def test_a_version_of_one_day_tells_nothing_of_how_days_differ() -> None:
    level, own = brought_together(lived(*range(0, 41, 2)), [0.9 + 0.03 * (-1) ** (day // 2) for day in range(48)])
    assert level == own


def test_days_of_which_no_version_is_known_stand_beside_nothing() -> None:
    versions = lived(10, 20)
    level, _ = brought_together(versions, [0.5] * 10 + [0.9] * 20)
    assert {window.day for window in level} == {START + timedelta(days=day) for day in (*range(11, 20), *range(21, 30))}


def test_a_day_is_as_far_from_another_baseline_as_from_its_own() -> None:
    (moved,) = by_one_baseline([Window(START + timedelta(days=1), 0.87, LABELS)], lived(0), Baseline(0.5))
    assert moved.share == pytest.approx(0.45), "one standard deviation is 0.3 of one case at 0.9, and 0.5 at 0.5"


def test_what_would_be_regained_is_told_by_days_as_they_were() -> None:
    versions = lived(0, 10)
    windows = of_days(versions, [0.9] * 11 + [0.7] * 4)
    before = of_the_one_before(windows, versions)
    assert list(shares(before)) == [0.9] * 9
    now = windows[-4:]
    sure = regained(before, now, INDEPENDENT)
    unsure = regained(before, now, Noise(4.0))
    assert sure is not None
    assert unsure is not None
    assert unsure[0] < sure[0] < 0.2 < sure[1] < unsure[1]
    assert regained(of_the_one_before(windows, versions[1:]), now, INDEPENDENT) is None


def test_a_loss_of_the_live_version_is_no_step_from_the_one_before() -> None:
    rng = np.random.default_rng(3)
    values = [*(0.9 + 0.0095 * rng.standard_normal(91)), *(0.6 + 0.0155 * rng.standard_normal(7))]
    level, own = brought_together(lived(0, 40), [float(share) for share in values])
    assert noise_beside_a_step(level).long_run < 1.5 * noise_beside_a_step(own).long_run
