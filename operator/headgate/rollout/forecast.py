"""What a rollout will need before it starts: for each stage and check, how long it takes to see harm and to prove that there is none."""

from dataclasses import dataclass
from math import inf, log

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Unit
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Metric
from headgate.evidence import power, robust_power
from headgate.evidence.bets.calibration import BETS, CALIBRATED_SHARES, FEWEST_ARMS
from headgate.evidence.bets.comparison import Line, limits_of
from headgate.evidence.bets.eprocess import start_weight
from headgate.evidence.check import Check, Question
from headgate.evidence.latency import slow_shares as latency
from headgate.evidence.latency.slow_shares import Pair, Unresolved
from headgate.evidence.pods import history
from headgate.evidence.power import Contest, Flow, Judging, Traffic, Wait
from headgate.rollout.questions import judged_with, question_in
from headgate.rollout.stages import Step, steps_of

TWICE, BEYOND = 2.0, 1.5
"""Harm that is looked for, in margins worse than the stable version: twice the margin; and one margin beyond the null, which is half."""
_MOST = 0.999
_NEEDS = "it needs {0}_sum and {0}_count of the pods of both versions"
_SPREAD = (
    "cannot be forecast, because no counter tells how much values differ: {0}, and 15 values of the candidate in each interval are enough"
)
_OFTEN = "cannot be forecast, because the traffic does not tell how often it is 1: {0}"


@dataclass(frozen=True, slots=True)
class Noise:
    """What the judge will know of the stable version: `pods` with counters of their own, by which its noise is measured, for as long as its
    past reaches. `phi` as in `power.Judging`."""

    pods: int = FEWEST_ARMS
    phi: float = 1.0

    @property
    def known(self) -> bool:
        return self.pods >= FEWEST_ARMS


@dataclass(frozen=True, slots=True)
class Effort:
    """Seconds since the stage took effect, warm-up included, for half of all rollouts (`typical`) and for nine in ten (`most`); and how
    many candidate requests are compared in the typical time. inf: never."""

    typical: float
    most: float
    requests: float


@dataclass(frozen=True, slots=True)
class CheckForecast:
    """One check in one stage. `twice` and `beyond` are harm that shows first in this stage; `good` is None where the proof was there
    before. A `problem` says why nothing can be said; `detail` how latency is compared."""

    check: Check
    twice: Effort | None = None
    beyond: Effort | None = None
    good: Effort | None = None
    proven: bool = False
    """In an earlier stage that shares its evidence with this one."""
    left: float = 1.0
    """The part of the proof that earlier stages left to do."""
    problem: str = ""
    measurable: bool = True
    """False: with this problem the check cannot be decided, ever. True: the problem is that too little is known here."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StageForecast:
    """`lasts`: seconds, of half of the rollouts of a version like the stable one; at most maxDuration, after which people may go on."""

    step: Step
    flow: Flow
    checks: tuple[CheckForecast, ...]
    lasts: float

    def allows(self, check: CheckForecast) -> float:
        """Seconds in which harm must show. A candidate that was proven good before leaves as soon as its time is served."""
        return self.lasts if check.proven else self.step.max_duration

    def unproven(self, check: CheckForecast) -> bool:
        """Whether more than half of all good candidates reach maxDuration without this proof."""
        return not check.measurable or (check.good is not None and check.good.typical > self.step.max_duration)


@dataclass(frozen=True, slots=True)
class Forecast:
    """A whole rollout of new content under one policy at one traffic."""

    policy: RolloutPolicySpec
    traffic: Traffic
    noise: Noise
    stages: tuple[StageForecast, ...]

    @property
    def lasts(self) -> float:
        return sum(stage.lasts for stage in self.stages)


def forecast(policy: RolloutPolicySpec, traffic: Traffic, noise: Noise | None = None) -> Forecast:
    """For a candidate that behaves like the stable version, and harm that shows first in each stage. Without `noise` it is
    taken to be known."""
    noise = noise or Noise()
    steps = steps_of(policy, AttemptKind.ROLLOUT)
    stages: list[StageForecast] = []
    left: dict[tuple[bool, Metric], float] = {}
    for step in steps:
        question = question_in(policy, steps, step)
        position = judged_with(steps, step).index(step)
        flow = flow_of(step, traffic.requests)
        waits = [waits_of(question, check, position, flow, traffic, noise) for check in question.checks]
        kind = step.weight == 0
        checks = tuple(
            _forecast_of(check, wait, left.get((kind, check.metric), 1.0), question.warmup, flow)
            for check, wait in zip(question.checks, waits, strict=True)
        )
        stage = StageForecast(step, flow, checks, _lasts(step, flow, checks))
        stages.append(stage)
        for check, wait in zip(checks, waits, strict=True):
            compared = max(0.0, stage.lasts - question.warmup)
            done = compared / wait.good.typical if isinstance(wait, Waits) and wait.good.typical > 0.0 else 0.0
            rest = check.left - done
            left[kind, check.check.metric] = rest if rest > 1e-9 else 0.0
    return Forecast(policy, traffic, noise, tuple(stages))


def flow_of(step: Step, requests: float) -> Flow:
    """Requests per second of both versions in a stage."""
    if step.weight == 0:
        return Flow(requests, requests * step.mirror / 1000)
    return Flow(requests * (1000 - step.weight) / 1000, requests * step.weight / 1000)


@dataclass(frozen=True, slots=True)
class Silence:
    """Why nothing can be said of a check; `measurable` as in CheckForecast."""

    problem: str
    measurable: bool


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds of comparison."""

    twice: Wait
    beyond: Wait
    good: Wait
    detail: str = ""


