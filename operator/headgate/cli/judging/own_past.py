"""A model's own past through the judge: its stable version against itself, as it was counted by Prometheus."""

import asyncio
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.api.vocabulary import Metric
from headgate.cli.judging.plan import open_prometheus
from headgate.cli.judging.rejudge import Result, question_about, results_of
from headgate.cli.refused import Refused
from headgate.evidence.batch import judge_streams
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.check import Check
from headgate.evidence.counting.series import NoAnswer
from headgate.evidence.pods.arms import PodBlock, Pods, fold
from headgate.evidence.pods.replay import FEWEST_PAST, Replay, against_itself
from headgate.evidence.shares import clopper_pearson
from headgate.evidence.words import part
from headgate.prometheus.pods import StablePods, Wanted
from headgate.prometheus.sampler import Sampler
from headgate.rollout.questions import checks_of

_SLICE = 3600.0
"""Seconds of raw samples that are read at once."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Past:
    """Which past of which stable version is read, in Unix seconds."""

    target: Wanted
    begin: float
    end: float


def read(address: str, past: Past, interval: float) -> list[PodBlock]:
    """What each pod counted in each block. Raises Refused where Prometheus gives no answer."""

    async def reading() -> list[PodBlock]:
        pods, found = Pods(), list[PodBlock]()
        async with open_prometheus(address) as client:
            sampler = Sampler(client, StablePods())
            for number in range(max(1, math.ceil((past.end - past.begin) / _SLICE))):
                until = min(past.begin + (number + 1) * _SLICE, past.end)
                answer = (await sampler.past([past.target], until, _SLICE)).answers[past.target]
                if isinstance(answer, NoAnswer):
                    raise Refused(f"Prometheus at {address} gives no answer ({answer.outage}): {answer.text}")
                pods, closed = fold(pods, answer.series, interval)
                found += closed
        return found

    return asyncio.run(reading())


def answerable(spec: RolloutPolicySpec, blocks: list[PodBlock]) -> tuple[tuple[Check, ...], list[str]]:
    """The checks that are replayed, and in words which ones are left out. Raises Refused if none is left."""
    counted = {name for block in blocks for counts in block.pods.values() for name in counts}
    left_out = {check: _why_not(check, counted) for check in checks_of(spec)}
    checks = tuple(check for check, why in left_out.items() if not why)
    if not checks:
        raise Refused("the policy has no check but of latency, or of values that the pods do not count: there is nothing to replay")
    return checks, [f"{check.metric}: {why}: not judged" for check, why in left_out.items() if why]


def replayed(
    spec: RolloutPolicySpec, checks: tuple[Check, ...], blocks: list[PodBlock], interval: float, rollout: float
) -> tuple[Replay, list[Result]]:
    """The virtual rollouts and what the judge says of each. Raises Refused where the past is too short."""
    length = max(1, round(rollout / interval))
    replay = against_itself(checks, blocks, interval, length)
    if replay is None:
        pods = len({pod for block in blocks for pod in block.pods})
        raise Refused(
            f"the past has {len(blocks)} blocks of {interval:g} s of {pods} stable pods: {FEWEST_PAST + length} blocks of two pods "
            "are needed at least. Choose a longer --since or a shorter --rollout; the counters are the pods' own http_requests_total"
        )
    question = question_about(spec, checks, length)
    names = tuple(f"{pod} from {_clock(start)}" for start, pod in zip(replay.starts, replay.pods, strict=True))
    return replay, list(results_of(names, question, judge_streams(question, dict(replay.streams))))


def _why_not(check: Check, counted: set[str]) -> str:
    """Why a check cannot be replayed from what the pods `counted`; empty where it can."""
    if check.metric is Metric.LATENCY:
        return "a model against itself is judged without it (simulate replays it)"
    return "" if not check.summary or f"valued {check.summary}" in counted else f"the pods do not count {check.summary}"


def told(replay: Replay, results: list[Result], interval: float, rollout: float) -> Iterator[str]:
    """The answer in sentences: how many of a hundred rollouts without any change would have been taken back."""
    taken, number = sum(result.decision == "rollback" for result in results), len(results)
    pods = len(set(replay.pods))
    yield (
        f"{number} rollouts of {Duration(round(rollout))} in blocks of {interval:g} s, begun from {_clock(replay.starts[0])} to "
        f"{_clock(replay.starts[-1])} UTC: each of {pods} stable pods in turn against the others."
    )
    most = clopper_pearson(taken, number, 2.0 * _CONFIDENCE - 1.0)[1]
    yield (
        f"{taken} would have been taken back: {100 * taken / number:.1f} of 100 rollouts without any change, "
        f"at most {100 * most:.1f} with {_CONFIDENCE:.0%} confidence."
    )
    proven = sorted(result.t for result in results if result.decision == "promote" and result.t is not None)
    median = f", half of them within {Duration(round(proven[len(proven) // 2]))}" if proven else ""
    yield f"{len(proven)} were proven good{median}; {number - taken - len(proven)} were not decided in their time."
    dispersion = float(np.median([result.dispersion for result in results]))
    yield f"Failures come {dispersion:.1f} times as unevenly as independent ones would (median)."
    if pods < FEWEST_ARMS:
        yield f"With fewer than {FEWEST_ARMS} pods the noise is not known: no decision before 20 blocks unless the harm is obvious."
    for result in results:
        if result.decision == "rollback":
            yield f"  taken back: {result.series}, after {result.t:.0f} s, {result.check} {_differs(result)}"


def _differs(result: Result) -> str:
    return part(result.difference) if result.check == Metric.VALUE else f"{100 * result.difference:+.2f} points"


def since(seconds: float, live_since: datetime | None) -> tuple[float, float]:
    """From when to when: never before the present stable version was live."""
    now = time.time()
    begin = now - seconds
    return (begin if live_since is None else max(begin, live_since.timestamp())), now


def _clock(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M}"
