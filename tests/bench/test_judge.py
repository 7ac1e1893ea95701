"""What judging costs: many attempts side by side share the array operations that one alone pays for by itself."""

import time

import numpy as np
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS, arm, block, question

from headgate.evidence.judge import Case, advance, advance_all, start

ASKED = question(ERRORS, REJECTIONS, LATENCY, stages=(300,))
MODELS, BLOCKS, AT_ONCE = 160, 6, 16


def test_sixteen_models_at_once_cost_less_than_half_of_one_by_one() -> None:
    rng = np.random.default_rng(1)
    blocks = [block(float(k), arm(rng, 80, errors=0.005), arm(rng, 20, errors=0.005)) for k in range(20)]
    first = start(ASKED)
    for one in blocks[:14]:
        first = advance(first, ASKED, one, 0)

    def alone(one: object) -> None:
        for _ in range(MODELS):
            advance(first, ASKED, one, 0)  # type: ignore[arg-type]

    def together(one: object) -> None:
        for _ in range(MODELS // AT_ONCE):
            advance_all([Case(first, ASKED, one, 0)] * AT_ONCE)  # type: ignore[arg-type]

    seconds = {}
    for name, judged in (("alone", alone), ("together", together)):
        begun = time.process_time()
        for one in blocks[14 : 14 + BLOCKS]:
            judged(one)
        seconds[name] = (time.process_time() - begun) / BLOCKS / MODELS
    alone_ms, together_ms = 1000 * seconds["alone"], 1000 * seconds["together"]
    print(f"three checks, one block: {alone_ms:.2f} ms alone, {together_ms:.2f} ms as one of {AT_ONCE}")
    print(f"a thousand models each 15 s: {100 * together_ms / 15:.1f} % of a core")
    assert seconds["together"] < 0.5 * seconds["alone"]
