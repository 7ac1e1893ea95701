"""Letters and receivers as tests need them."""

from datetime import UTC, datetime
from typing import Any

from headgate.api.notifications import Notification, Receiver
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Gate, Role
from headgate.notices.letter import Letter, Occasion, Place, letters

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PLACE = Place("production", "lending", "credit-scorer", "uid-1", "2.3.1", 4)
SLACK = {"slack": {"secretRef": {"name": "hooks", "key": "risk"}}}
DASHBOARD = "https://grafana.example/d/model?ns={namespace}&model={model}"
WAITING = Occasion(
    Reason.WAITING_FOR_APPROVAL,
    "the Deployment gate waits for people",
    gate=Gate.DEPLOYMENT,
    subject="sha256:" + "a" * 64,
    roles=(Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW),
    missing=("fairness-audit: nobody has approved yet", "security-review: nobody has approved yet"),
)
BACK = Occasion(Reason.ROLLED_BACK, "2.3.1 (revision 1a2b3c4d) lost its traffic: Guard: 8 of 30 requests failed", warning=True)


def notification(to: dict[str, Any] | None = None, **fields: Any) -> Notification:
    return Notification.model_validate({"name": "risk", "to": to or SLACK, **fields})


def receiver(**to: Any) -> Receiver:
    return Receiver.model_validate(to)


def letter(occasion: Occasion = WAITING, *, place: Place = PLACE, at: datetime = AT, dashboard: str = DASHBOARD) -> Letter:
    ((_, written),) = letters(occasion, place, at, (notification(on=["Any"]),), dashboard)
    return written
