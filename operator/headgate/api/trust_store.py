"""TrustStore: which persons stand behind which user names, what each may decide, and with which keys they sign."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, PUBLIC_KEY, Label, Model, Time, User, each_once, list_map, rules
from headgate.api.vocabulary import Role

TRUST_STORE = "headgate"
"""The name of the only one that counts, in the policy namespace."""

_SET = {"x-kubernetes-list-type": "set"}
Roles = Annotated[tuple[Role, ...], Field(min_length=1, max_length=16, json_schema_extra=_SET)]


class TrustedKey(Model):
    """A public key, and when what it signs counts. A new key is added beside the old one, which then runs out or is taken away."""

    model_config = ConfigDict(
        json_schema_extra=rules(("timestamp(self.validFrom) < timestamp(self.validUntil)", "validUntil must come after validFrom"))
    )

    public_key: Annotated[str, Field(pattern=PUBLIC_KEY, max_length=60)]
    """The middle line of `openssl pkey -in key.pem -pubout`."""
    valid_from: Time
    valid_until: Time

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from >= self.valid_until:
            raise ValueError("validUntil must come after validFrom")
        return self


class TrustedPerson(Model):
    """One human being. Decisions of a listed person count within these bounds, at every tier."""

    name: Label
    usernames: Annotated[tuple[User, ...], Field(min_length=1, max_length=8, json_schema_extra=_SET)]
    """As the API server names them. Case, width and surrounding space make no difference."""
    roles: Roles
    training_valid_until: Time
    """Until when the training that the work as an approver needs is up to date: afterwards their approvals do not count."""
    keys: Annotated[tuple[TrustedKey, ...], Field(max_length=8, json_schema_extra=ATOMIC)] = ()


class Delegation(Model):
    """`to` may decide in place of `from` as one of `roles`, until then."""

    model_config = ConfigDict(json_schema_extra=rules(("self.from != self.to", "nobody delegates to themselves")))

    from_: Annotated[Label, Field(alias="from")]
    to: Label
    roles: Roles
    until: Time

    @model_validator(mode="after")
    def _two_persons(self) -> Self:
        if self.from_ == self.to:
            raise ValueError("nobody delegates to themselves")
        return self


class TrustStoreSpec(Model):
    """Persons and delegations. What is taken out stops counting at once, also for what was signed or approved before."""

    persons: Annotated[tuple[TrustedPerson, ...], Field(max_length=500, json_schema_extra=list_map("name")), each_once("name")] = ()
    delegations: Annotated[tuple[Delegation, ...], Field(max_length=200, json_schema_extra=ATOMIC)] = ()


TRUST_STORE_RULES = rules((f"self.metadata.name == '{TRUST_STORE}'", f"there is one trust store: name it {TRUST_STORE}"))
