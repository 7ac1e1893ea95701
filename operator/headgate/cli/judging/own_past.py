"""A model's own past through the judge: its stable version against itself, as it was counted by Prometheus."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

import numpy as np

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.api.vocabulary import Metric
from headgate.cli.cluster import Access, run
from headgate.cli.judging.plan import ADDRESS, chosen_policy, open_prometheus
from headgate.cli.judging.rejudge import Result, question_about, results_of
from headgate.cli.refused import Refused
from headgate.evidence.batch import judge_streams
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.check import Check
from headgate.evidence.counting.series import NoAnswer
from headgate.evidence.counting.values import summaries
from headgate.evidence.pods.arms import PodBlock, Pods, fold
from headgate.evidence.pods.replay import FEWEST_PAST, Stretch, against_itself, stretches
from headgate.evidence.shares import clopper_pearson
from headgate.evidence.words import part
from headgate.prometheus.pods import StablePods, Wanted
from headgate.prometheus.sampler import Sampler
from headgate.rollout.questions import checks_of

_SLICE = 3600.0
"""Seconds of raw samples that are read at once."""
_CONFIDENCE = 0.95
_AT_ONCE = 12
"""Rollouts of each pod that are judged together."""
_MOST_WORDS = 3


@dataclass(frozen=True, slots=True)
class _Past:
    """Which past of which stable version is read, in Unix seconds."""

    target: Wanted
    begin: float
    end: float


@dataclass(frozen=True, slots=True)
class Played:
    """The virtual rollouts: when each began, who played the candidate, what the judge says. `notes`: what else is to be told."""

    starts: tuple[float, ...]
    pods: tuple[str, ...]
    results: list[Result]
    notes: tuple[str, ...]


def of_model(
    model: str, policy: str | None, seconds: float, address: str | None, access: Access, *, counted: frozenset[Metric], otherwise: str
) -> tuple[RolloutPolicySpec, Iterator[PodBlock]]:
    """The policy, as `chosen_policy` finds it, and what the pods of the live version counted in the last `seconds`, of all that its checks
    of these metrics need. `otherwise`: what follows where no version is live. Raises Refused, also as the blocks are read."""
    if not address:
        raise Refused(f"where does Prometheus answer? Say --prometheus URL or set {ADDRESS}")
    view = run(access, lambda cluster: cluster.model(model, access.where))
    stable = view.status.stable
    if stable is None:
        raise Refused(f"no version of {access.where}/{model} is live: {otherwise}")
    spec = chosen_policy(policy, view, access)
    checks = [check for check in checks_of(spec) if check.metric in counted]
    timed = any(check.metric is Metric.LATENCY for check in checks)
    target = Wanted(view.namespace, view.name, stable.revision, summaries=summaries(checks), every_bound=timed)
    return spec, _read(address, _Past(target, *_since(seconds, stable.live_since)), float(spec.analysis.interval))


def _read(address: str, past: _Past, interval: float) -> Iterator[PodBlock]:
    """What each pod counted in each block, as it is read. Raises Refused where Prometheus gives no answer."""
    with asyncio.Runner() as runner:
        client = open_prometheus(address)
        try:
            sampler, pods = Sampler(client, StablePods()), Pods()
            for number in range(max(1, math.ceil((past.end - past.begin) / _SLICE))):
                until = min(past.begin + (number + 1) * _SLICE, past.end)
                answer = runner.run(sampler.past([past.target], until, _SLICE)).answers[past.target]
                if isinstance(answer, NoAnswer):
                    raise Refused(f"Prometheus at {address} gives no answer ({answer.outage}): {answer.text}")
                pods, closed = fold(pods, answer.series, interval)
                yield from closed
        finally:
            runner.run(client.close())


def replayed(spec: RolloutPolicySpec, blocks: Iterable[PodBlock], interval: float, rollout: float) -> Played:
    """What the judge says of the virtual rollouts. The blocks of few of them are kept at a time. Raises Refused where the past is too
    short."""
    length, seen = max(1, round(rollout / interval)), _Seen(blocks)
    each = stretches(seen, length)
    starts, pods, results, slow = list[float](), list[str](), list[Result](), Counter[str]()
    checks: tuple[Check, ...] = ()
    left_out: list[str] = []
    while group := list(islice(each, _AT_ONCE)):
        if not results:
            checks, left_out = _answerable(spec, group)
        replay, question = against_itself(checks, group, interval), question_about(spec, checks, length)
        names = tuple(f"{pod} from {_clock(start)}" for start, pod in zip(replay.starts, replay.pods, strict=True))
        results += results_of(names, question, judge_streams(question, replay.streams))
        starts += replay.starts
        pods += replay.pods
        slow.update(replay.slow)
    if not results:
        raise Refused(
            f"the past has {seen.number} blocks of {interval:g} s of {len(seen.pods)} stable pods: {FEWEST_PAST + length} blocks of two "
            "pods are needed at least. Choose a longer --since or a shorter --rollout; the counters are the pods' own http_requests_total"
        )
    compared = [f"latency: {number} rollouts: {words}" for words, number in slow.most_common(_MOST_WORDS)]
    return Played(tuple(starts), tuple(pods), results, (*left_out, *compared))


class _Seen:
    """Blocks that pass by, and how many of which pods they were."""

    def __init__(self, blocks: Iterable[PodBlock]) -> None:
        self._blocks = blocks
        self.number, self.pods = 0, set[str]()

    def __iter__(self) -> Iterator[PodBlock]:
        for block in self._blocks:
            self.number += 1
            self.pods.update(block.pods)
            yield block


def _answerable(spec: RolloutPolicySpec, group: Sequence[Stretch]) -> tuple[tuple[Check, ...], list[str]]:
    """The checks that are replayed, and in words which ones are left out. Raises Refused if none is left."""
    blocks = (block for stretch in group for block in (*stretch.past, *stretch.during))
    counted = {name for block in blocks for counts in block.pods.values() for name in counts}
    left_out = {check: _why_not(check, counted) for check in checks_of(spec)}
    checks = tuple(check for check, why in left_out.items() if not why)
    if not checks:
        raise Refused("the policy has no check but of latency or values that the pods do not count: there is nothing to replay")
    return checks, [f"{check.metric}: {why}: not judged" for check, why in left_out.items() if why]


def _why_not(check: Check, counted: set[str]) -> str:
    """Why a check cannot be replayed from what the pods `counted`; empty where it can."""
    if check.metric is Metric.LATENCY:
        return "" if "le +Inf" in counted else "the pods have no latency buckets"
    return "" if not check.summary or f"valued {check.summary}" in counted else f"the pods do not count {check.summary}"


def told(played: Played, interval: float, rollout: float) -> Iterator[str]:
    """The answer in sentences: how many of a hundred rollouts without any change would have been taken back."""
    results = played.results
    taken, number = sum(result.decision == "rollback" for result in results), len(results)
    pods = len(set(played.pods))
    yield (
        f"{number} rollouts of {Duration(round(rollout))} in blocks of {interval:g} s, begun from {_clock(played.starts[0])} to "
        f"{_clock(played.starts[-1])} UTC: each of {pods} stable pods in turn against the others."
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


def _since(seconds: float, live_since: datetime | None) -> tuple[float, float]:
    """From when to when: never before the present stable version was live."""
    now = time.time()
    begin = now - seconds
    return (begin if live_since is None else max(begin, live_since.timestamp())), now


def _clock(unix: float) -> str:
    return f"{datetime.fromtimestamp(unix, UTC):%Y-%m-%d %H:%M}"
