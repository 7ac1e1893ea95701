"""One AIModel as the command line shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from headgate.api.aimodel import AIModelSpec, Classification
from headgate.api.base import StatusModel
from headgate.api.conditions import Condition, ConditionType
from headgate.api.dossier import Evidence, LineageStep, Requirements
from headgate.api.faults import first_fault
from headgate.api.gate_status import GateState, GateStatus
from headgate.api.status import AIModelStatus, RevisionStatus
from headgate.api.vendor import Vendor
from headgate.api.vocabulary import Gate, Role
from headgate.cli.refused import Refused
from headgate.evidence import timeline
from headgate.evidence.readings import READINGS_KEY, decode
from headgate.evidence.timeline import TIMELINE_KEY, Timeline
from headgate.evidence.view import Evidence as Readings
from headgate.rollout.configuration import references
from headgate.rollout.revisions import revision_of


class WrittenDown(StatusModel):
    """The parts of an AIModel's spec that subjects name."""

    classification: Classification
    requirements: Requirements | None = None
    lineage: tuple[LineageStep, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    vendor: Vendor | None = None


@dataclass(frozen=True, slots=True)
class ModelView:
    """Spec as stored (it may be invalid), status as the operator left it, and what the operator published beside it."""

    namespace: str
    name: str
    created: datetime | None
    spec: Mapping[str, Any]
    status: AIModelStatus
    evidence: Readings | None = None
    """None if nothing was published, or it could not be read."""
    timeline: Timeline | None = None
    """Of the attempt that `evidence` speaks of; None as there."""
    templates: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Pod templates of the live version and of the candidate, by revision, where they were asked for and could be read."""
    policy: str | None = None
    """The policy that the attempt runs on, as JSON; None if it was not asked for, or could not be read."""

    @property
    def technical_owner(self) -> str:
        technical = (self.spec.get("owners") or {}).get("technical") or {}
        return str(technical.get("user") or "")

    @property
    def version(self) -> str:
        """The version that the spec asks for."""
        return str(self.spec.get("version") or "")

    @property
    def policy_name(self) -> str:
        """The policy that the spec names."""
        return str((self.spec.get("policy") or {}).get("name") or "")

    @property
    def gate(self) -> GateStatus | None:
        return self.status.candidate.gate if self.status.candidate else None

    def gate_state(self, gate: Gate) -> GateState | None:
        """What the gate asks for now; UseCase and Continuation ask about the same. None if it asks for nothing."""
        if gate is Gate.TIER_LOWERING:
            return self.status.tier_lowering
        return self.gate if gate is Gate.DEPLOYMENT else self.status.use_case

    @property
    def present_evidence(self) -> Readings | None:
        """The readings, unless they are of another attempt than the candidate's."""
        candidate, evidence = self.status.candidate, self.evidence
        if candidate is None or evidence is None or evidence.attempt not in ("", str(candidate.attempt)):
            return None
        return evidence

    def condition(self, kind: ConditionType) -> Condition | None:
        return next((condition for condition in self.status.conditions if condition.type is kind), None)

    def written_down(self) -> WrittenDown | None:
        """None if this release cannot read it."""
        try:
            return WrittenDown.model_validate(self.spec)
        except ValidationError:
            return None

    def valid_spec(self) -> AIModelSpec | None:
        """None if this release cannot read the spec."""
        try:
            return AIModelSpec.model_validate(self.spec)
        except ValidationError:
            return None


def view_of(model: Mapping[str, Any], published: Mapping[str, Any] | None = None) -> ModelView:
    """`model` and `published` (the evidence ConfigMap) as the API server gives them. Raises Refused for an unreadable status."""
    metadata = model["metadata"]
    data = (published or {}).get("data") or {}
    try:
        status = AIModelStatus.model_validate(model.get("status") or {})
    except ValidationError as error:
        raise Refused(
            f"the status of {metadata['name']} cannot be read: {first_fault(error)}. Is this command as new as the operator?"
        ) from error
    created = metadata.get("creationTimestamp")
    return ModelView(
        namespace=metadata.get("namespace") or "",
        name=metadata["name"],
        created=datetime.fromisoformat(created) if created else None,
        spec=model.get("spec") or {},
        status=status,
        evidence=_evidence(data.get(READINGS_KEY)),
        timeline=_timeline(data.get(TIMELINE_KEY)),
    )


def _evidence(text: str | None) -> Readings | None:
    try:
        return decode(text) if text else None
    except ValueError:
        return None


def _timeline(text: str | None) -> Timeline | None:
    try:
        return timeline.decode(text) if text else None
    except ValueError:
        return None


def missing_roles(gate: GateState) -> tuple[Role, ...]:
    """Roles that wait for a person. Each sentence of `missing` begins with its role."""
    named = {sentence.partition(":")[0] for sentence in gate.missing}
    return tuple(role for role in dict.fromkeys(gate.required) if role in named and role is not Role.AUTOMATED_CHECKS)


def describes(spec: AIModelSpec, version: RevisionStatus) -> bool:
    """Whether the spec asks for this version. The data of ConfigMaps is not read here: revisions with some are told by their version."""
    if references(spec.serving.deployment.template):
        return version.version == spec.version
    return version.revision == revision_of(spec, {}).revision


def command(view: ModelView, verb: str, *arguments: str) -> str:
    """What to type for `verb` on this model."""
    return " ".join(["kubectl headgate", verb, view.name, "-n", view.namespace, *arguments])


def clock(moment: datetime) -> str:
    """To the second, UTC."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
