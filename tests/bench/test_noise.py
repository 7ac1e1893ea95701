"""What calibration costs beside the judge: figures are printed, and only counts that do not depend on the machine are asserted."""

import json
import time
from collections.abc import Callable

import numpy as np
from tests.statistics.arms import ERRORS, LATENCY, REJECTIONS, arm, block, question
from tests.unit.evidence.pods import StablePods

from headgate.evidence import judge
from headgate.evidence.latency.slow_shares import Choice
from headgate.evidence.pods import calibrating
from headgate.evidence.pods.history import MOST_SAMPLES, history_of
from headgate.evidence.pods.state import Noise
from headgate.prometheus import pods as source
from headgate.prometheus.pods import Wanted
from headgate.prometheus.sampler import parse

ASKED = question(ERRORS, REJECTIONS, LATENCY)
MODELS = 1000


def thousandths(work: Callable[[], object], times: int) -> float:
    """CPU milliseconds of one call."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - begun) / times


def made_up_answer(targets: list[Wanted]) -> bytes:
    """Three pods of each, four codes and two buckets, five samples."""
    rows = []
    for target in targets:
        place = {"namespace": target.namespace, "headgate_model": target.name, "headgate_revision": target.stable, "job": "pods"}
        for pod in range(3):
            own = place | {"instance": f"10.0.{pod}.1:8080", "pod": f"{target.name}-{pod}"}
            parts = [{"__name__": "http_requests_total", "code": code} for code in ("200", "422", "500", "503")]
            parts += [{"__name__": "http_request_duration_seconds_bucket", "le": le} for le in ("0.05", "+Inf")]
            rows += [{"metric": own | part, "values": [[15 * k, str(1000 + k)] for k in range(5)]} for part in parts]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}).encode()


def test_an_answer_about_a_thousand_models() -> None:
    targets = [Wanted(f"team-{number % 50}", f"m{number}", "5f0c", bounds=("0.05",)) for number in range(MODELS)]
    body, profile = made_up_answer(targets), source.StablePods()
    spent = thousandths(lambda: parse(body, profile, targets), 3)
    print(f"an answer about {MODELS} models of 3 pods: {len(body) / 1e6:.1f} MB, {spent / MODELS:.3f} ms of CPU a model")
    assert len(body) / MODELS < 10_000


def test_a_block_and_a_past() -> None:
    pods = StablePods(np.random.default_rng(1), bounds=("0.05",)).live(300)
    answers = [pods.series(now - 5, now) for now in range(300)]
    rng = np.random.default_rng(2)
    blocks = [block(float(k), arm(rng, 80, errors=0.01), arm(rng, 20, errors=0.01)) for k in range(300)]
    known, state = Noise.unknown(ASKED.checks), judge.start(ASKED)
    spent = {"folding the pods' samples": 0.0, "tempering": 0.0, "the judge itself": 0.0}
    for now, one in enumerate(blocks):
        begun = time.process_time()
        known = calibrating.take_pods(known, ASKED.checks, answers[now], 1.0, float(now))
        folded = time.process_time()
        known = calibrating.before_block(known, ASKED.checks, state.latency, one, 1.0)
        tempered = time.process_time()
        state = judge.advance(state, ASKED, one, 0, known.now)
        for name, seconds in zip(spent, (folded - begun, tempered - folded, time.process_time() - tempered), strict=True):
            spent[name] += seconds
    for name, seconds in spent.items():
        print(f"{name}: {1000 * seconds / len(blocks):.3f} ms of CPU a model and block")
    assert isinstance(state.latency[2], Choice)
    past = StablePods(np.random.default_rng(3), names=tuple("abcdefgh")).live(1200).series()
    samples = sum(len(one.points) for one in past)
    print(f"a past of {samples:,} samples: {thousandths(lambda: history_of(ASKED.checks, past, 1.0), 1):.0f} ms of CPU, once an attempt")
    assert samples <= MOST_SAMPLES
