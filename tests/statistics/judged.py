"""The judge on simulated streams: many rollouts in one call, by the code that judges one in the operator."""

from dataclasses import dataclass, replace

import numpy as np
from tests.statistics.arms import ERRORS, question
from tests.statistics.noise import HOUR, SECONDS, Counted, Floats

from headgate.api.quantities import Margin, Unit
from headgate.evidence.batch import Streams, judge_streams

HALF_POINT = replace(ERRORS, margin=Margin(0.5, Unit.POINTS))


@dataclass(frozen=True, slots=True)
class Judged:
    """Per run, the block (from 1) at which harm was proven and acted on, and at which being good was proven; infinity: never."""

    rolled_back: Floats
    proven_good: Floats


def judge(rollouts: Counted, arms: Counted | None) -> Judged:
    """One check of errors at a margin of 0.5 points over a stage of an hour, looked at after every block.

    Fewer blocks are the beginning of the hour. Without `arms` nothing is known of the noise.
    """
    asked = question(HALF_POINT, stages=(HOUR,), interval=SECONDS)
    outcomes = judge_streams(asked, {HALF_POINT: streams(rollouts, arms)})
    return Judged(np.rint(outcomes.failed_at / SECONDS), np.rint(outcomes.passed_at / SECONDS))


def streams(rollouts: Counted, arms: Counted | None) -> Streams:
    """A/A data is split where the rollout begins."""
    if arms is None:
        return Streams(rollouts.ends, rollouts.counts)
    began = int(np.searchsorted(arms.ends[0, 0], 0.0))
    return Streams(rollouts.ends, rollouts.counts, arms.counts[:, :, began:], arms.counts[:, :, :began])
