"""Who needs training among those who could open a model's gates, as far as the caller may read about them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import LiteracyRule, Role
from headgate.cli.cluster import LiteracyObjects
from headgate.governance.literacy import LITERACY, LITERACY_KEY, Literacy, assessments_of
from headgate.governance.training import Trainee, trainees
from headgate.kube.interface import Object


@dataclass(frozen=True, slots=True)
class Training:
    """`problem`: why assessments are not known, where they are required."""

    rule: LiteracyRule
    persons: tuple[Trainee, ...] = ()
    problem: str = ""

    def words(self, required: tuple[Role, ...]) -> tuple[str, ...]:
        """A sentence for each person who could fill one of `required`, and one for what is not known."""
        told = [_words(one, asked) for one in self.persons if (asked := [role for role in one.roles if role in required])]
        return (*told, *((f"AI literacy is required and not known: {self.problem}",) if self.problem else ()))

    def document(self) -> dict[str, Any]:
        """For JSON."""
        persons = [{"person": p.person, "roles": [str(role) for role in p.roles], "why": p.why, "counts": p.counts} for p in self.persons]
        return {"rule": str(self.rule), "persons": persons, "problem": self.problem}


def training_of(found: LiteracyObjects | None, decided: tuple[Object, ...], now: datetime | None = None) -> Training | None:
    """None where the policy cannot be read. `decided`: the decisions about the model."""
    if found is None:
        return None
    rule = LiteracyRule.REQUIRED if found.required else LiteracyRule.SHOWN
    literacy = _literacy(found)
    persons = trainees(_store(found), literacy, rule, _approvers(decided), now or datetime.now(UTC))
    return Training(rule, persons, literacy.problem if found.required else "")


def _words(one: Trainee, asked: list[Role]) -> str:
    counts = "" if one.counts else "; approvals of theirs do not count"
    return f"Needs training: {one.person} ({', '.join(asked)}): {one.why}{counts}"


def _literacy(found: LiteracyObjects) -> Literacy:
    where = f"ConfigMap {found.namespace}/{LITERACY}"
    if found.assessments is None:
        return Literacy(problem=f"{where} does not exist, or you may not read it")
    try:
        return Literacy(assessments_of((found.assessments.get("data") or {})[LITERACY_KEY]))
    except KeyError:
        return Literacy(problem=f"{where} has no key {LITERACY_KEY}")
    except ValueError as error:
        return Literacy(problem=f"{where} cannot be read: {error}")


def _store(found: LiteracyObjects) -> TrustStoreSpec | None:
    """None also for one that this release cannot read: the gates say so themselves."""
    try:
        return TrustStoreSpec.model_validate(found.store.get("spec") or {}) if found.store is not None else None
    except ValidationError:
        return None


def _approvers(decided: tuple[Object, ...]) -> dict[str, list[Role]]:
    found: dict[str, list[Role]] = {}
    for body in decided:
        spec = body.get("spec") or {}
        if spec.get("decision") == "Approve" and spec.get("role") in set(Role):
            roles = found.setdefault(str(spec.get("approver") or ""), [])
            roles += [Role(spec["role"])] if spec["role"] not in roles else []
    return found
