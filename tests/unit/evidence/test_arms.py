"""Blocks of the stable version's pods: whatever pods and scrapes do, each request is counted once, in the block of its sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.evidence.pods import StablePods, in_clusters

from headgate.api.quantities import Margin, Unit
from headgate.api.vocabulary import Metric
from headgate.evidence.check import Check
from headgate.evidence.pods.arms import MOST_PODS, PodBlock, Pods, arms_of, fold
from headgate.evidence.pods.history import MOST_SAMPLES, history_of, span

ERRORS = Check(Metric.ERRORS, Margin(1, Unit.POINTS))
REJECTIONS = Check(Metric.REJECTIONS, Margin(1, Unit.POINTS))
LATENCY = Check(Metric.LATENCY, Margin(50, Unit.MILLISECONDS), quantile=0.95)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def requests(blocks: list[PodBlock]) -> int:
    return sum(counts.get("requests", 0) for block in blocks for counts in block.pods.values())


@settings(max_examples=25)
@given(st.lists(st.integers(1, 29), max_size=6), st.sampled_from([0, 3]))
def test_the_same_samples_give_the_same_blocks_however_they_are_cut(cuts: list[int], overlap: int) -> None:
    pods = StablePods(rng()).live(30)
    whole, blocks = fold(Pods(), pods.series(), 1.0)
    known, found, before = Pods(), list[PodBlock](), -1.0
    for cut in (*sorted(set(cuts)), 30):
        known, over = fold(known, pods.series(before - overlap, cut), 1.0)
        found, before = [*found, *over], float(cut)
    assert found == blocks
    assert known == whole


def test_a_pod_that_dies_holds_the_blocks_up_for_a_moment_only() -> None:
    pods = StablePods(rng()).live(10)
    pods.names = ("a", "b")
    pods.live(20, begin=10)
    known, blocks = fold(Pods(), pods.series(), 1.0)
    assert known.alive == 2
    assert set(blocks[-1].pods) == {"a", "b"}
    assert set(blocks[0].pods) == {"a", "b", "c"}


def test_a_restart_counts_from_zero_and_a_missed_scrape_loses_nothing() -> None:
    pods = StablePods(rng()).live(5)
    pods.serve()
    pods.scrape(5.0, but="b")
    pods.live(5, begin=6)
    first = {key: points[0][1] for key, points in pods.points.items()}
    _, blocks = fold(Pods(), pods.series(), 1.0)
    answered = sum(points[-1][1] - first[key] for key, points in pods.points.items() if key[1] == "answered")
    assert requests(blocks) == answered


def test_pods_sampled_less_often_than_the_interval_have_longer_blocks() -> None:
    pods = StablePods(rng()).live(300, every=30)
    known, blocks = fold(Pods(), pods.series(), 15.0)
    assert known.grid == 30.0
    assert all(len(block.pods) == 3 for block in blocks)


def test_of_very_many_pods_some_are_enough() -> None:
    pods = StablePods(rng(), names=tuple(f"p{i:03d}" for i in range(100))).live(4)
    known, _ = fold(Pods(), pods.series(), 1.0)
    assert len(known.seen) == MOST_PODS


def test_each_pod_plays_the_candidate_against_the_others() -> None:
    block = PodBlock(1.0, {"a": {"requests": 10, "errors": 1}, "b": {"requests": 20, "rejections": 2}, "c": {"le +Inf": 5, "le 0.05": 3}})
    errors, rejections, latency = arms_of((ERRORS, REJECTIONS, LATENCY), ("", "", "0.05"), block).tolist()
    assert errors == [[20, 0, 10, 1], [10, 1, 20, 0], [30, 1, 0, 0]]
    assert rejections == [[20, 2, 10, 0], [10, 0, 20, 2], [30, 2, 0, 0]]
    assert latency == [[5, 2, 0, 0], [5, 2, 0, 0], [0, 0, 5, 2]]


def test_the_past_tells_the_dispersion_of_each_check() -> None:
    history = history_of((ERRORS, REJECTIONS, LATENCY), StablePods(rng(), errors=in_clusters).live(400).series(), 1.0)
    assert history.pods == 3
    assert history.fits[0][""].phi[0] > 5
    assert 1 <= history.fits[2]["0.05"].phi[0] < 1.5
    assert history.totals[0][0] > 30_000
    assert history.totals[2] == (0, 0), "which requests are slow is not known before a bound is chosen"
    assert "0.05" in history.bounds


def test_checks_without_an_event_need_enough_requests() -> None:
    quiet = (REJECTIONS,)
    assert history_of(quiet, StablePods(rng()).live(100).series(), 1.0).fits[0][""].phi[0] == 2.0
    assert history_of(quiet, StablePods(rng(), rate=2.0).live(100).series(), 1.0).fits == ({},)


@pytest.mark.parametrize(("names", "seconds"), [(("a", "b"), 300), (("a", "b", "c"), 20), ((), 50)])
def test_a_past_of_too_few_pods_or_blocks_is_none(names: tuple[str, ...], seconds: int) -> None:
    history = history_of((ERRORS, LATENCY), StablePods(rng(), names=names).live(seconds).series(), 1.0)
    assert history.fits == ({}, {})


@pytest.mark.parametrize(
    ("series", "spacing", "seconds"), [(60, 15.0, 21600.0), (60, 1.0, 200_000 / 60), (6000, 15.0, 500.0), (0, 0.0, 20_000.0)]
)
def test_never_more_samples_are_asked_for_than_can_be_read(series: int, spacing: float, seconds: float) -> None:
    assert span(series, spacing) == pytest.approx(seconds)
    assert series * span(series, spacing) / max(spacing, 0.1) <= MOST_SAMPLES + 1
