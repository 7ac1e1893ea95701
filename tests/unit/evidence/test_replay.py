"""A model against itself: every pod plays the candidate in every stretch of the past, with the past before it as calibration."""

import numpy as np
from tests.statistics.arms import ERRORS, REJECTIONS, question

from headgate.evidence.batch import judge_streams
from headgate.evidence.pods.arms import PodBlock
from headgate.evidence.pods.replay import FEWEST_PAST, MOST_PODS, Replay, against_itself

CHECKS = (ERRORS, REJECTIONS)
LENGTH = 60


def past(rates: list[float], number: int = FEWEST_PAST + 3 * LENGTH, seed: int = 1) -> list[PodBlock]:
    """Blocks of a quarter of a minute, one failure rate per pod."""
    rng = np.random.default_rng(seed)
    return [
        PodBlock(15.0 * (k + 1), {f"pod-{i}": {"requests": 300, "errors": int(rng.binomial(300, rate))} for i, rate in enumerate(rates)})
        for k in range(number)
    ]


def replayed(blocks: list[PodBlock]) -> Replay:
    found = against_itself(CHECKS, blocks, 15.0, LENGTH)
    assert found is not None
    return found


def test_every_pod_is_the_candidate_in_every_stretch_and_the_others_are_the_stable_version() -> None:
    replay = replayed(past([0.01] * 4))
    assert len(replay.starts) == len(replay.pods) == 12
    assert set(replay.pods) == {"pod-0", "pod-1", "pod-2", "pod-3"}
    assert sorted(set(replay.starts)) == [15.0 * (FEWEST_PAST + LENGTH * k) for k in range(3)]
    streams = replay.streams[ERRORS]
    assert streams.counts.shape == (12, LENGTH, 4)
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
    assert against_itself(CHECKS, past([0.01] * 3, number=FEWEST_PAST + LENGTH - 1), 15.0, LENGTH) is None
    assert against_itself(CHECKS, past([0.01]), 15.0, LENGTH) is None
    assert against_itself(CHECKS, [], 15.0, LENGTH) is None


def test_pods_that_came_and_went_play_where_they_were_and_many_are_cut_to_those_seen_most() -> None:
    blocks = past([0.01] * (MOST_PODS + 3))
    early = [PodBlock(block.end, dict(list(block.pods.items())[:4])) for block in blocks[: FEWEST_PAST + LENGTH]]
    replay = replayed([*early, *blocks[FEWEST_PAST + LENGTH :]])
    assert len(set(replay.pods)) == MOST_PODS
    assert sum(start == replay.starts[0] for start in replay.starts) == 4
