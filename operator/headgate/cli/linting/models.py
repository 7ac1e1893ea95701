"""Models held against the policies they name: what would keep a version of them from ever going live."""

from collections.abc import Iterator

from headgate.api.aimodel import AIModelSpec
from headgate.api.gates import Dossier
from headgate.api.policy import RolloutPolicySpec
from headgate.api.status import AttemptKind
from headgate.api.vocabulary import Gate, Leave, Mode, Piece, Tier
from headgate.cli.linting.findings import Finding
from headgate.cli.linting.manifests import Collection, Manifest
from headgate.cli.linting.tiers import Circumstances, risk_of
from headgate.cli.manifest_file import Place
from headgate.cli.starting.scaffold import NO_DIGEST
from headgate.governance.classification import RiskReading
from headgate.governance.dossier import deployment_lacks, use_case_lacks
from headgate.governance.persons import deceptive, person
from headgate.monitoring.value import case_of
from headgate.rollout.fitting import misfit
from headgate.rollout.risk import start_obstacle_in

_IMAGES = Dossier(pieces=(Piece.PINNED_IMAGES,))


def model_findings(collection: Collection, by: Circumstances) -> Iterator[Finding]:
    """Of every model: owners, tier, policy, and what the policy asks to have in writing."""
    for model in collection.models:
        yield from _owners(model)
        yield from _placeholders(model)
        yield from _worth(model)
        yield from _unscored(model)
        policy = collection.policy_of(model)
        if policy is None:
            yield _policy_missing(model, collection)
        risk = risk_of(model, collection, by)
        yield from _risk(model, risk, policy.spec if policy else None)
        yield from _pinned(model, policy.spec if policy else None, risk.tier)
        if policy is not None:
            yield from _fits(model, policy.spec)
            yield from _dossier(model, policy.spec, risk.tier)


def _policy_missing(model: Manifest[AIModelSpec], collection: Collection) -> Finding:
    name, place = model.spec.policy.name, ("policy", "name")
    if any(kind == "RolloutPolicy" and known == name for kind, _, known in collection.known):
        return model.note("policy-unread", place, f"policy {name} cannot be read, so the model was not held against it")
    if not collection.policies:
        said = f"policy {name} is not among these files, so the model was not held against it: name its file as well"
        return model.note("policy-unread", place, said)
    there = ", ".join(sorted({policy.written.name for policy in collection.policies}))
    return model.error("policy-missing", place, f"there is no RolloutPolicy {name} among these files; there are {there}")


def _owners(model: Manifest[AIModelSpec]) -> Iterator[Finding]:
    owners = model.spec.owners
    named = {"business": owners.business, "technical": owners.technical, "operations": owners.operations}
    for side, owner in named.items():
        if owner is not None and (strange := deceptive(owner.user)):
            yield model.error("owner", ("owners", side, "user"), f"spec.owners.{side}: {strange}")
    if owners.business is not None and person(owners.business.user) == person(owners.technical.user):
        said = f"{owners.business.user} is business and technical owner: whoever builds the model also accepts its risk"
        yield model.warning("owner-conflict", ("owners", "business"), said)


def _placeholders(model: Manifest[AIModelSpec]) -> Iterator[Finding]:
    """What `headgate init` leaves to be filled in."""
    said = f"{NO_DIGEST[:15]}... stands for a digest that is not known yet: fill it in"
    if model.spec.artifact.digest == NO_DIGEST:
        yield model.warning("placeholder", ("artifact", "digest"), said)
    if NO_DIGEST in str(model.spec.serving.deployment.template):
        yield model.warning("placeholder", ("serving", "deployment", "template"), said)


def _worth(model: Manifest[AIModelSpec]) -> Iterator[Finding]:
    """A value case beside what is counted of it."""
    case, watched = model.spec.value_case, model.spec.monitoring
    if case is None:
        return
    counted = watched.value if watched is not None else None
    if counted is None:
        said = "spec.monitoring.value names no summary, so nothing will be measured beside what spec.valueCase plans"
        yield model.note("value-unmeasured", ("valueCase",), said)
        return
    planned = case_of(case).planned(case.counted)
    if counted.planned_per_year is not None and counted.planned_per_year != planned:
        said = (
            f"spec.monitoring.value.plannedPerYear is {counted.planned_per_year:,}, and spec.valueCase plans {planned:,.0f} a year of what "
            "it counts: leave plannedPerYear out, or say in spec.valueCase.counted which benefit is counted"
        )
        yield model.warning("value-plans-differ", ("monitoring", "value", "plannedPerYear"), said)


def _unscored(model: Manifest[AIModelSpec]) -> Iterator[Finding]:
    """Success metrics of the requirements document that a scorecard passes over."""
    card = model.spec.monitoring.scorecard if model.spec.monitoring is not None else None
    if card is None or model.spec.requirements is None:
        return
    scored = {one.name for one in card.indicators}
    for number, metric in enumerate(model.spec.requirements.success_metrics):
        if metric.name not in scored:
            said = f"no indicator of spec.monitoring.scorecard is called {metric.name}: whether it succeeds will not be scored"
            yield model.note("success-unscored", ("requirements", "successMetrics", number), said)


def _risk(model: Manifest[AIModelSpec], risk: RiskReading, policy: RolloutPolicySpec | None) -> Iterator[Finding]:
    problem = start_obstacle_in(risk, policy)
    if problem is not None:
        yield model.error("tier", ("classification",), f"no version can start: {problem.message}")
    elif risk.lowering is not None and risk.tier is risk.lowering.table:
        yield model.warning("tier-not-lowered", ("classification", "declaredTier"), risk.reasons[0])


def _fits(model: Manifest[AIModelSpec], policy: RolloutPolicySpec) -> Iterator[Finding]:
    unfit = misfit(model.spec, policy, AttemptKind.ROLLOUT)
    if unfit is not None:
        yield model.error("policy-misfit", ("serving",), f"the first version starts, later ones do not: {unfit.message}")
    if model.spec.mode is Mode.OBSERVE and policy.analysis.observe is not Leave.ALLOWED:
        said = f"spec.mode is Observe, but policy {model.spec.policy.name} does not allow it: the judge decides as in Enforce"
        yield model.warning("policy-misfit", ("mode",), said)


def _dossier(model: Manifest[AIModelSpec], policy: RolloutPolicySpec, tier: Tier | None) -> Iterator[Finding]:
    if tier is None:
        return
    asked = policy.gates.dossier_of(tier)
    case = use_case_lacks(model.spec, asked) if policy.gates.use_case else ()
    gates = {Gate.USE_CASE: case, Gate.DEPLOYMENT: deployment_lacks(model.spec, asked)}
    for gate, lacking in gates.items():
        for words in lacking:
            yield model.error("dossier", _named_in(words), f"the {gate} gate stays closed at tier {tier}: {words}")


def _named_in(words: str) -> Place:
    """Where a sentence that begins with a field points; the pod template for one about its images."""
    field = words.partition(" ")[0]
    return tuple(field.split(".")[1:]) if field.startswith("spec.") else ("serving", "deployment", "template")


def _pinned(model: Manifest[AIModelSpec], policy: RolloutPolicySpec | None, tier: Tier | None) -> Iterator[Finding]:
    """Where the policy does not insist on it."""
    if tier is None or tier is Tier.LOW or (policy is not None and Piece.PINNED_IMAGES in policy.gates.dossier_of(tier).pieces):
        return
    for words in deployment_lacks(model.spec, _IMAGES):
        said = f"{words}. At tier {tier} what people approve should be what runs: a tag can be moved"
        yield model.warning("image-not-pinned", ("serving", "deployment", "template"), said)
