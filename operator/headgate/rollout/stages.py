"""The stages of one attempt: which there are, how much traffic each gives, and when one is over."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from headgate.api.policy import RolloutPolicySpec, Stage
from headgate.api.quantities import Duration
from headgate.api.status import AttemptKind, StageStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One stage as an attempt runs it."""

    index: int
    name: str
    weight: int
    mirror: int
    min_duration: int
    max_duration: int
    min_requests: int
    compares: bool
    """Whether there is a stable version to compare with. Without one, time under guards is all there is."""
    is_full: bool


def steps_of(policy: RolloutPolicySpec, kind: AttemptKind) -> tuple[Step, ...]:
    """The stages of `kind`, in order. A first version goes to all users at once and soaks as long as the full stage; unchanged
    content skips shadow and runs each stage as briefly as it can be judged; a restored version and a baseline have no stages. An A/A test
    runs the canary stages in full, and never has all users."""
    if kind in (AttemptKind.RESTORE, AttemptKind.BASELINE):
        return ()
    if kind is AttemptKind.FIRST:
        return (_step(0, policy.stages[-1], weight=1000, compares=False),)
    stages = policy.stages if kind is AttemptKind.ROLLOUT else tuple(s for s in policy.stages if not s.is_shadow)
    if kind is AttemptKind.AA_TEST:
        stages = tuple(stage for stage in stages if not stage.is_full)
    if kind is AttemptKind.UNCHANGED:
        shortest = Duration(2 * policy.analysis.warmup + 4 * policy.analysis.interval)
        stages = tuple(stage.model_copy(update={"min_duration": shortest, "min_requests": 0}) for stage in stages)
    return tuple(_step(index, stage, weight=stage.weight, compares=True) for index, stage in enumerate(stages))


def _step(index: int, stage: Stage, *, weight: int, compares: bool) -> Step:
    return Step(
        index=index,
        name=stage.name,
        weight=weight,
        mirror=stage.mirror_percent or 0,
        min_duration=int(stage.min_duration),
        max_duration=int(stage.max_duration),
        min_requests=stage.min_requests,
        compares=compares,
        is_full=stage.is_full,
    )


def counted_seconds(stage: StageStatus, now: datetime) -> float:
    """The part of the stage's time that maxDuration counts."""
    if stage.effective is None:
        return 0.0
    waiving = (now - stage.waived_since).total_seconds() if stage.waived_since else 0.0
    return (now - stage.effective).total_seconds() - stage.waived_seconds - waiving


def waive(stage: StageStatus, begin: datetime, now: datetime, *, waived: bool) -> StageStatus:
    """`stage` with the clock of maxDuration stopped (since `begin`) or running. Changes only when that changes."""
    if waived and stage.waived_since is None:
        return stage.model_copy(update={"waived_since": begin})
    if not waived and stage.waived_since is not None:
        seconds = stage.waived_seconds + max(0, round((now - stage.waived_since).total_seconds()))
        return stage.model_copy(update={"waived_since": None, "waived_seconds": seconds})
    return stage


def after(moment: datetime, seconds: int) -> datetime:
    """`seconds` later."""
    return moment + timedelta(seconds=seconds)
