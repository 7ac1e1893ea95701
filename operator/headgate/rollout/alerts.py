"""Firing alerts that name a model: which of them keep its candidate where it is, and which take it back.

An alert that began before the candidate got its first request cannot be its doing, and what is not known to fire takes nobody back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.status import AIModelStatus
from headgate.api.triggers import AlertTrigger
from headgate.api.vocabulary import AlertAction

FRESH = 60.0
"""Seconds after which an answer is old news."""
_SAME = 600.0
"""Seconds: an alert that comes back within this time is the same one. A restart of Prometheus interrupts alerts that have no `for`."""
_OF_OTHERS = ("headgate_revision", "revision")
"""Labels by which an alert may say which version it is about."""
_SAID = 300
"""Characters of an alert's labels that are told."""


@dataclass(frozen=True, slots=True)
class FiringAlert:
    """One alert, as labels without __name__ and alertstate, sorted by name. `since`: Unix time at which its condition came true, None where
    the source does not say. `seen`: our time of the last answer in which it fired."""

    labels: tuple[tuple[str, str], ...]
    since: float | None
    seen: float

    def label(self, name: str) -> str:
        """Empty without such a label, as in Prometheus."""
        return dict(self.labels).get(name, "")

    @property
    def words(self) -> str:
        """The alert as one would ask Prometheus for it, and since when."""
        shown = ", ".join(f'{name}="{value}"' for name, value in self.labels if name != "alertname")
        began = f" since {datetime.fromtimestamp(self.since, UTC):%Y-%m-%d %H:%M:%S}Z" if self.since is not None else ""
        cut = shown if len(shown) <= _SAID else shown[: _SAID - 3] + "..."
        return f"alert {self.label('alertname')}{{{cut}}} fires{began}"


@dataclass(frozen=True, slots=True)
class AlertsSeen:
    """What is known of one model's alerts. `as_of`: our time of the last good answer, None before the first. `known` are those that fire,
    and those that fired lately."""

    as_of: float | None = None
    known: tuple[FiringAlert, ...] = ()

    @property
    def firing(self) -> tuple[FiringAlert, ...]:
        """By the last good answer."""
        return tuple(alert for alert in self.known if alert.seen == self.as_of)


def fold(before: AlertsSeen, answered: Iterable[FiringAlert], now: float) -> AlertsSeen:
    """`before` and one more answer. What was seen before keeps its earlier beginning, also where it is only known that it had one."""
    known = {alert.labels: alert for alert in before.known if now - alert.seen <= _SAME}
    for alert in answered:
        last = known.get(alert.labels)
        known[alert.labels] = replace(alert, since=_earlier(last, alert), seen=now)
    return AlertsSeen(now, tuple(known[labels] for labels in sorted(known)))


def _earlier(last: FiringAlert | None, alert: FiringAlert) -> float | None:
    if last is None:
        return alert.since
    if last.since is None or alert.since is None:
        return last.since
    return min(last.since, alert.since)


def asked_of(policy: RolloutPolicySpec | None) -> tuple[AlertTrigger, ...]:
    """The alerts that a policy heeds."""
    return policy.triggers.alerts or () if policy is not None and policy.triggers is not None else ()


def blaming(policy: RolloutPolicySpec | None, seen: AlertsSeen, status: AIModelStatus, now: float) -> FiringAlert | None:
    """The alert that takes the candidate back: it fires now, its trigger says RollBack, it began after the candidate got its first
    request, and it is not about another version."""
    began, candidate = first_request(status), status.candidate
    if candidate is None or began is None or seen.as_of is None or now - seen.as_of > FRESH:
        return None
    for alert in seen.firing:
        named = {alert.label(name) for name in _OF_OTHERS} - {""}
        later = alert.since is not None and alert.since >= began
        if later and named <= {candidate.revision, candidate.version} and _action(policy, alert) is AlertAction.ROLL_BACK:
            return alert
    return None


def holding(policy: RolloutPolicySpec | None, seen: AlertsSeen, now: float) -> tuple[Reason, str] | None:
    """Why the candidate does not rise, as far as alerts have a say. What fired when Prometheus was last heard still holds."""
    if not asked_of(policy):
        return None
    alert = next((alert for alert in seen.firing if _action(policy, alert) is not None), None)
    if alert is not None:
        return Reason.ALERT_FIRING, f"{alert.words}: nothing rises until it is over"
    if seen.as_of is None or now - seen.as_of > FRESH:
        return Reason.SOURCE_DOWN, "the alerts about this model cannot be read from Prometheus: nothing rises until they can"
    return None


def first_request(status: AIModelStatus) -> float | None:
    """Since when requests of users, or copies of them, reach the candidate; None as long as none do."""
    candidate, mirror = status.candidate, status.traffic.mirror
    if candidate is None or candidate.stage is None:
        return None
    if candidate.exposed is not None:
        return candidate.exposed.timestamp()
    return mirror.since.timestamp() if mirror is not None and mirror.revision == candidate.revision else None


def _action(policy: RolloutPolicySpec | None, alert: FiringAlert) -> AlertAction | None:
    """What the policy wants done about it; the strongest, if several triggers fit. None if none fits."""
    found = {trigger.action for trigger in asked_of(policy) if _fits(trigger, alert)}
    return next((action for action in (AlertAction.ROLL_BACK, AlertAction.HOLD) if action in found), None)


def _fits(trigger: AlertTrigger, alert: FiringAlert) -> bool:
    asked: Mapping[str, str | None] = {"alertname": trigger.name, "severity": trigger.severity}
    return all(value is None or alert.label(name) == value for name, value in asked.items())