def waits_of(question: Question, check: Check, position: int, flow: Flow, traffic: Traffic, noise: Noise) -> Waits | Silence:
    """How long `check` has to be compared in the stage at `position` of `question.stage_blocks`, or why that is not known. `check` is
    one of the question's, maybe with another margin."""
    if flow.stable <= 0.0 or flow.candidate <= 0.0:
        return Silence("nothing is compared here: one of the versions gets no request", measurable=False)
    sides = _sides(check, traffic)
    if isinstance(sides, Silence):
        return sides
    weights = sum(other.weight for other in question.checks) / check.weight
    # Buckets are chosen from the stable version's first answers, also those of the warm-up.
    learning = power.whole(max(0.0, sides.learning / flow.stable - question.warmup), question.interval)
    judge = _Judge(question, position, flow, _judging(question, sides.good.stable, traffic, noise), known=noise.known)
    log_alpha, log_beta = log(question.alpha / weights), log(question.beta)
    twice, beyond = (judge.until_harm(harm, -log_alpha).after(learning) for harm in (sides.twice, sides.beyond))
    return Waits(twice, beyond, judge.until_good(sides.good, -log_beta).after(learning), sides.detail)


def _judging(question: Question, rate: float, traffic: Traffic, noise: Noise) -> Judging:
    if not noise.known:
        return Judging(question.interval, noise.phi)
    return Judging(question.interval, noise.phi, CALIBRATED_SHARES[BETS], rate * traffic.requests * history.LONGEST)


@dataclass(frozen=True, slots=True)
class _Harm:
    """Harm against the null of the bets, and against the whole margin."""

    null: Contest
    whole: Contest


@dataclass(frozen=True, slots=True)
class _Judge:
    """The judge as it will be in one stage."""

    question: Question
    position: int
    flow: Flow
    judging: Judging
    known: bool

    def until_harm(self, harm: _Harm, level: float) -> Wait:
        if not self.known:
            agreed = power.until_agreed(self.flow, harm.null, self.judging)
            return robust_power.until_reached(self.flow, harm.whole, level, 1.0, self.judging).not_before(agreed)
        blocks, position = self.question.stage_blocks, self.position
        start = start_weight(blocks, position, 0, first=position == 0)
        return power.until_harm(self.flow, harm.null, level - log(start), self.judging)

    def until_good(self, contest: Contest, level: float) -> Wait:
        if not self.known:
            return robust_power.until_reached(self.flow, contest, level, -1.0, self.judging)
        start = start_weight(self.question.stage_blocks, 0, 0, first=True)
        return power.until_good(self.flow, contest, level - log(start), self.judging)


