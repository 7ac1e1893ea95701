"""Persons who may approve at a gate and whose knowledge about AI is out of date or too little, for those who ask them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from headgate.api.trust_store import TrustStoreSpec
from headgate.api.vocabulary import LiteracyRule, Role
from headgate.governance.literacy import Literacy, of_person, shortfall


@dataclass(frozen=True, slots=True)
class Trainee:
    """`counts`: whether their approvals do all the same."""

    person: str
    roles: tuple[Role, ...]
    why: str
    counts: bool


def trainees(
    store: TrustStoreSpec | None, literacy: Literacy, rule: LiteracyRule, approvers: Mapping[str, Iterable[Role]], now: datetime
) -> tuple[Trainee, ...]:
    """Of the persons of the trust store, or of `approvers` (by username, those who have decided) where there is none.

    Who was never assessed is among them only where assessments are required: of others nothing is known.
    """
    found: list[Trainee] = []
    if store is None:
        for username, roles in sorted(approvers.items()):
            found += _trainee(username, tuple(roles), "", _lacks((username,), literacy, rule, now), rule)
        return tuple(found)
    for entry in store.persons:
        over = f"training was valid until {entry.training_valid_until:%Y-%m-%d %H:%M} UTC" if now >= entry.training_valid_until else ""
        found += _trainee(entry.name, entry.roles, over, _lacks((entry.name, *entry.usernames), literacy, rule, now), rule)
    return tuple(found)


def _lacks(names: tuple[str, ...], literacy: Literacy, rule: LiteracyRule, now: datetime) -> str:
    assessments = of_person(literacy, names)
    if not assessments and (rule is not LiteracyRule.REQUIRED or literacy.problem):
        return ""
    return shortfall(assessments, now.date())


def _trainee(name: str, roles: tuple[Role, ...], over: str, lacks: str, rule: LiteracyRule) -> list[Trainee]:
    why = ", ".join(filter(None, (over, lacks)))
    return [Trainee(name, roles, why, counts=not over and rule is not LiteracyRule.REQUIRED)] if why else []
