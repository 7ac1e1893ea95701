"""What an assessment says as conditions of the AIModel."""

import re
from collections.abc import Mapping
from datetime import datetime

from headgate.api.conditions import Condition, ConditionType, condition
from headgate.api.reasons import Reason
from headgate.monitoring.inservice.assessment import Assessment, Kind, Named
from headgate.monitoring.result import LimitVerdict

_KINDS: Mapping[ConditionType, tuple[Kind, ...]] = {
    ConditionType.DRIFT_WITHIN_LIMITS: (Kind.DRIFT, Kind.PERFORMANCE),
    ConditionType.OVERSIGHT_EFFECTIVE: (Kind.OVERSIGHT,),
    ConditionType.VENDOR_WITHIN_SLA: (Kind.VENDOR,),
}
_SAID = {
    LimitVerdict.WITHIN_LIMITS: ("True", Reason.WITHIN_LIMITS),
    LimitVerdict.DRIFTING: ("False", Reason.DRIFTING),
    LimitVerdict.VIOLATED: ("False", Reason.LIMIT_VIOLATED),
    LimitVerdict.NOT_ASSESSED: ("Unknown", Reason.NOT_ASSESSED),
}
_LONGEST = 1024
_NUMBER = re.compile(r"-?\d[\d.,]*(e[-+]\d+)?")


def conditions(before: tuple[Condition, ...], found: Assessment, generation: int, now: datetime) -> tuple[Condition, ...]:
    """One for each of the three that is asked for. One that says the same as before is the same object."""
    known = {one.type: one for one in before}
    return tuple(
        _condition(known.get(kind), kind, found, generation, now)
        for kind, kinds in _KINDS.items()
        if any(one in found.figures for one in kinds)
    )


def _condition(before: Condition | None, kind: ConditionType, found: Assessment, generation: int, now: datetime) -> Condition:
    verdict = found.verdict(*_KINDS[kind])
    status, reason = _SAID[verdict]
    message = _words(verdict, found.counting(*_KINDS[kind]))
    if kind is ConditionType.VENDOR_WITHIN_SLA and found.credits_due:
        owed = f"credits are due for {', '.join(found.credits_due[-4:])}"
        message = f"{owed}; {message}"
        if verdict is not LimitVerdict.VIOLATED:
            reason = Reason.CREDITS_DUE
    same = before is not None and (before.status, before.reason, before.observed_generation) == (status, str(reason), generation)
    cut = message if len(message) <= _LONGEST else message[: _LONGEST - 3] + "..."
    if before is not None and same and _shape(before.message) == _shape(cut):
        # Figures move at every look; what they mean did not.
        return before
    return condition(before, now, type=kind, status=status, reason=reason, message=cut, observed_generation=generation)


def _words(verdict: LimitVerdict, named: tuple[Named, ...]) -> str:
    """The figures that the verdict rests on."""
    if verdict is LimitVerdict.WITHIN_LIMITS:
        return f"{len(named)} figures are within their limits"
    told = [f"{name} {one.statistic}: {one.why}".strip() for name, one in named if one.verdict is verdict]
    more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(told[:3]) + more


def _shape(message: str) -> str:
    """A message without its numbers."""
    return _NUMBER.sub("#", message)
