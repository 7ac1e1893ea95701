"""Ten thousand live models with twenty features each: what one model costs, in time of a processor and in bytes, and what a round asks."""

import gc
import json
import time
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from tests.unit.monitoring.inservice.watched import EDGES, NOON, PERIOD, RELEASED, REVISION, income, plan, reference

from headgate.monitoring.inservice.assessing import assess
from headgate.monitoring.inservice.assessment import Kind
from headgate.monitoring.inservice.counting import Grown, fold
from headgate.monitoring.inservice.memory import Memory, stored
from headgate.monitoring.inservice.plan import FeaturePlan
from headgate.monitoring.inservice.reference import Distribution
from headgate.monitoring.response import Responses
from headgate.monitoring.result import LimitVerdict
from headgate.prometheus.grown import SHARDS, parse, shards
from headgate.prometheus.profiles import Target

MODELS, FEATURES, ROUNDS = 10_000, 20, 300
NAMES = [f"feature-{number:02d}" for number in range(FEATURES)]
SHARES = np.full(5, 0.2)


def test_what_one_model_costs() -> None:
    """In milliseconds of this machine; the bounds are far enough that only a change of kind breaks them."""
    known = reference(**{name: Distribution(np.tile(SHARES * 2000, (16, 1)), edges=EDGES) for name in NAMES})
    watched = replace(plan(known), features=tuple(FeaturePlan(name, "headgate_feature") for name in NAMES))
    grown = Grown({"headgate_feature_bucket": [row for name in NAMES for row in income(SHARES * 100, feature=name)]})
    memory, now = Memory(), NOON
    memory.fit(watched, known, REVISION, RELEASED)
    began = time.process_time()
    for _ in range(ROUNDS):
        fold(memory, watched, known, grown, now, now + PERIOD)
        now += PERIOD
    folding = (time.process_time() - began) / ROUNDS
    began = time.process_time()
    for _ in range(10):
        found = assess(memory, watched, known, "", Responses(), now)
    judging = (time.process_time() - began) / 10
    assert found.verdict(Kind.DRIFT) is LimitVerdict.WITHIN_LIMITS
    print(
        f"\none model of {FEATURES} features: counting {1e3 * folding:.2f} ms, judging {1e3 * judging:.2f} ms; {MODELS:,} models every "
        f"5 min: {100 * MODELS * (folding + judging) / 300:.0f} % of a processor; stored {len(stored(memory)):,} bytes"
    )
    assert folding < 0.05
    assert judging < 0.3
    assert len(stored(memory)) < 40_000


def test_what_is_remembered_of_one_model() -> None:
    known = reference(**{name: Distribution(np.tile(SHARES * 2000, (16, 1)), edges=EDGES) for name in NAMES})
    watched = replace(plan(known), features=tuple(FeaturePlan(name, "headgate_feature") for name in NAMES))
    grown = Grown({"headgate_feature_bucket": [row for name in NAMES for row in income(SHARES * 100, feature=name)]})

    def remembered() -> Memory:
        memory = Memory()
        memory.fit(watched, known, REVISION, RELEASED)
        fold(memory, watched, known, grown, NOON, NOON + PERIOD)
        return memory

    remembered()
    gc.collect()
    tracemalloc.start()
    kept = [remembered() for _ in range(200)]
    each = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    print(f"\none model of {FEATURES} features: {each:,.0f} bytes in memory, {MODELS:,} models {MODELS * each / 1e6:,.0f} MB")
    assert each < 40_000


@pytest.mark.parametrize("models", [1, 200, MODELS, 10 * MODELS])
def test_a_round_asks_a_bounded_number_of_questions(models: int) -> None:
    targets = [Target("lending", f"m-{number}", stable="11111111") for number in range(models)]
    assert len(shards(targets)) <= SHARDS


def test_the_answer_to_one_question_is_read_row_by_row() -> None:
    """A sixteenth of the models: 625 of them with twenty features of six buckets."""
    targets = [Target(f"team-{number % 50}", f"credit-scorer-{number:05d}", stable="11111111") for number in range(MODELS // SHARDS)]
    place = [{"namespace": one.namespace, "headgate_model": one.name, "headgate_revision": one.stable} for one in targets]
    rows = [
        {"metric": labels | {"headgate_series": "headgate_feature_bucket", "feature": name, "le": bound}, "value": [1.0, "12345"]}
        for labels in place
        for name in NAMES
        for bound in ("10", "20", "30", "40", "50", "+Inf")
    ]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}}, separators=(",", ":")).encode()
    del rows
    began = time.process_time()
    found = parse(body, targets)
    took = time.process_time() - began
    print(f"\nan answer of {len(body) / 1e6:.0f} MB, {sum(map(len, found.values())):,} rows: {took:.1f} s of a processor")
    assert len(found) == len(targets)
    assert took < 20.0
