"""A model against itself: every pod plays the candidate in every stretch of the past, with the past before it as calibration."""

import numpy as np
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS, question

from headgate.evidence.batch import judge_streams
from headgate.evidence.check import Check
from headgate.evidence.pods.arms import PodBlock
from headgate.evidence.pods.replay import FEWEST_PAST, MOST_PODS, Replay, against_itself, stretches
from headgate.evidence.view import NoiseMode

CHECKS = (ERRORS, REJECTIONS)
LENGTH = 60


def past(rates: list[float], number: int = FEWEST_PAST + 3 * LENGTH, seed: int = 1) -> list[PodBlock]:
    """Blocks of a quarter of a minute, one failure rate per pod."""
    rng = np.random.default_rng(seed)
    return [
        PodBlock(15.0 * (k + 1), {f"pod-{i}": {"requests": 300, "errors": int(rng.binomial(300, rate))} for i, rate in enumerate(rates)})
        for k in range(number)
    ]


def replayed(blocks: list[PodBlock], *checks: Check) -> Replay:
    return against_itself(checks or CHECKS, list(stretches(blocks, LENGTH)), 15.0)


def timed(later: list[float], bounds: tuple[str, ...], number: int = FEWEST_PAST + LENGTH) -> list[PodBlock]:
    """Blocks of pods whose answers take 100 ms in the median, and so many seconds more."""
    rng = np.random.default_rng(7)

    def counts(more: float) -> dict[str, int]:
        took = np.sort(rng.lognormal(np.log(0.1), 0.4, 300) + more)
        below = {f"le {bound}": int(np.searchsorted(took, float(bound), side="right")) for bound in bounds}
        return {"requests": 300, **below, "le +Inf": 300}

    return [PodBlock(15.0 * (k + 1), {f"pod-{i}": counts(more) for i, more in enumerate(later)}) for k in range(number)]


def test_every_pod_is_the_candidate_in_every_stretch_and_the_others_are_the_stable_version() -> None:
    replay = replayed(past([0.01] * 4))
    assert len(replay.starts) == len(replay.pods) == 12
    assert set(replay.pods) == {"pod-0", "pod-1", "pod-2", "pod-3"}
    assert sorted(set(replay.starts)) == [15.0 * (FEWEST_PAST + LENGTH * k) for k in range(3)]
    streams = replay.streams[ERRORS]
    assert streams.counts.shape == (12, LENGTH, 3, 4)
    assert (streams.counts[..., 0] == 900).all()
    assert (streams.counts[..., 2] == 300).all()
    assert streams.past is not None
    assert streams.arms is not None
    assert streams.past.shape == (12, 4, FEWEST_PAST + 2 * LENGTH, 4)
    assert streams.arms.shape == (12, 3, LENGTH, 4)
    # The first stretch has less of a past than the last: what is not there counts nothing.
    assert (streams.past[0, :, :-FEWEST_PAST] == 0).all()
    assert (streams.past[0, :, -FEWEST_PAST:, 2] == 300).all()


def test_identical_pods_are_not_taken_back_and_a_bad_one_is() -> None:
    asked = question(*CHECKS, stages=(LENGTH,), interval=15.0)
    assert not np.isfinite(judge_streams(asked, replayed(past([0.01] * 4)).streams).failed_at).any()
    replay = replayed(past([0.01, 0.01, 0.01, 0.2], number=FEWEST_PAST + LENGTH))
    taken = np.isfinite(judge_streams(asked, replay.streams).failed_at)
    assert [pod for pod, back in zip(replay.pods, taken, strict=True) if back] in ([], ["pod-3"])


def test_too_short_a_past_or_a_single_pod_is_nothing_to_replay() -> None:
    assert not list(stretches(past([0.01] * 3, number=FEWEST_PAST + LENGTH - 1), LENGTH))
    assert not list(stretches(past([0.01]), LENGTH))
    assert not list(stretches([], LENGTH))
    gone = [*past([0.01] * 3, number=FEWEST_PAST), *(PodBlock(15.0 * (FEWEST_PAST + k), {}) for k in range(LENGTH))]
    assert not list(stretches(gone, LENGTH))


def test_latency_is_compared_at_bounds_that_the_operator_would_choose() -> None:
    bounds = ("0.05", "0.1", "0.15", "0.2", "0.25", "0.3", "0.4")
    asked = question(LATENCY, stages=(LENGTH,), interval=15.0)
    replay = replayed(timed([0.0] * 4, bounds), LATENCY)
    assert replay.streams[LATENCY].counts[0, 0, 0].tolist()[::2] == [900.0, 300.0]
    assert replay.slow == ("above 250ms, stable above 200ms; good: 250ms against 200ms",) * 4
    outcomes = judge_streams(asked, replay.streams)
    assert not np.isfinite(outcomes.failed_at).any()
    assert (outcomes.modes == NoiseMode.HISTORY).all()
    slow = replayed([*timed([0.0] * 4, bounds, FEWEST_PAST), *timed([0.0, 0.0, 0.0, 0.15], bounds, LENGTH)], LATENCY)
    assert np.isfinite(judge_streams(asked, slow.streams).failed_at).tolist() == [False, False, False, True]


def test_only_bounds_that_every_pod_always_counted_by_are_compared() -> None:
    bounds = ("0.0625", "0.125", "0.148650889", "0.210224104", "0.25")
    blocks = timed([0.0] * 3, bounds)
    # A native histogram of whole powers of two for a while, and a pod that was not asked yet.
    blocks[50].pods["pod-0"]["coarse 0"] = 0
    blocks[51].pods["pod-1"].clear()
    assert "above 250ms, stable above 250ms" in replayed(blocks, LATENCY).slow[0]
    del blocks[52].pods["pod-2"]["le 0.25"]
    assert "lies above the last latency bucket of 125ms" in replayed(blocks, LATENCY).slow[0]


def test_pods_that_came_and_went_play_where_they_were_and_many_are_cut_to_those_seen_most() -> None:
    blocks = past([0.01] * (MOST_PODS + 3))
    early = [PodBlock(block.end, dict(list(block.pods.items())[:4])) for block in blocks[: FEWEST_PAST + LENGTH]]
    replay = replayed([*early, *blocks[FEWEST_PAST + LENGTH :]])
    assert len(set(replay.pods)) == MOST_PODS
    assert sum(start == replay.starts[0] for start in replay.starts) == 4
