"""Whose approval a model waits for, read off its status: for Events and for whoever is to be told."""

from collections.abc import Iterable
from dataclasses import dataclass

from headgate.api.conditions import ConditionType
from headgate.api.gate_status import GateState
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Gate, Phase, Role
from headgate.rollout.decision import Announcement

_RENEWALS = frozenset({Reason.CONTINUATION_DUE, Reason.CONTINUATION_EXPIRED, Reason.USE_CASE_REJECTED})


@dataclass(frozen=True, slots=True)
class Asked:
    """People of `roles` are to decide about `subject`. `missing` says the same in sentences, and what else the gate lacks."""

    gate: Gate
    subject: str
    roles: tuple[Role, ...]
    missing: tuple[str, ...]


def asked(status: AIModelStatus) -> Asked | None:
    """What people have to decide before anything goes on; None if it does not wait for them."""
    case, candidate = status.use_case, status.candidate
    if status.phase is Phase.AWAITING_USE_CASE and case is not None:
        return _of(Gate.USE_CASE, case)
    gate = candidate.gate if candidate is not None else None
    if gate is None or not (status.phase is Phase.AWAITING_DEPLOYMENT or gate.lapsed_since is not None):
        return None
    return _of(Gate.DEPLOYMENT, gate)


def asked_by(reason: Reason, status: AIModelStatus) -> Asked | None:
    """What people have to decide so that `reason` is over."""
    case = status.use_case
    if reason not in _RENEWALS or case is None:
        return asked(status)
    missing = case.missing or tuple(f"{role}: to be renewed" for role in dict.fromkeys(case.required))
    return Asked(Gate.CONTINUATION, case.subject, _missing_roles(case.required, missing), missing)


def announced(before: AIModelStatus, after: AIModelStatus) -> tuple[Announcement, ...]:
    """What became of a model between two statuses that no single decision says: it began to wait for people, or is frozen."""
    found = []
    now, earlier = asked(after), asked(before)
    if now is not None and (earlier is None or (now.gate, now.subject) != (earlier.gate, earlier.subject)):
        found.append(Announcement(Reason.WAITING_FOR_APPROVAL, f"the {now.gate} gate waits for people: {'; '.join(now.missing)}"))
    if after.phase is Phase.FROZEN and before.phase is not Phase.FROZEN:
        found.append(Announcement(Reason.FROZEN, _ready_words(after), warning=True))
    return tuple(found)


def _of(gate: Gate, state: GateState) -> Asked | None:
    by_people = [words for words in state.missing if not words.startswith(f"{Role.AUTOMATED_CHECKS}:")]
    if state.open or not by_people:
        return None
    return Asked(gate, state.subject, _missing_roles(state.required, state.missing), state.missing)


def _missing_roles(required: Iterable[Role], missing: Iterable[str]) -> tuple[Role, ...]:
    lacking = tuple(words.partition(":")[0] for words in missing)
    return tuple(role for role in dict.fromkeys(required) if role is not Role.AUTOMATED_CHECKS and role in lacking)


def _ready_words(status: AIModelStatus) -> str:
    ready = next((condition for condition in status.conditions if condition.type is ConditionType.READY), None)
    return ready.message if ready is not None else "no version starts, and users stay where they are"
