"""Whether a model can be rolled out by a policy at all, as both are written."""

from headgate.api.aimodel import AIModelSpec, SideEffects
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.status import AttemptKind
from headgate.rollout.replaying import limits_of
from headgate.rollout.snapshot import Problem


def misfit(spec: AIModelSpec, policy: RolloutPolicySpec, kind: AttemptKind) -> Problem | None:
    """What keeps an attempt of `kind` from starting, and what to do about it; None if nothing does."""
    if kind is AttemptKind.ROLLOUT and policy.stages[0].is_shadow and spec.serving.side_effects is not SideEffects.NONE:
        return Problem(
            Reason.SHADOW_NOT_ALLOWED,
            f"policy {spec.policy.name} begins with a shadow stage, and mirrored requests are executed: set spec.serving.sideEffects: None "
            "if scoring has no side effects, or name a policy without shadow",
        )
    if limits_of(policy, kind) is not None and spec.serving.replay is None:
        return Problem(
            Reason.REPLAY_MISSING,
            f"policy {spec.policy.name} compares answers in shadow: say in spec.serving.replay to which requests, and what makes two "
            "of them alike, or name a policy without replay",
        )
    return None
