"""Rollouts of several checks at once, each with lines and counts of its own: the operator's panel, moved over whole simulated streams."""

from dataclasses import dataclass, replace

import numpy as np
from tests.statistics.noise import Floats

from headgate.evidence import eprocess, panel
from headgate.evidence.calibration import Calibration
from headgate.evidence.check import Question
from headgate.evidence.judge import weights_of
from headgate.evidence.panel import ACT, Panel, Rows


@dataclass(frozen=True, slots=True)
class CheckStream:
    """One check of many runs. `counts`: (runs, blocks, 3, 4) for harm, act and good. `lines`: (runs, 3, 2), ratio and offset of the three.

    `learnt`: (runs, blocks, 4), as panel.Rows.learnt. `before`: (runs, 4), the same summed up before the rollout.
    """

    counts: Floats
    lines: Floats
    learnt: Floats
    before: Floats


@dataclass(frozen=True, slots=True)
class Judged:
    """Per run, the block (from 1) at which it was rolled back, and the first at which all checks were proven good; infinity: never."""

    rolled_back: Floats
    proven_good: Floats


def judge(question: Question, checks: list[CheckStream], seconds: float) -> Judged:
    """Requests are taken to be independent, as they are where this is used: no calibration."""
    runs, blocks = checks[0].counts.shape[:2]
    lines = np.stack([check.lines for check in checks], axis=1)
    weights = weights_of(question)
    now = Panel.empty((runs, len(checks)))
    now = _knowing(now, np.stack([check.before for check in checks], axis=1))
    calibration = Calibration.exact((runs, len(checks)))
    spent, joint = 0.0, np.zeros(runs)
    failed, good = np.full(runs, np.inf), np.full(runs, np.inf)
    for block, (stage, index) in enumerate(_stages(question, blocks)):
        weight = eprocess.start_weight(question.stage_blocks, stage, index, first=block == 0)
        spent = min(spent + weight, 1.0)
        rows = Rows(
            end=np.full((runs, len(checks)), seconds * (block + 1)),
            counts=np.stack([check.counts[:, block] for check in checks], axis=1),
            lines=lines,
            learnt=np.stack([check.learnt[:, block] for check in checks], axis=1),
        )
        now = panel.advance(now, rows, calibration, weight, spent)
        joint = np.maximum(joint, panel.joint(now.evidence[..., 0], weights))
        blamed = panel.blamed(now, joint, weights, question.alpha, lines[:, :, ACT])
        failed = np.where((blamed >= 0) & np.isinf(failed), block + 1.0, failed)
        proven = (now.peaks[..., 1] >= -np.log(question.beta)).all(axis=1)
        good = np.where(proven & np.isinf(good), block + 1.0, good)
    return Judged(failed, good)


def _knowing(empty: Panel, before: Floats) -> Panel:
    return replace(empty, history=panel.learn(empty.history, before))


def _stages(question: Question, blocks: int) -> list[tuple[int, int]]:
    """Stage and index in it of each block."""
    places = [(stage, index) for stage, planned in enumerate(question.stage_blocks) for index in range(planned)]
    return places[:blocks]
