"""Recorded rollouts through the judge: from a file to one result per series."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Metric
from headgate.cli.judging import recorded
from headgate.cli.judging.recorded import Pods, Recorded
from headgate.cli.refused import Refused
from headgate.evidence.batch import Compared, Outcomes, Streams, judge_streams
from headgate.evidence.bets.asymptotic import BURN_IN
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.check import Check, Question
from headgate.evidence.latency import recorded as slowness
from headgate.evidence.view import NoiseMode
from headgate.rollout.questions import checks_of

_LARGEST_LOG = 700.0
_WAITS = f"no decision before {BURN_IN} blocks unless the harm is obvious"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one series. `t` in seconds since its rollout began; None where nothing was decided."""

    series: str
    decision: str
    t: float | None
    check: str
    e_harm: float
    e_good: float
    p_value: float
    difference: float
    interval: tuple[float, float]
    dispersion: float

    def document(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def rejudge(spec: RolloutPolicySpec, blocks: Path, calibration: Path | None) -> tuple[list[Result], list[str]]:
    """One result per series of `blocks`, and what is to be told of the file. Raises Refused for a file that cannot be judged."""
    told = recorded.blocks(recorded.read(blocks))
    pods = recorded.read(calibration, of=told.names) if calibration is not None else None
    past, live = (None, None) if pods is None else (recorded.history(pods), recorded.beside(pods, told))
    question, streams, notes = _asked(spec, told, past, live)
    found = judge_streams(question, streams)
    return list(results_of(told.names, question, found)), [*notes, *_uncalibrated(found.modes, given=pods is not None)]


def _uncalibrated(modes: np.ndarray, *, given: bool) -> Iterator[str]:
    """What is to be told of `modes`, (series, checks), where a calibration file was `given` and where not."""
    alone = int((modes == NoiseMode.ROBUST).all(axis=1).sum())
    if not given:
        yield f"without --calibration the noise of the stable version is not known: {_WAITS}"
    elif alone:
        yield f"{alone} of {len(modes)} series: fewer than {FEWEST_ARMS} pods in --calibration: {_WAITS}"


def _asked(
    spec: RolloutPolicySpec, told: Recorded, past: Pods | None, live: Pods | None
) -> tuple[Question, dict[Check, Streams | Compared], list[str]]:
    """The checks that the file can answer. Raises Refused if it can answer none."""
    streams: dict[Check, Streams | Compared] = {}
    notes = []
    for check in checks_of(spec):
        if check.metric is Metric.ERRORS:
            streams[check] = Streams(told.ends, told.events, live.events if live else None, past.events if past else None)
        elif check.metric is Metric.VALUE and told.values is not None:
            during, before = (None if pods is None else pods.values for pods in (live, past))
            streams[check] = Streams(told.ends, told.values, during, before).signed(check)
        elif check.metric is Metric.LATENCY and told.buckets is not None:
            compared, words = slowness.compared(
                check, told.ends, told.buckets, live.buckets if live else None, past.buckets if past else None
            )
            streams[check] = compared
            notes += [f"latency: {count} series: {word}" for word, count in Counter(words).most_common(3)]
        else:
            notes.append(f"{check.metric}: the file has no columns for this check: not judged")
    if not streams:
        raise Refused("the file has columns for none of the policy's checks")
    return question_about(spec, tuple(streams), told.ends.shape[1]), streams, notes


def question_about(spec: RolloutPolicySpec, checks: tuple[Check, ...], length: int) -> Question:
    """What the policy asks of a recorded rollout of `length` blocks: one canary stage, without guards and warm-up."""
    analysis = spec.analysis
    alpha, beta, interval = float(analysis.alpha), float(analysis.beta), float(analysis.interval)
    return Question(checks, (), alpha=alpha, beta=beta, interval=interval, warmup=0.0, stage_blocks=(length,))


def results_of(names: tuple[str, ...], question: Question, found: Outcomes) -> Iterator[Result]:
    """Harm comes first: a series that was proven good and then harmed was rolled back."""
    for one, name in enumerate(names):
        failed, passed = float(found.failed_at[one]), float(found.passed_at[one])
        decision = "rollback" if np.isfinite(failed) else "promote" if np.isfinite(passed) else "none"
        at = {"rollback": failed, "promote": passed, "none": None}[decision]
        check = int(found.blamed[one]) if decision == "rollback" else int(np.argmax(found.harm[one]))
        yield Result(
            series=name,
            decision=decision,
            t=at,
            check=str(question.checks[check].metric),
            e_harm=exp(min(float(found.joint_harm[one]), _LARGEST_LOG)),
            e_good=exp(min(float(found.good[one].min()), _LARGEST_LOG)),
            p_value=exp(-max(float(found.joint_harm[one]), 0.0)),
            difference=float(found.difference[one, check]),
            interval=(float(found.low[one, check]), float(found.high[one, check])),
            dispersion=float(found.dispersion[one, check]),
        )
