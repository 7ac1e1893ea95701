"""Which models need somebody first, and whom. Pure."""

from enum import IntEnum

from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Phase, Role, Verdict
from headgate.cli.view import ModelView, missing_roles


class Attention(IntEnum):
    """How urgently a model needs a person; the smallest first."""

    USERS_AT_RISK = 0
    """Users do not get the version they should, or one is being taken off them right now."""
    TO_REPAIR = 1
    """It stands still until somebody repairs something: admission policies, the spec, the policy, the cluster."""
    TAKEN_BACK = 2
    """A version was taken back or denied, or the model is frozen: somebody has to decide what comes next."""
    WAITS_FOR_PEOPLE = 3
    """It goes on as soon as a person decides."""
    IN_DOUBT = 4
    """A rollout about which the evidence says nothing, or nothing good."""
    MOVING = 5
    SETTLED = 6


_DOUBTS = frozenset({Verdict.FAIL, Verdict.NO_DATA, Verdict.SOURCE_DOWN, Verdict.NOT_MEASURABLE})
_STOPPED = frozenset({Phase.ROLLED_BACK, Phase.DENIED, Phase.FROZEN})


def attention(view: ModelView) -> Attention:
    """The most urgent that is true of it."""
    status = view.status
    if status.phase is Phase.ROLLING_BACK or status.failover is not None or _is(view, ConditionType.SERVING, "False"):
        return Attention.USERS_AT_RISK
    if _is(view, ConditionType.GOVERNANCE_ENFORCED, "False") or (_is(view, ConditionType.STALLED, "True") and status.phase not in _STOPPED):
        return Attention.TO_REPAIR
    if status.phase in _STOPPED:
        return Attention.TAKEN_BACK
    if waiting_for(view):
        return Attention.WAITS_FOR_PEOPLE
    if status.candidate is not None:
        return Attention.IN_DOUBT if status.candidate.verdict in _DOUBTS and status.candidate.exposed else Attention.MOVING
    return Attention.SETTLED if status.phase is Phase.LIVE else Attention.MOVING


def missing(view: ModelView) -> tuple[Role, ...]:
    """The roles whose approval one of its gates waits for, each once."""
    gates = (gate for gate in (view.status.use_case, view.gate) if gate is not None and not gate.open)
    return tuple(dict.fromkeys(role for gate in gates for role in missing_roles(gate)))


def waiting_for(view: ModelView) -> tuple[str, ...]:
    """Which persons it waits for: roles that have to approve, and whoever may let it go on."""
    waits = [str(role) for role in missing(view)]
    if view.status.paused is not None:
        waits.append("resume")
    ready = view.condition(ConditionType.READY)
    if ready is not None and ready.reason is Reason.PROMOTE_REQUIRED:
        waits.append("promote")
    return tuple(waits)


def by_attention(view: ModelView) -> tuple[int, str, str]:
    """A key for sorting: the most urgent first, then by name."""
    return attention(view), view.namespace, view.name


def _is(view: ModelView, kind: ConditionType, status: str) -> bool:
    found = view.condition(kind)
    return found is not None and found.status == status
