"""What the judge is asked in a stage: its budget is shared by the stages of its kind, and each of them has its own place in it."""

import numpy as np
import pytest
from tests.statistics.arms import arm, block
from tests.unit.rollout.world import policy

from headgate.api.status import AttemptKind
from headgate.evidence.bets.eprocess import start_weight
from headgate.evidence.judge import advance, start
from headgate.rollout.questions import question_in
from headgate.rollout.stages import steps_of


def test_shadow_has_a_fifth_of_alpha_and_stages_of_its_own() -> None:
    steps = steps_of(policy(), AttemptKind.ROLLOUT)
    shadow, canary = (question_in(policy(), steps, step) for step in steps[:2])
    assert shadow.alpha == pytest.approx(canary.alpha / 5)
    assert (shadow.first_stage, canary.first_stage) == (0, 1)
    assert (len(shadow.stage_blocks), len(canary.stage_blocks)) == (1, len(steps) - 1)


def test_every_stage_of_an_attempt_has_start_times_of_its_own() -> None:
    """Shadow comes first among the stages and is no part of the canary's plan: a regression that begins in `full` must have a start."""
    steps = steps_of(policy(), AttemptKind.ROLLOUT)
    asked = question_in(policy(), steps, steps[-1])
    rng = np.random.default_rng(1)
    for index in range(1, len(steps)):
        state = advance(start(asked), asked, block(1.0, arm(rng, 80), arm(rng, 20)), index)
        assert state.spent == start_weight(asked.stage_blocks, index - 1, 0, first=True)
        assert state.spent > 0.5 or index == 1
        assert list(state.seen) == [int(place == index - 1) for place in range(len(steps) - 1)]
