"""What exactly people decide on, as a canonical statement and its digest.

A statement lists its fields explicitly: a field that a later release adds to a policy does not change the statements of version 1,
so an upgrade voids no approval. Lists whose order means nothing are sorted, because server-side apply may reorder them.
"""

from collections.abc import Sequence
from typing import Any

from headgate.api.aimodel import Classification
from headgate.api.digests import canonical, sha256
from headgate.api.dossier import Evidence, LineageStep, Requirements
from headgate.api.gates import Gates, TieredRoles
from headgate.api.policy import Analysis, Check, Guard, RolloutPolicySpec, Stage
from headgate.api.remembering import per_object
from headgate.api.replay import ReplayLimits
from headgate.api.triggers import AlertTrigger, Fairness
from headgate.api.vendor import Ratings, Vendor
from headgate.api.vocabulary import LiteracyRule, Mode, Tier, VendorCriterion

STATEMENT_VERSION = 1

_STAGE = {"name", "mirror_percent", "traffic_percent", "holdback_percent", "min_duration", "max_duration", "min_requests"}
_REPLAY = {"min_agreement", "min_pairs", "max_contract_violations", "max_validation_gap"}
_CHECK = {"metric", "max_increase", "max_decrease", "quantile", "summary", "weight", "required", "segments"}
"""`max_decrease`, `summary` and `segments` are named only where they are set, as all that may be left out: other checks read as they always
did."""
_GUARD = {"metric", "max_rate", "min_requests", "max_restarts", "window"}
_ANALYSIS = {"alpha", "beta"}
_FAIRNESS = {
    "min_disparate_impact",
    "max_parity_difference",
    "metric",
    "group_label",
    "outcome_label",
    "favourable",
    "reference",
    "min_decisions",
    "required",
}
_ALERT = {"name", "severity", "action"}


def deployment_statement(
    *,
    environment: str,
    namespace: str,
    name: str,
    content: str,
    tier: Tier,
    policy: RolloutPolicySpec,
    mode: Mode = Mode.ENFORCE,
    replay: str | None = None,
    evidence: Sequence[Evidence] = (),
    lineage: Sequence[LineageStep] = (),
) -> dict[str, Any]:
    """What the Deployment gate is about: this content of this model, in this environment, at this tier, under this policy.

    `environment` keeps a staging approval out of production. `content` is the revision's content digest. `mode` is named only where the
    judge is to have no say, evidence and lineage only where there are some: what was approved before there was a choice stays approved.
    `replay` is the digest of the model's own part of a replay, named only where the policy asks for one.
    """
    return {
        "statementVersion": STATEMENT_VERSION,
        "kind": "deployment",
        "environment": environment,
        "namespace": namespace,
        "name": name,
        "content": content,
        "tier": str(tier),
        "policy": _governing(policy),
        **({"mode": str(mode)} if mode is not Mode.ENFORCE else {}),
        **({"replay": replay} if replay is not None else {}),
        **({"evidence": sorted([one.type, one.digest] for one in evidence)} if evidence else {}),
        **({"lineage": [[step.component, step.component_version, step.input, step.output] for step in lineage]} if lineage else {}),
    }


def use_case_statement(
    *,
    environment: str,
    namespace: str,
    name: str,
    classification: Classification,
    requirements: Requirements | None,
    tier: Tier,
    vendor: Vendor | None,
) -> dict[str, Any]:
    """What the gates UseCase and Continuation are about: such a model, in this environment, whatever its versions. `tier` is the one that
    the classification comes to. How the tier was declared, and by which table it was found, is no part of it. Of a vendor: who it is,
    what of theirs is used, and how they were evaluated; what they announce comes and goes without a new decision."""
    named = classification.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"declared_tier"})
    return {
        "statementVersion": STATEMENT_VERSION,
        "kind": "useCase",
        "environment": environment,
        "namespace": namespace,
        "name": name,
        "classification": {key: sorted(set(value)) if isinstance(value, list) else value for key, value in named.items()},
        "requirements": sha256(requirements.model_dump(mode="json", by_alias=True, exclude_defaults=True))
        if requirements is not None
        else None,
        "tier": str(tier),
        **({"vendor": _vendor(vendor)} if vendor is not None else {}),
    }