@dataclass(frozen=True, slots=True)
class _Sides:
    """`learning`: answers of the stable version that are needed before anything is compared."""

    twice: _Harm
    beyond: _Harm
    good: Contest
    learning: float = 0.0
    detail: str = ""


def _sides(check: Check, traffic: Traffic) -> _Sides | Silence:
    if check.metric is Metric.LATENCY:
        return _latency_sides(check, traffic)
    if check.summary:
        needs = _NEEDS.format(check.summary)
        return Silence((_SPREAD if check.is_mean else _OFTEN).format(needs), measurable=True)
    rate = traffic.errors if check.metric is Metric.ERRORS else traffic.rejections
    if rate is None:
        return Silence(f"the present rate of {check.metric} is not known", measurable=True)
    limits = limits_of(check)
    wide = check.margin.fraction * (rate if check.margin.unit is Unit.RELATIVE else 1.0)
    worse = [min(rate + margins * wide, _MOST) for margins in (TWICE, BEYOND)]
    twice, beyond = (_Harm(Contest(rate, one, limits.harm), Contest(rate, one, limits.good)) for one in worse)
    return _Sides(twice, beyond, Contest(rate, rate, limits.good))


def _latency_sides(check: Check, traffic: Traffic) -> _Sides | Silence:
    past, quantile = traffic.latency, check.quantile
    if past is None or quantile is None:
        return Silence("no latency histogram is known", measurable=True)
    needed = latency.SLOW_EVENTS_NEEDED / (1.0 - quantile)
    chosen = latency.choose(past, quantile, check.margin)
    if chosen is None:
        words = f"too few answers with a latency were seen to choose buckets: {past.timed:,} of {needed:,.0f}"
        return Silence(words, measurable=True)
    if isinstance(chosen, Unresolved):
        return Silence(chosen.detail, measurable=False)

    def above(bound: float, margins: float = 0.0) -> float:
        return latency.slow_when_later(past, quantile, check.margin, margins, bound)

    def worse(pair: Pair, margins: float, line: Line) -> Contest:
        return Contest(above(pair.stable), above(pair.candidate, margins), line)

    harm, good, limits = chosen.harm, chosen.good, chosen.limits
    twice, beyond = (_Harm(worse(harm, margins, limits.harm), worse(good, margins, limits.good)) for margins in (TWICE, BEYOND))
    return _Sides(twice, beyond, Contest(above(good.stable), above(good.candidate), limits.good), needed, chosen.detail)


def _forecast_of(check: Check, waits: Waits | Silence, left: float, warmup: float, flow: Flow) -> CheckForecast:
    proven = left == 0.0
    if isinstance(waits, Silence):
        # What was proven before needs no comparison here.
        return CheckForecast(
            check, proven=proven, left=left, problem="" if proven else waits.problem, measurable=proven or waits.measurable
        )
    twice, beyond = (_effort(wait, 1.0, warmup, flow) for wait in (waits.twice, waits.beyond))
    good = None if proven else _effort(waits.good, left, warmup, flow)
    return CheckForecast(check, twice, beyond, good, proven, left, detail=waits.detail)


def _effort(wait: Wait, part: float, warmup: float, flow: Flow) -> Effort:
    return Effort(warmup + part * wait.typical, warmup + part * wait.most, part * wait.typical * flow.candidate)


def _lasts(step: Step, flow: Flow, checks: tuple[CheckForecast, ...]) -> float:
    """As `advance` ends a stage: time, requests, and the proof of all required checks (of one, where none is required)."""
    proofs = [(check.check.required, _proof_seconds(check)) for check in checks]
    required = [seconds for needed, seconds in proofs if needed]
    proof = max(required) if required else min((seconds for _, seconds in proofs), default=0.0)
    requests = step.min_requests / flow.candidate if flow.candidate > 0.0 else inf if step.min_requests else 0.0
    return min(max(step.min_duration, proof, requests), step.max_duration)


def _proof_seconds(check: CheckForecast) -> float:
    """Checks of which too little is known are left out."""
    if check.good is not None:
        return check.good.typical
    return 0.0 if check.measurable else inf
