"""Which tier a model would have, if what these files say were applied now: a lower one that the legal role agrees to counts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.vocabulary import Gate
from headgate.cli.governing.verify import made_at
from headgate.cli.linting.manifests import Collection, Manifest
from headgate.governance.approvals import Approval, Matter, why_not
from headgate.governance.classification import Consent, Lowering, RiskReading, TableState, assess
from headgate.governance.subjects import subject_of, tier_lowering_statement
from headgate.governance.trust import Trust


@dataclass(frozen=True, slots=True)
class Circumstances:
    """By what models are held. `environment`: for which cluster; empty if it is not known, then that of each signature counts."""

    table: TableState
    environment: str
    now: datetime

    def environment_of(self, approval: Manifest[GovernanceApprovalSpec]) -> str:
        """Empty if nobody says."""
        signature = approval.spec.signature
        return self.environment or (signature.environment if signature else "")


def risk_of(model: Manifest[AIModelSpec], collection: Collection, by: Circumstances) -> RiskReading:
    """What the classification comes to."""
    reading = assess(model.spec.classification, by.table)
    if reading.lowering is None:
        return reading
    agreed = next(_agreeing(model, reading.lowering, collection, by), None)
    if agreed is None:
        return reading
    return assess(model.spec.classification, by.table, Consent(True, f"{agreed.spec.role}: {agreed.spec.approver}"))


def lowering_subject(model: Manifest[AIModelSpec], lowering: Lowering, environment: str) -> str:
    """What the gate TierLowering asks about."""
    statement = tier_lowering_statement(
        environment=environment,
        namespace=model.written.namespace,
        name=model.written.name,
        classification=model.spec.classification,
        requirements=model.spec.requirements,
        vendor=model.spec.vendor,
        table_tier=lowering.table,
        declared=lowering.declared,
    )
    return subject_of(statement)


def would_not_count(approval: Manifest[GovernanceApprovalSpec], matter: Matter, collection: Collection, now: datetime) -> str:
    """Why an Approve would have no effect among all that these files decide about its model, in words; empty if it has."""
    model = collection.model_of(approval)
    all_of_it = [as_applied(one, now) for one in collection.approvals if collection.model_of(one) is model]
    mine = next(one for one in all_of_it if one.spec is approval.spec)
    return why_not(mine, all_of_it, matter)


def as_applied(approval: Manifest[GovernanceApprovalSpec], now: datetime) -> Approval:
    """As the operator would see it; one that is in no cluster yet would be made now."""
    written = approval.written
    return Approval(written.name, written.namespace, written.name, made_at(written.metadata, now), approval.spec)


def _agreeing(
    model: Manifest[AIModelSpec], lowering: Lowering, collection: Collection, by: Circumstances
) -> Iterator[Manifest[GovernanceApprovalSpec]]:
    for approval in collection.approvals:
        where = by.environment_of(approval)
        if approval.spec.gate is not Gate.TIER_LOWERING or collection.model_of(approval) is not model or not where:
            continue
        subject, trust = lowering_subject(model, lowering, where), Trust(where, collection.store)
        matter = Matter(Gate.TIER_LOWERING, lowering.table, subject, (model.spec.owners.technical.user,), by.now, trust)
        if not would_not_count(approval, matter, collection, by.now):
            yield approval
