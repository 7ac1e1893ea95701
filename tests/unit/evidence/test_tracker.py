"""Blocks on the grid, stage counters and windows: the same samples give the same blocks, and nothing is lost or invented."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.gateway import Gateway, exposure, steady

from headgate.evidence.counting.block import ArmCounts
from headgate.evidence.counting.series import Arm, RawSeries, TargetSamples, What
from headgate.evidence.counting.tally import OpenBlock, arm_counts, classify, close
from headgate.evidence.counting.tracker import Tracker, fold


def blocks(gateway, told=None, cuts=()):
    tracker, found, after = Tracker(), [], -1.0
    for until in (*cuts, float("inf")):
        tracker, closed = fold(tracker, told or exposure(), gateway.answer(after, until))
        found += closed
        after = until
    return tracker, [one.block for one in found]


def requests(found, arm="candidate"):
    return sum(getattr(block, arm).requests for block in found)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("200", ""),
        ("302", ""),
        ("503", "errors"),
        ("599", "errors"),
        ("0", "errors"),
        ("", "errors"),
        ("ok", "errors"),
        ("422", "rejections"),
    ]
    + [(code, "") for code in ("401", "404", "429")],
)
def test_classes_of_codes(code, kind):
    assert classify(code) == kind


def test_blocks_hold_what_each_second_counted():
    _, found = blocks(steady(10, codes={"200": 18, "503": 1, "422": 1}))
    assert [block.end for block in found] == [float(end) for end in range(1, 10)]
    assert {(block.candidate.requests, block.candidate.errors, block.candidate.rejections) for block in found} == {(20, 1, 1)}
    assert {block.stable.requests for block in found} == {80}
    assert found[-1].bounds == (0.05, 0.25)
    assert found[-1].candidate.below == (20, 20)


def test_warm_up_after_a_weight_change_is_not_usable():
    _, found = blocks(steady(10))
    assert [block.end for block in found if block.usable] == [3, 4, 5, 6, 7, 8, 9]


def test_nothing_is_usable_before_the_weights_are_in_force():
    _, found = blocks(steady(10), exposure(since=None))
    assert not any(block.usable for block in found)


def test_t21_a_gap_is_not_usable_and_loses_no_request():
    gateway = steady(10)
    for _ in range(30):
        gateway.serve(Arm.STABLE, 80)
        gateway.serve(Arm.CANDIDATE, 20)
    gateway.scrape(40)
    steady(5, begin=41, gateway=gateway)
    tracker, found = blocks(gateway)
    assert [block.usable for block in found if block.end > 9] == [False, *[True] * 5]
    assert requests(found) == 20 * (9 + 30 + 5)
    assert tracker.count.fresh_seconds == 8 + 5, "neither the gap nor the time before the first increment counts"


def test_t20_a_restarted_gateway_goes_on():
    gateway = steady(10)
    gateway.restart()
    steady(10, begin=10, gateway=gateway)
    _, found = blocks(gateway)
    assert {block.candidate.requests for block in found} == {20}
    assert sum(block.candidate.missing for block in found) == 0


def test_t19_a_gateway_replica_that_died_holds_up_nothing():
    one, two = steady(20), Gateway("envoy/10.0.0.2")
    steady(5, gateway=two)
    both = TargetSamples(20.0, one.series() + two.series())
    _, found = fold(Tracker(), exposure(), both)
    assert found[-1].block.end >= 18
    assert requests([closed.block for closed in found if closed.block.end <= 4]) == 160


def test_t22_no_error_series_means_no_errors():
    _, found = blocks(steady(6))
    assert {block.candidate.errors for block in found} == {0}
    assert requests(found) == 100


def test_t23_only_errors():
    gateway = steady(6, codes={"500": 20})
    tracker, found = blocks(gateway)
    assert sum(block.candidate.errors for block in found) == requests(found) == 100
    assert sum(moment.errors for moment in tracker.candidate.moments) == 100


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=5, max_size=30), st.sets(st.integers(1, 28), max_size=5))
def test_the_same_samples_give_the_same_blocks_however_they_are_cut(traffic, cuts):
    gateway = Gateway()
    gateway.serve(Arm.STABLE, 0)
    gateway.serve(Arm.CANDIDATE, 0)
    for time, (sent, unanswered) in enumerate(traffic):
        gateway.scrape(time + 0.3)
        gateway.serve(Arm.STABLE, 50)
        gateway.serve(Arm.CANDIDATE, sent, {"200": max(0, sent - unanswered)})
    gateway.scrape(len(traffic) + 0.3)
    whole, once = blocks(gateway)
    parts, cut = blocks(gateway, cuts=[float(at) for at in sorted(cuts)])
    assert cut == once
    assert parts == whole


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), min_size=4, max_size=30), st.integers(0, 5))
def test_no_request_is_lost_or_counted_twice(traffic, overlap):
    gateway, tracker, found = Gateway(), Tracker(), []
    for time, (stable, candidate) in enumerate(traffic):
        gateway.scrape(time)
        tracker, closed = fold(tracker, exposure(), gateway.answer(time - 1 - overlap, time))
        found += closed
        gateway.serve(Arm.STABLE, stable)
        gateway.serve(Arm.CANDIDATE, candidate)
    gateway.scrape(len(traffic))
    tracker, closed = fold(tracker, exposure(), gateway.answer(len(traffic) - 2, len(traffic)))
    found = [one.block for one in found + closed]
    left = sum(block.candidate.get("requests", 0) for block in tracker.open)
    # The first scrape that shows the series has no earlier one of its process: an origin.
    assert requests(found) + left == sum(candidate for _, candidate in traffic[1:])


def test_samples_from_before_new_weights_belong_to_the_old_stage():
    gateway = steady(20)
    tracker, first = fold(Tracker(), exposure(), gateway.answer(-1, 5))
    tracker, second = fold(tracker, exposure(stage=1, since=10.5), gateway.answer(5, 20))
    usable = [(closed.block.end, closed.stage) for closed in first + second if closed.block.usable]
    assert usable == [(float(end), 0) for end in range(3, 11)] + [(float(end), 1) for end in range(14, 20)]
    assert tracker.count.stage == 1
    assert tracker.count.fresh_seconds == 8.5
    assert tracker.count.requests == 20 * 9


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ({"entered": 20.0}, False),
        ({"entered": 20.0, "first_exposure": 20.0}, True),
        ({"entered": 20.0, "stage": 2}, True),
        ({"entered": 1.0}, True),
    ],
    ids=["after a retreat", "after a lost status", "the next stage", "the same entry"],
)
def test_a_guard_forgets_what_was_answered_by_a_retreat(changes, kept):
    told = exposure(entered=1.0, stage=1, first_exposure=1.0)
    tracker, _ = fold(Tracker(), told, steady(10, codes={"503": 20}).answer())
    again, _ = fold(tracker, replace(told, since=20.0, **changes), Gateway().answer())
    assert bool(again.candidate.moments) is kept
    assert again.stable == tracker.stable


def test_a_stage_that_is_entered_again_is_counted_from_its_beginning():
    gateway = steady(20)
    tracker, _ = fold(Tracker(), exposure(entered=0.0), gateway.answer(until=10.0))
    assert tracker.count.fresh_seconds == 9.0
    again, _ = fold(tracker, exposure(entered=10.0, since=10.0), gateway.answer(after=10.0))
    assert (again.count.fresh_seconds, again.count.requests) == (9.0, 180)
    same, _ = fold(tracker, exposure(entered=0.0), gateway.answer(after=10.0))
    assert same.count.fresh_seconds == 18.0


def test_a_count_that_an_earlier_release_kept_goes_on():
    gateway = steady(20)
    tracker, _ = fold(Tracker(), exposure(), gateway.answer(until=10.0))
    kept = replace(tracker, count=replace(tracker.count, entered=None))
    again, _ = fold(kept, exposure(entered=3.0), gateway.answer(after=10.0))
    assert (again.count.fresh_seconds, again.count.entered) == (18.0, 3.0)


def test_a_version_that_swallows_requests_is_seen_in_blocks_and_guards():
    tracker, found = blocks(steady(10, codes={}))
    assert sum(block.candidate.missing for block in found) == 20 * 8
    assert sum(moment.missing for moment in tracker.candidate.moments) == 20 * 8
    assert sum(block.stable.missing for block in found) == 0


def test_late_answers_are_not_counted_twice():
    gateway = steady(10, codes={})
    gateway.serve(Arm.STABLE, 80)
    gateway.serve(Arm.CANDIDATE, 0, {"504": 180})
    gateway.scrape(10)
    steady(5, begin=11, gateway=gateway)
    _, found = blocks(gateway)
    failed = sum(block.candidate.errors + block.candidate.missing for block in found)
    assert failed == 180
    assert requests(found) + sum(block.candidate.missing for block in found) == 180 + 5 * 20


def test_late_answers_left_over_are_taken_from_the_next_block():
    arm, left = arm_counts({"requests": 3, "errors": 2, "missing": -5}, ())
    assert (arm, left) == (ArmCounts(), 2)
    whole, _, left = close(OpenBlock(1.0, 0, candidate={"requests": 9, "errors": 3, "rejections": 1, "missing": -4}), (), usable=True)
    assert (whole.candidate, left) == (ArmCounts(requests=5), 0)


def test_a_silent_stable_version_makes_blocks_unusable():
    gateway = Gateway()
    for time in range(20):
        gateway.scrape(time)
        gateway.serve(Arm.STABLE, 80, {"200": 80 if time < 8 else 0})
        gateway.serve(Arm.CANDIDATE, 20)
    _, found = blocks(gateway)
    assert any(block.usable for block in found if block.end < 8)
    assert not any(block.usable for block in found if block.end > 12)


def test_mirrored_requests_do_not_count_for_the_canary():
    gateway = Gateway()
    for time in range(10):
        gateway.scrape(time)
        gateway.serve(Arm.STABLE, 100)
        gateway.serve(Arm.MIRROR, 100, {"500": 100})
    gateway.values = {key: value for key, value in gateway.values.items() if key[0] is Arm.STABLE}
    tracker, found = fold(Tracker(), exposure(candidate=Arm.MIRROR, mirrored=1.0, share=0.0), gateway.answer(-1, 9))
    assert sum(one.block.candidate.errors for one in found) > 500
    for time in range(10, 20):
        gateway.scrape(time)
        gateway.serve(Arm.STABLE, 80)
        gateway.serve(Arm.CANDIDATE, 20)
    tracker, found = fold(tracker, exposure(stage=1, since=10.0, first_exposure=10.0), gateway.answer(9, 19))
    assert sum(one.block.candidate.errors for one in found) == 0
    assert sum(moment.errors for moment in tracker.candidate.moments) == 0
    assert tracker.count.requests == sum(one.block.candidate.requests for one in found) > 0


def test_t29_clocks_that_differ_move_the_warm_up_with_the_samples():
    gateway = steady(10)
    _, plain = blocks(gateway)
    behind = exposure(since=100.0, first_exposure=100.0)
    _, shifted = fold(Tracker(), behind, gateway.answer(skew=-100.0))
    assert [one.block for one in shifted] == plain


def test_folding_leaves_the_state_before_as_it_was():
    gateway = steady(10)
    tracker, _ = fold(Tracker(), exposure(), gateway.answer(-1, 5))
    again = [fold(tracker, exposure(), gateway.answer(5, 10)) for _ in range(2)]
    assert again[0] == again[1]


def test_the_http_profile_counts_pods_of_each_version_apart():
    def pod(arm, instance, values):
        return RawSeries(arm, What.ANSWERED, "200", instance, "", tuple((float(t), float(v)) for t, v in enumerate(values)))

    series = (
        pod(Arm.STABLE, "pod/a", range(0, 100, 10)),
        pod(Arm.STABLE, "pod/b", range(0, 100, 10)),
        pod(Arm.CANDIDATE, "pod/c", range(10)),
    )
    _, found = fold(Tracker(), exposure(sees_missing=False, warmup=0.0), TargetSamples(9.0, series))
    assert {(one.block.stable.requests, one.block.candidate.requests, one.block.usable) for one in found} == {(20, 1, True)}
