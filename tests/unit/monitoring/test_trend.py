"""Slow losses: seen when the labels can tell, dated when they fall, and not made up from noise."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tests.unit.monitoring.features import autoregressive

from headgate.evidence.shares import clopper_pearson
from headgate.monitoring.drift import Limits
from headgate.monitoring.intervals import difference, wilson
from headgate.monitoring.loss import cusum, lost, since_when, threshold
from headgate.monitoring.result import LimitVerdict
from headgate.monitoring.trend import FEWEST_DAYS, Limit, judged, trend
from headgate.monitoring.trend_power import Labels, days_until_seen, power, statement
from headgate.monitoring.windows import INDEPENDENT, Baseline, Better, Noise, Window, good, mature, noise, noise_beside_a_step, sen_slope

WITHIN, DRIFTING, VIOLATED, UNKNOWN = LimitVerdict
START = date(2026, 3, 1)
FIVE_POINTS = Limit(0.9, 0.05, 30)


def shares(*found: float, labels: int = 500) -> list[Window]:
    return [Window(START + timedelta(days=day), min(max(share, 0.0), 1.0), labels) for day, share in enumerate(found)]


def drawn(rng: np.random.Generator, days: int, fall: float = 0.0, *, phi: float = 0.0, labels: int = 500) -> list[Window]:
    """Around 0.9, with the noise of the labels."""
    deviation = np.sqrt(0.9 * 0.1 / labels)
    return shares(*(0.9 - fall * np.arange(days) + deviation * autoregressive(rng, days, phi)), labels=labels)


def test_the_baseline_stays_where_it_was_pinned() -> None:
    """One that rolls along four windows behind a loss of 0.3 points a day shows 0.75 points for ever."""
    falling = shares(*(0.9 - 0.003 * np.arange(60)))
    rolling = np.mean([window.share for window in falling[-5:-1]]) - falling[-1].share
    assert rolling == pytest.approx(0.0075)
    found = lost(falling, 7, Baseline(0.9, 20_000))
    assert (found.verdict, found.value) == (VIOLATED, pytest.approx(0.168))


@pytest.mark.parametrize(
    ("share", "labels", "verdict"),
    [(0.9, 500, WITHIN), (0.865, 500, DRIFTING), (0.84, 500, VIOLATED), (0.9, 14, UNKNOWN), (0.84, 20, UNKNOWN)],
)
def test_a_loss_has_an_interval_and_few_labels_have_no_verdict(share: float, labels: int, verdict: LimitVerdict) -> None:
    found = lost(shares(*[share] * 7, labels=labels), 7, Baseline(0.9, 20_000), Limits(0.03, 0.05))
    assert found.verdict is verdict
    if found.interval is not None:
        assert found.interval[0] <= 0.9 - share <= found.interval[1]


def test_a_step_is_no_noise_that_hides_it() -> None:
    """As of a release that breaks the model: about one line through all days its own size would make the interval wide."""
    rng = np.random.default_rng(5)
    broken = shares(*(0.9 + 0.013 * rng.standard_normal(20)), *(0.7 + 0.013 * rng.standard_normal(8)))
    found = lost(broken, 7, Baseline(0.9, 20_000))
    assert found.verdict is VIOLATED
    assert found.interval is not None
    assert found.interval[0] > 0.15, "a rollback needs that"


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_noise_is_seldom_taken_for_a_step(phi: float) -> None:
    rng = np.random.default_rng(11)
    taken = sum(noise_beside_a_step(windows) != noise(windows) for windows in (drawn(rng, 28, phi=phi) for _ in range(300)))
    assert taken <= 300 * 0.1


def test_where_less_is_better_a_rise_is_the_loss() -> None:
    rising = shares(*(0.10 + 0.003 * np.arange(40)))
    windows, pinned = good(rising, Baseline(0.10), Better.LOWER)
    assert lost(windows, 7, pinned).verdict is VIOLATED
    assert judged(windows, Limit(pinned.share, 0.2, 60))[0].verdict is DRIFTING
    windows, pinned = good(rising, Baseline(0.10), Better.HIGHER)
    assert lost(windows, 7, pinned).verdict is WITHIN


def test_days_whose_labels_are_still_coming_are_left_out() -> None:
    windows = shares(0.9, 0.9, 0.9, 0.2)
    assert [window.share for window in mature(reversed(windows), timedelta(days=1), START + timedelta(days=3))] == [0.9, 0.9, 0.9]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there twice"):
        mature([*windows, windows[0]], timedelta(), START)


@pytest.mark.parametrize(("share", "labels"), [(1.2, 5), (-0.1, 5), (float("nan"), 5), (0.5, 0)])
def test_what_is_no_share_of_labels_is_no_window(share: float, labels: int) -> None:
    with pytest.raises(ValueError, match="shares are 0 to 1"):
        Window(START, share, labels)


@pytest.mark.parametrize(("phi", "days", "naive"), [(0.0, 14, 0.0), (0.5, 21, 0.10), (0.7, 28, 0.14)])
def test_noise_is_seldom_called_a_fall_even_where_days_resemble_each_other(phi: float, days: int, naive: float) -> None:
    """An ordinary least squares p-value calls 10 % and more of such series falling."""
    rng = np.random.default_rng(1)
    series = [drawn(rng, days, phi=phi) for _ in range(300)]
    assert np.mean([trend(one).p <= 0.05 for one in series]) <= 0.09
    at = np.arange(days)
    plain = [stats.linregress(at, [window.share for window in one]) for one in series]
    assert np.mean([line.pvalue <= 0.05 and line.slope < 0 for line in plain]) >= naive
    assert np.mean([one.interval[0] <= 0.0 <= one.interval[1] for one in map(trend, series)]) >= 0.88


def test_seven_days_are_too_few_for_a_trend() -> None:
    found, line = judged(shares(*(0.9 - 0.01 * np.arange(7))), FIVE_POINTS)
    assert (found.verdict, line, found.value) == (UNKNOWN, None, None)
    assert f"{FEWEST_DAYS} at least" in found.why


@pytest.mark.parametrize(("days", "published"), [(5, 0.07), (7, 0.13), (14, 0.75)])
def test_power_is_what_was_published_for_a_loss_of_0_3_points_a_day_at_500_labels(days: int, published: float) -> None:
    assert power(0.003, Labels(500, 0.85), days) == pytest.approx(published, abs=0.015)
    assert power(0.003, Labels(10_000, 0.85), 7) == pytest.approx(0.95, abs=0.015)


def test_power_is_the_share_of_falls_that_are_seen() -> None:
    rng = np.random.default_rng(2)
    for days, fall in ((14, 0.003), (21, 0.0015)):
        seen = [trend(drawn(rng, days, fall)).p <= 0.05 for _ in range(300)]
        assert np.mean(seen) == pytest.approx(power(fall, Labels(500, 0.9, Noise(1.3)), days), abs=0.1)
    assert power(0.003, Labels(500, 0.9, Noise(2.0, 0.3)), 14) < power(0.003, Labels(500, 0.9), 14)


def test_the_statement_says_when_a_loss_would_be_seen() -> None:
    assert statement(0.003, Labels(500, 0.9)) == "at 500 labels a day a loss of 0.3 points a day is seen after 15 days, four times in five"
    assert statement(1e-6, Labels(10, 0.9)).endswith("is seen not within two years")
    assert days_until_seen(0.0, Labels(500, 0.9)) is None


def test_a_projection_counts_from_the_last_day_and_stays_a_share() -> None:
    """The naive one takes n for today, whose number is n - 1, and looks eight days ahead instead of seven."""
    line = trend(shares(*(0.9 - 0.003 * np.arange(20))))
    value, interval = line.projected(7)
    assert value == pytest.approx(0.9 - 0.003 * 26)
    assert interval[0] <= value <= interval[1]
    assert line.projected(3000)[0] == 0.0


def test_a_loss_of_0_3_points_a_day_is_at_five_points_on_the_seventeenth_day() -> None:
    found, line = judged(shares(*(0.9 - 0.003 * np.arange(15))), FIVE_POINTS)
    assert line is not None
    breach = line.breach(FIVE_POINTS.share)
    assert breach is not None
    assert breach.day == START + timedelta(days=17)
    assert breach.earliest <= breach.day
    assert found.verdict is DRIFTING
    assert f"breaches a loss of 5 points on {breach.day}" in found.why


def test_a_rising_share_breaches_nothing() -> None:
    line = trend(shares(*(0.7 + 0.003 * np.arange(20))))
    assert line.breach(0.6) is None


def test_no_fall_is_within_limits_only_where_one_would_have_been_seen() -> None:
    rng = np.random.default_rng(4)
    assert judged(drawn(rng, 28), FIVE_POINTS)[0].verdict is WITHIN
    assert judged(drawn(rng, 14, labels=30), FIVE_POINTS)[0].verdict is UNKNOWN
    assert judged(drawn(rng, 40, 0.003), FIVE_POINTS)[0].verdict is VIOLATED


def test_sens_slope_is_scipys() -> None:
    windows = drawn(np.random.default_rng(5), 25, 0.001)
    expected = stats.theilslopes([window.share for window in windows], np.arange(25))
    assert sen_slope(windows) == pytest.approx(expected.slope)
    assert trend(windows).interval[0] <= expected.slope <= trend(windows).interval[1]


def test_mann_kendall_is_kendalls_test_where_days_are_independent() -> None:
    windows = drawn(np.random.default_rng(8), 30, 0.001)
    assert noise(windows).correlation == pytest.approx(0.0, abs=0.25)
    expected = stats.kendalltau(np.arange(30), [window.share for window in windows], method="asymptotic", alternative="less")
    assert trend(windows).p == pytest.approx(expected.pvalue, rel=2.0)


def test_the_cumulative_sum_alarms_once_in_its_run_length_without_a_loss() -> None:
    rng = np.random.default_rng(6)
    limit, runs = threshold(90.0), []
    for losses in rng.normal(size=(400, 900)):
        total, days = 0.0, 0
        while total <= limit and days < len(losses):
            total = max(0.0, total + losses[days] - 0.5)
            days += 1
        runs.append(days)
    assert np.mean(runs) == pytest.approx(90.0, rel=0.15)
    assert threshold(365.0) == pytest.approx(4.07, abs=0.05)


def test_an_alarm_is_over_when_the_loss_is_made_good() -> None:
    bad, good_again = [0.85] * 5, [0.93] * 30
    assert cusum(shares(*bad), Baseline(0.9), INDEPENDENT) is not None
    assert cusum(shares(*bad, *good_again), Baseline(0.9), INDEPENDENT) is None


def test_the_cumulative_sum_finds_the_day_on_which_a_loss_began() -> None:
    rng = np.random.default_rng(11)
    windows = drawn(rng, 60)
    stepped = [Window(one.day, one.share - 0.03 * (day >= 40), one.labels) for day, one in enumerate(windows)]
    result, alarm = since_when(stepped, Baseline(0.9))
    assert alarm is not None
    assert abs((alarm.onset - START).days - 40) <= 3
    first, last = alarm.between
    assert first is not None
    assert first <= START + timedelta(days=40) <= last
    assert (alarm.raised - START).days <= 46
    assert (result.verdict, result.value) == (DRIFTING, pytest.approx(0.03, abs=0.01))
    assert since_when(windows, Baseline(0.9))[0].verdict is WITHIN
    assert since_when(windows[:5], Baseline(0.9))[0].verdict is UNKNOWN


@settings(max_examples=50)
@given(st.integers(0, 60), st.integers(1, 60))
def test_intervals_of_shares_agree_with_scipy(events: int, more: int) -> None:
    trials = events + more
    expected = stats.binomtest(events, trials)
    exact, score = expected.proportion_ci(), expected.proportion_ci(method="wilson")
    assert clopper_pearson(events, trials) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert wilson(events / trials, trials) == pytest.approx((score.low, score.high), abs=1e-9)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """56 of 70 against 48 of 80: 0.0524 to 0.3339 (Newcombe 1998, table II, method 10)."""
    assert difference((56 / 70, 70), (48 / 80, 80)) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_loss_may_be_older_than_the_first_day_that_shows_it() -> None:
    """Days without labels show nothing, and before the first day nothing is known at all."""
    good, bad = shares(*[0.9] * 20), shares(*[0.7] * 40)[31:]
    _, alarm = since_when((*good, *bad), Baseline(0.9, 20_000))
    assert alarm is not None
    assert (alarm.onset, alarm.between) == (bad[0].day, (good[-1].day + timedelta(days=1), bad[0].day))
    result, alarm = since_when(shares(*[0.7] * 20), Baseline(0.9, 20_000))
    assert alarm is not None
    assert alarm.between == (None, START)
    assert f"({START} at the latest; it may be older than all days that are known)" in result.why


@pytest.mark.parametrize("share", [0.9999, 0.999, 0.99])
def test_few_labels_that_were_all_good_promise_no_model_that_is_never_wrong(share: float) -> None:
    """One case of 200 is bad: of 200 labels none was three times in eight. The sum of losses rose for ever."""
    usual = shares(*[0.996, 0.994] * 30)
    assert lost(usual, 7, Baseline(share, 200)).verdict is WITHIN
    assert since_when(usual, Baseline(share, 200))[0].verdict is WITHIN
    assert since_when(shares(*[0.95] * 30), Baseline(share, 200))[0].verdict is DRIFTING


def test_a_large_loss_that_was_made_good_is_over_within_weeks() -> None:
    """The sum would fall by less than one a day, from more than two hundred."""
    windows = shares(*[0.9] * 30, *[0.7] * 10, *[0.9] * 30)
    assert since_when(windows[:40], Baseline(0.9, 20_000))[1] is not None
    assert since_when(windows, Baseline(0.9, 20_000))[1] is None


def test_days_that_were_better_than_promised_are_no_part_of_a_loss() -> None:
    windows = shares(*[0.98] * 90, *[0.7] * 4, labels=1000)
    _, alarm = since_when(windows, Baseline(0.9, 20_000), since=windows[90].day)
    assert alarm is not None
    assert alarm.between == (windows[90].day, windows[90].day)
