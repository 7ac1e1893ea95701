"""One bad pod of many (T33): the candidate answers for all of its pods, and the stable version's bad pod is not held against it."""

import numpy as np
from tests.statistics.arms import ERRORS, arm, block, question

from headgate.api.vocabulary import Verdict
from headgate.evidence.judge import Judgement, advance, assess, start

ASKED = question(ERRORS, stages=(120,))


def _judged(stable: float, candidate: float) -> Judgement:
    rng = np.random.default_rng(33)
    state = start(ASKED)
    for k in range(120):
        state = advance(state, ASKED, block(float(k), arm(rng, 80, errors=stable), arm(rng, 20, errors=candidate)), 0)
    return assess(state, ASKED)


def test_one_of_ten_candidate_pods_that_fails_everything_is_found() -> None:
    assert _judged(stable=0.005, candidate=0.9 * 0.005 + 0.1).verdict is Verdict.FAIL


def test_one_of_ten_stable_pods_that_fails_everything_makes_no_candidate_bad() -> None:
    assert _judged(stable=0.9 * 0.005 + 0.1, candidate=0.005).verdict is Verdict.PASS
