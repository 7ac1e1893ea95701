"""Approvals held against the models they are about: which would count if they were applied now."""

from collections.abc import Iterator
from datetime import datetime

from headgate.api.aimodel import AIModelSpec
from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import GATE_DECISIONS, DecisionKind, Gate, Leave, Mode, Tier
from headgate.cli.governing.verify import made_at
from headgate.cli.linting.findings import Finding
from headgate.cli.linting.manifests import Collection, Manifest
from headgate.cli.linting.tiers import Circumstances, as_applied, lowering_subject, risk_of, would_not_count
from headgate.cli.starting.scaffold import NO_DIGEST
from headgate.cli.view import clock
from headgate.governance.approvals import Matter, counted_until, short
from headgate.governance.persons import deceptive
from headgate.governance.subjects import deployment_statement, subject_of, use_case_statement
from headgate.governance.trust import Trust
from headgate.rollout.configuration import Source, references
from headgate.rollout.replaying import limits_of
from headgate.rollout.revisions import revision_of


def decision_findings(collection: Collection, by: Circumstances) -> Iterator[Finding]:
    """Of every approval: its author, its subject, and whether it would count."""
    for approval in collection.approvals:
        yield from _author(approval)
        if approval.spec.subject == NO_DIGEST:
            said = f"{NO_DIGEST[:15]}... stands for a subject that is not known yet: kubectl headgate subject prints it"
            yield approval.warning("placeholder", ("subject",), said)
            continue
        model = collection.model_of(approval)
        if model is None:
            # A model that cannot be read is told by itself.
            if ("AIModel", approval.written.namespace, approval.spec.model) not in collection.known:
                said = (
                    f"there is no AIModel {approval.written.namespace}/{approval.spec.model} among these files: it was held against nothing"
                )
                yield approval.note("model-missing", ("model",), said)
        elif approval.spec.decision in GATE_DECISIONS:
            yield from _of_gate(approval, model, collection, by)


def _author(approval: Manifest[GovernanceApprovalSpec]) -> Iterator[Finding]:
    who = approval.spec.approver
    if who.startswith("system:"):
        yield approval.error("approver", ("approver",), f"{who} is no person: a decision needs one")
    elif strange := deceptive(who):
        yield approval.error("approver", ("approver",), strange)


def _of_gate(
    approval: Manifest[GovernanceApprovalSpec],
    model: Manifest[AIModelSpec],
    collection: Collection,
    by: Circumstances,
) -> Iterator[Finding]:
    spec, policy, now = approval.spec, collection.policy_of(model), by.now
    risk = risk_of(model, collection, by)
    lowers = spec.gate is Gate.TIER_LOWERING
    tier = risk.lowering.table if lowers and risk.lowering is not None else risk.tier
    where = by.environment_of(approval)
    trust = Trust(where, collection.store)
    signed = collection.store is not None and spec.signature is not None
    if signed and (unverified := trust.unverified(spec, approval.written.namespace, made_at(approval.written.metadata, now))):
        yield approval.error("signature", ("signature",), f"it has no effect: {unverified}")
        return
    if spec.decision is not DecisionKind.APPROVE or tier is None:
        return
    if lowers and risk.lowering is None:
        said = f"{model.written.name} declares no tier below the table's {tier}, so there is nothing to lower"
        yield approval.warning("nothing-to-lower", ("gate",), said)
        return
    until = counted_until(as_applied(approval, now), tier)
    if now >= until:
        yield approval.warning("expired", ("expiresAt",), f"it does not count any more: it ended at {clock(until)}")
        return
    if not where:
        said = "for which environment it is meant is not known, so its subject was not checked: say --environment"
        yield approval.note("subject-unread", ("subject",), said)
        return
    present = lowering_subject(model, risk.lowering, where) if lowers and risk.lowering else _subject(spec, model, policy, tier, where)
    if present is None:
        said = "its subject was not checked: the policy or ConfigMaps of the model are not among these files"
        yield approval.note("subject-unread", ("subject",), said)
    elif present != spec.subject:
        said = f"its subject {short(spec.subject)} is not the present one ({short(present)}): it opens no gate for what is written now"
        yield approval.warning("subject", ("subject",), said)
    elif words := would_not_count(approval, _matter(spec, model, tier, trust, now), collection, now):
        yield approval.error("not-counted", ("role",), f"it would not count: {words}")


def _subject(
    spec: GovernanceApprovalSpec, model: Manifest[AIModelSpec], policy: Manifest[RolloutPolicySpec] | None, tier: Tier, environment: str
) -> str | None:
    """What the gate asks about now; None if that takes more than the files say."""
    namespace, name = model.written.namespace, model.written.name
    if spec.gate is not Gate.DEPLOYMENT:
        statement = use_case_statement(
            environment=environment,
            namespace=namespace,
            name=name,
            classification=model.spec.classification,
            requirements=model.spec.requirements,
            vendor=model.spec.vendor,
            tier=tier,
        )
        return subject_of(statement)
    template = model.spec.serving.deployment.template
    if policy is None or any(one.source is Source.CONFIG_MAP for one in references(template)):
        return None
    replay = model.spec.serving.replay if limits_of(policy.spec, AttemptKind.ROLLOUT) is not None else None
    observed = model.spec.mode is Mode.OBSERVE and policy.spec.analysis.observe is Leave.ALLOWED
    statement = deployment_statement(
        environment=environment,
        namespace=namespace,
        name=name,
        content=revision_of(model.spec, {}).content,
        tier=tier,
        policy=policy.spec,
        mode=Mode.OBSERVE if observed else Mode.ENFORCE,
        replay=replay.digest if replay is not None else None,
        evidence=model.spec.evidence,
        lineage=model.spec.lineage,
    )
    return subject_of(statement)


def _matter(spec: GovernanceApprovalSpec, model: Manifest[AIModelSpec], tier: Tier, trust: Trust, now: datetime) -> Matter:
    assert spec.gate is not None
    assert spec.subject is not None
    # Continuation renews the use case: the same people, the same question.
    return Matter(spec.gate, tier, spec.subject, (model.spec.owners.technical.user,), now, trust)
