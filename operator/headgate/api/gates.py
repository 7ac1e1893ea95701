"""The gates of a RolloutPolicy: who must agree, what must be in writing, and for how long that holds."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Model, each_once, list_map, rules
from headgate.api.quantities import Duration
from headgate.api.vocabulary import LiteracyRule, OnExpiry, Piece, Role, Tier, VendorCriterion

_DAY = 86_400


class RequiredRole(Model):
    """Approvals of this role are needed: one, or `count` of different persons."""

    role: Role
    count: Annotated[int, Field(ge=1, le=4)] | None = None
    """Left out: 1."""


_Roles = Annotated[tuple[RequiredRole, ...], Field(min_length=1, max_length=16, json_schema_extra=list_map("role")), each_once("role")]


def _roles(*roles: Role) -> tuple[RequiredRole, ...]:
    return tuple(RequiredRole(role=role) for role in roles)


class TieredRoles(Model):
    """Whose approval opens a gate, by the model's risk tier."""

    low: _Roles = _roles(Role.TECHNICAL_VALIDATION, Role.AUTOMATED_CHECKS)
    medium: _Roles = _roles(Role.TECHNICAL_VALIDATION, Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW)
    high: _Roles = _roles(Role.TECHNICAL_VALIDATION, Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW, Role.LEGAL_APPROVAL, Role.EXECUTIVE_SPONSOR)

    def of(self, tier: Tier) -> tuple[Role, ...]:
        """The roles that must approve at `tier`, each as often as different persons are needed."""
        required = {Tier.LOW: self.low, Tier.MEDIUM: self.medium, Tier.HIGH: self.high}[tier]
        return tuple(role for entry in required for role in [entry.role] * (entry.count or 1))


_COMPUTED = "automated-checks say something of a version, not of a use case: name roles of people"


class UseCaseRoles(TieredRoles):
    """Whose approval a use case needs before anything is created for it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (" && ".join(f"!self.{tier}.exists(entry, entry.role == 'automated-checks')" for tier in ("low", "medium", "high")), _COMPUTED),
        )
    )

    low: _Roles = _roles(Role.BUSINESS_OWNER)
    medium: _Roles = _roles(Role.BUSINESS_OWNER, Role.RISK_REVIEW)
    high: _Roles = _roles(Role.BUSINESS_OWNER, Role.RISK_REVIEW, Role.LEGAL_APPROVAL)

    @model_validator(mode="after")
    def _people(self) -> Self:
        if any(Role.AUTOMATED_CHECKS in self.of(tier) for tier in Tier):
            raise ValueError(_COMPUTED)
        return self


class Validity(Model):
    """How long an approval of a use case stands, by tier. Never longer than 365, 180 and 90 days."""

    low: Duration = Duration(365 * _DAY)
    medium: Duration = Duration(180 * _DAY)
    high: Duration = Duration(90 * _DAY)

    def of(self, tier: Tier) -> Duration:
        return {Tier.LOW: self.low, Tier.MEDIUM: self.medium, Tier.HIGH: self.high}[tier]


class Continuation(Model):
    """The approval of a use case ends, and is to be renewed by the same roles."""

    validity: Validity = Validity()
    on_expiry: OnExpiry = OnExpiry.FREEZE


_EvidenceType = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]


class Dossier(Model):
    """What must be in the AIModel before a gate opens."""

    pieces: Annotated[tuple[Piece, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()
    evidence: Annotated[tuple[_EvidenceType, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    """Types of which spec.evidence must have one each."""


_TESTS = ("performance", "data-integrity")
_ALL = (Piece.OWNERS, Piece.REQUIREMENTS, Piece.LINEAGE, Piece.PINNED_IMAGES)


class TieredDossier(Model):
    """By the model's risk tier."""

    low: Dossier = Dossier(pieces=(Piece.OWNERS,), evidence=_TESTS)
    medium: Dossier = Dossier(pieces=_ALL, evidence=(*_TESTS, "fairness"))
    high: Dossier = Dossier(pieces=_ALL, evidence=(*_TESTS, "fairness", "robustness", "impact-assessment", "model-card"))

    def of(self, tier: Tier) -> Dossier:
        return {Tier.LOW: self.low, Tier.MEDIUM: self.medium, Tier.HIGH: self.high}[tier]


class VendorVetoes(Model):
    """Where the vendor of a model may not fail, whatever the sum of its evaluation says."""

    vetoes: Annotated[tuple[VendorCriterion, ...], Field(max_length=12, json_schema_extra=ATOMIC)] = (
        VendorCriterion.BIAS_TESTING,
        VendorCriterion.SECURITY,
        VendorCriterion.LIABILITY,
    )
    """One of these rated Critical refuses the vendor."""


_ALONE = "continuation renews the approval of the use case: give useCase as well"


class Gates(Model):
    """The points at which people decide. A policy that names useCase asks for a complete classification, and for the documents of
    `dossier`, which then has a default."""

    model_config = ConfigDict(json_schema_extra=rules(("has(self.useCase) || !has(self.continuation)", _ALONE)))

    use_case: UseCaseRoles | None = None
    """Left out: a version needs no approved use case."""
    deployment: TieredRoles = TieredRoles()
    continuation: Continuation | None = None
    dossier: TieredDossier | None = None
    literacy: LiteracyRule | None = None
    """Left out: Shown. Required goes by the assessments in ConfigMap headgate-literacy of the policy namespace."""
    vendor: VendorVetoes | None = None
    """For models of vendors. Left out: bias testing, security and liability are vetoes."""

    @model_validator(mode="after")
    def _something_to_renew(self) -> Self:
        if self.continuation is not None and self.use_case is None:
            raise ValueError(_ALONE)
        return self

    @property
    def renewal(self) -> Continuation:
        """How the approval of the use case ends."""
        return self.continuation or Continuation()

    @property
    def vendor_vetoes(self) -> tuple[VendorCriterion, ...]:
        return (self.vendor or VendorVetoes()).vetoes

    def dossier_of(self, tier: Tier) -> Dossier:
        """What must be in writing at `tier`."""
        if self.dossier is None and self.use_case is None:
            return Dossier()
        return (self.dossier or TieredDossier()).of(tier)