def tier_lowering_statement(
    *,
    environment: str,
    namespace: str,
    name: str,
    classification: Classification,
    requirements: Requirements | None,
    table_tier: Tier,
    declared: Tier,
    vendor: Vendor | None,
) -> dict[str, Any]:
    """What the gate TierLowering is about: the use case, the tier that the table says, and the lower one that is to count. A table that
    says another tier later asks another question; one that says the same for other reasons does not."""
    case = use_case_statement(
        environment=environment,
        namespace=namespace,
        name=name,
        classification=classification,
        requirements=requirements,
        tier=declared,
        vendor=vendor,
    )
    return {**case, "kind": "tierLowering", "tableTier": str(table_tier)}


def _vendor(vendor: Vendor) -> dict[str, Any]:
    ratings = vendor.evaluation or Ratings()
    rated = {str(criterion): str(rating) for criterion in VendorCriterion if (rating := ratings.of(criterion)) is not None}
    return {"name": vendor.name, "product": vendor.product, "evaluation": rated}


def subject_of(statement: dict[str, Any]) -> str:
    """The digest that approvals name: `sha256:` and 64 hex digits."""
    return sha256(statement)


@per_object(256)
def _governing(policy: RolloutPolicySpec) -> dict[str, Any]:
    """The part of a policy that an approver relies on."""
    return {
        "gates": {"deployment": _roles(policy.gates.deployment), **_later_gates(policy.gates)},
        "stages": [_fields(stage, _STAGE) | _replay(stage) for stage in policy.stages],
        "checks": [_fields(check, _CHECK) for check in sorted(policy.checks, key=lambda check: check.metric)],
        "guards": [_fields(guard, _GUARD) for guard in sorted(policy.guards, key=lambda guard: guard.metric)],
        "analysis": _fields(policy.analysis, _ANALYSIS),
        **_triggers(policy),
    }


def _replay(stage: Stage) -> dict[str, Any]:
    return {"replay": _fields(stage.replay, _REPLAY)} if stage.replay is not None else {}


def _later_gates(gates: Gates) -> dict[str, Any]:
    """Nothing for a policy that names none of them: what was approved before there were any stays approved."""
    written: dict[str, Any] = {} if gates.use_case is None else {"useCase": _roles(gates.use_case)}
    for name, part in (("continuation", gates.continuation), ("dossier", gates.dossier), ("vendor", gates.vendor)):
        if part is not None:
            written[name] = part.model_dump(mode="json", by_alias=True)
    if gates.literacy is LiteracyRule.REQUIRED:
        written["literacy"] = str(gates.literacy)
    return written


def _triggers(policy: RolloutPolicySpec) -> dict[str, Any]:
    """Nothing for a policy without triggers: what was approved before there were any stays approved."""
    triggers, written = policy.triggers, dict[str, Any]()
    if triggers is not None and triggers.fairness is not None:
        fairness = _fields(triggers.fairness, _FAIRNESS)
        written["fairness"] = fairness | {"favourable": sorted(fairness["favourable"])}
    if triggers is not None and triggers.alerts:
        written["alerts"] = sorted((_fields(alert, _ALERT) for alert in triggers.alerts), key=canonical)
    return {"triggers": written} if written else {}


def _roles(gate: TieredRoles) -> dict[str, list[str]]:
    return {tier.value.lower(): sorted(gate.of(tier)) for tier in Tier}


def _fields(part: Stage | Check | Guard | Analysis | Fairness | AlertTrigger | ReplayLimits, names: set[str]) -> dict[str, Any]:
    return part.model_dump(mode="json", by_alias=True, include=names, exclude_none=True)
