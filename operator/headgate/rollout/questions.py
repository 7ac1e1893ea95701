"""What the judge is asked about the present attempt, and what users are exposed to meanwhile: both follow from status and policy."""

from dataclasses import replace
from datetime import datetime

from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AIModelStatus, AttemptKind, CandidateStatus
from headgate.api.vocabulary import Metric
from headgate.evidence.check import Check, DecisionCounters, FairnessQuestion, Question, SegmentsQuestion, Worse, request_guards
from headgate.evidence.counting.exposure import Exposure
from headgate.evidence.counting.series import Arm
from headgate.rollout.stages import Step, steps_of

_SHADOW_SHARE = 5
"""Shadow has a budget of its own: alpha divided by this."""
_SUMMARIES = {Metric.VALUE: "headgate_value", Metric.CONVERSIONS: "headgate_conversion"}
"""What a model calls its summaries unless its policy says otherwise."""


def is_judged(status: AIModelStatus) -> bool:
    """Whether requests of a candidate are being counted now."""
    return status.candidate is not None and status.candidate.stage is not None and status.candidate.kind is not AttemptKind.RESTORE


def question_of(status: AIModelStatus, policy: RolloutPolicySpec) -> Question:
    """The checks, guards and error budget of the attempt; of its shadow while it is in shadow. Raises ValueError without a candidate."""
    _, step, steps = _where(status, policy)
    return question_in(policy, steps, step)


def question_in(policy: RolloutPolicySpec, steps: tuple[Step, ...], step: Step) -> Question:
    """What is asked in `step`, one of `steps`."""
    analysis = policy.analysis
    judged = judged_with(steps, step)
    alpha = float(analysis.alpha) / (_SHADOW_SHARE if step.weight == 0 else 1)
    whole = Question(
        checks=checks_of(policy) if step.compares else (),
        guards=request_guards(policy.guards),
        alpha=alpha,
        beta=float(analysis.beta),
        interval=float(analysis.interval),
        warmup=float(analysis.warmup),
        stage_blocks=tuple(max(1, s.max_duration // analysis.interval) for s in judged),
        first_stage=steps.index(judged[0]),
        fairness=_fairness(policy, alpha),
    )
    return _split(whole, policy) if step.compares and policy.segments is not None else whole


def _split(whole: Question, policy: RolloutPolicySpec) -> Question:
    """Half of alpha for the comparison of all users, half for that of segments: the sum keeps the promise."""
    segments, alpha = policy.segments, whole.alpha / 2
    if segments is None:
        return whole
    checks = tuple(asked for asked, written in zip(whole.checks, policy.checks, strict=True) if written.segments is not None)
    each = replace(whole, checks=checks, guards=(), alpha=alpha / segments.most, fairness=None)
    split = SegmentsQuestion(segments.label, segments.most, segments.min_requests, alpha, each)
    return replace(whole, alpha=alpha, segments=split)


def checks_of(policy: RolloutPolicySpec) -> tuple[Check, ...]:
    """The policy's checks as the judge is asked them."""
    return tuple(
        Check(
            metric=check.metric,
            margin=check.limit,
            weight=float(check.weight),
            required=check.required,
            quantile=float(check.quantile) if check.quantile is not None else None,
            worse=Worse.MORE if check.max_decrease is None else Worse.LESS,
            summary=check.summary or _SUMMARIES.get(check.metric, ""),
        )
        for check in policy.checks
    )


def judged_with(steps: tuple[Step, ...], step: Step) -> tuple[Step, ...]:
    """The steps that share a budget with `step`, itself included: shadow has its own."""
    return tuple(other for other in steps if (other.weight == 0) == (step.weight == 0))


def _fairness(policy: RolloutPolicySpec, alpha: float) -> FairnessQuestion | None:
    asked = policy.triggers.fairness if policy.triggers else None
    if asked is None:
        return None
    points = asked.max_parity_difference
    return FairnessQuestion(
        min_ratio=float(asked.min_disparate_impact),
        alpha=alpha,
        max_difference=points.fraction if points is not None else None,
        reference=asked.reference or "",
        min_decisions=asked.min_decisions,
        required=asked.required,
        counters=DecisionCounters(asked.metric, asked.group_label, asked.outcome_label, asked.favourable),
    )


def exposure_of(status: AIModelStatus, policy: RolloutPolicySpec, *, sees_missing: bool) -> Exposure:
    """How the gateway serves the present stage. `sees_missing` is the metrics profile's capability.

    Raises ValueError without a candidate in a stage.
    """
    candidate, step, _ = _where(status, policy)
    stage, traffic = candidate.stage, status.traffic
    if stage is None:
        raise ValueError("the candidate is in no stage")
    shadow = step.weight == 0
    # A candidate that is alone holds slot 0: it is judged by its guards, and has nothing beside it.
    alone = bool(traffic.slots) and traffic.slots[0].revision == candidate.revision
    arm = Arm.MIRROR if shadow else Arm.STABLE if alone else Arm.CANDIDATE
    since = {place: _unix(slot.since) for place, slot in zip((Arm.STABLE, Arm.CANDIDATE), traffic.slots, strict=False)}
    if traffic.mirror is not None:
        since[Arm.MIRROR] = _unix(traffic.mirror.since)
    first = stage.entered if shadow else candidate.exposed
    return Exposure(
        attempt=str(candidate.attempt),
        stage=stage.index,
        stage_name=stage.name,
        since=_unix(stage.effective) if stage.effective else None,
        first_exposure=_unix(first) if first else None,
        candidate=arm,
        interval=float(policy.analysis.interval),
        warmup=float(policy.analysis.warmup),
        has_stable=step.compares and not alone,
        share=traffic.weight_of(candidate.revision) / 1000,
        mirrored=traffic.mirror.permille / 1000 if traffic.mirror else 0.0,
        slot_since=since,
        sees_missing=sees_missing,
        entered=_unix(stage.entered),
    )


def _where(status: AIModelStatus, policy: RolloutPolicySpec) -> tuple[CandidateStatus, Step, tuple[Step, ...]]:
    candidate = status.candidate
    if candidate is None or candidate.stage is None:
        raise ValueError("no candidate is in a stage")
    steps = steps_of(policy, candidate.kind)
    return candidate, steps[candidate.stage.index], steps


def _unix(moment: datetime) -> float:
    return moment.timestamp()
