"""Decisions of people, for tests of the governance rules."""

from datetime import UTC, datetime, timedelta

from headgate.api.approval import GovernanceApprovalSpec, Target
from headgate.api.vocabulary import DecisionKind, Gate, Role
from headgate.governance.approvals import Approval
from headgate.governance.gates import AutomatedChecks, GateReading, evaluate
from headgate.governance.trust import Trust

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SUBJECT = "sha256:" + "77ab" * 16
OTHER_SUBJECT = "sha256:" + "0c0c" * 16
OWNER = "chen@bank.example"
HOUR = timedelta(hours=1)
HIGH = (Role.TECHNICAL_VALIDATION, Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW, Role.LEGAL_APPROVAL, Role.EXECUTIVE_SPONSOR)
MEDIUM = HIGH[:3]
NO_STORE = Trust()
PASSED = AutomatedChecks(passed=True, reason="the shadow verdict is Pass")
NOT_PASSED = AutomatedChecks(passed=False, reason="the shadow stage has not passed")


def decision(
    role: Role,
    approver: str,
    kind: DecisionKind = DecisionKind.APPROVE,
    *,
    created: datetime = NOW - HOUR,
    expires: datetime | None = NOW + 24 * HOUR,
    subject: str = SUBJECT,
    enforced: bool = True,
    name: str = "",
) -> Approval:
    spec = GovernanceApprovalSpec(
        model="credit-scorer",
        decision=kind,
        gate=Gate.DEPLOYMENT,
        role=role,
        subject=subject,
        approver=approver,
        rationale="looked at the report",
        expires_at=expires,
    )
    name = name or f"{kind.value.lower()}-{role.value}-{approver}-{created:%H%M%S}"
    return Approval(name=name, namespace="lending", uid=name, created=created, spec=spec, enforced=enforced)


def halt(approver: str) -> Approval:
    spec = GovernanceApprovalSpec(
        model="credit-scorer",
        decision=DecisionKind.HALT,
        approver=approver,
        rationale="customers complain",
        target=Target(revision="0123abcd", attempt=1),
    )
    return Approval(name="halt", namespace="lending", uid="halt", created=NOW, spec=spec)


def read(
    approvals: list[Approval],
    *,
    required: tuple[str, ...] = MEDIUM,
    tier: str | None = "Medium",
    now: datetime = NOW,
    automated: AutomatedChecks = PASSED,
    trust: Trust = NO_STORE,
    owner: str = OWNER,
    lacking: tuple[str, ...] = (),
) -> GateReading:
    return evaluate(
        required=required,
        tier=tier,
        subject=SUBJECT,
        approvals=approvals,
        technical_owners=(owner,),
        now=now,
        automated=automated,
        trust=trust,
        lacking=lacking,
    )
