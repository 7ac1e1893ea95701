"""Persons behind usernames: who is known, trained and entitled, who takes whose place, and who is the same."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.unit.governance.builders import HOUR, MEDIUM, NOW, OWNER, decision, read
from tests.unit.governance.signers import ENVIRONMENT, key_of, listed, trusting

from headgate.api.approval import GovernanceApprovalSpec
from headgate.api.vocabulary import Role
from headgate.governance.approvals import Approval
from headgate.governance.gates import GateReading
from headgate.governance.persons import deceptive
from headgate.governance.signatures import signed
from headgate.governance.trust import Trust

FAIR, TECH, SECURITY = Role.FAIRNESS_AUDIT, Role.TECHNICAL_VALIDATION, Role.SECURITY_REVIEW
DANA, SAM, TESS = "dana@bank.example", "sam@bank.example", "tess@bank.example"
ALL_THREE = [decision(TECH, TESS), decision(FAIR, DANA), decision(SECURITY, SAM)]
DELEGATED = {"from": "dana", "to": "sam", "roles": [FAIR], "until": NOW}


def on_behalf(role: Role, approver: str, principal: str, **fields: Any) -> Approval:
    plain = decision(role, approver, **fields)
    spec = GovernanceApprovalSpec.model_validate({**plain.spec.model_dump(), "on_behalf_of": principal})
    return Approval(plain.name, plain.namespace, plain.uid, plain.created, spec)


def fairness(approval: Approval, trust: Trust, tier: str = "Medium") -> GateReading:
    return read([approval], required=(FAIR,), trust=trust, tier=tier)


def test_listed_persons_open_the_gate() -> None:
    assert read(ALL_THREE, trust=trusting()).open


@pytest.mark.parametrize(
    ("trust", "says"),
    [
        (trusting(listed("dana", FAIR, usernames=["someone@else"])), f"{DANA} is no person of the trust store"),
        (trusting(listed("dana", SECURITY)), "dana does not have the role fairness-audit"),
        (trusting(listed("dana", FAIR, trainingValidUntil=NOW)), "the training of dana was valid until 2026-11-21 12:00"),
        (trusting(listed("eve", FAIR, usernames=["DANA@bank.example"])), f"lists {DANA} for dana and eve: it must be one person"),
        (Trust(required=True), "approvers must be persons of the trust store, and there is none"),
        (Trust(problem="the trust store cannot be read"), "the trust store cannot be read"),
    ],
)
def test_who_does_not_count_is_told_why(trust: Trust, says: str) -> None:
    approval = decision(FAIR, DANA)
    reading = fairness(approval, trust)
    assert not reading.open
    assert says in reading.not_counted[approval.name]


def test_a_removed_person_stops_counting_and_nobody_else() -> None:
    without = Trust("production", trusting().store.model_copy(update={"persons": trusting().store.persons[1:]}))  # type: ignore[union-attr]
    reading = read(ALL_THREE, trust=without)
    assert not reading.open
    assert set(reading.not_counted) == {ALL_THREE[1].name}


def test_at_low_the_api_servers_word_is_enough_for_who_is_not_listed() -> None:
    stranger = decision(FAIR, "eve@bank.example")
    assert fairness(stranger, trusting(), "Low").open
    assert not fairness(stranger, trusting(), "Medium").open
    assert fairness(stranger, Trust(required=True), "Low").open
    untrained = trusting(listed("dana", FAIR, trainingValidUntil=NOW))
    assert not fairness(decision(FAIR, DANA), untrained, "Low").open


@pytest.mark.parametrize("spelling", ["Dana@bank.example", " dana@bank.example", "DANA@BANK.EXAMPLE", "ｄana@bank.example"])
def test_spellings_of_one_username_are_one_person(spelling: str) -> None:
    assert fairness(decision(FAIR, spelling), trusting()).open


def test_two_usernames_of_one_person_fill_one_role() -> None:
    both = trusting(listed("dana", FAIR, SECURITY, usernames=[DANA, "dana.smith@corp"]))
    reading = read([decision(FAIR, DANA), decision(SECURITY, "dana.smith@corp")], required=(FAIR, SECURITY), trust=both)
    assert not reading.open
    assert "each role needs a different person" in reading.missing[0]


@pytest.mark.parametrize("username", ["dаna@bank.example", "dana\u200b@bank.example", "dana@bank.example\u202e", "ｄаna", "da\u00adna"])
def test_usernames_made_to_be_mistaken_count_nowhere(username: str) -> None:
    assert deceptive(username)
    approval = decision(FAIR, username)
    for trust in (Trust(), trusting(), trusting(listed("dana", FAIR, usernames=[username]))):
        assert not fairness(approval, trust, "Low").open


@pytest.mark.parametrize("username", ["dana@bank.example", "Łukasz Żak", "дана@банк.рф", "δανάη", "山田太郎", "müller-2", "oidc:1234"])
def test_plain_usernames_of_any_script_are_fine(username: str) -> None:
    assert deceptive(username) == ""


def test_a_delegate_takes_the_place_of_the_person_until_then() -> None:
    approval = on_behalf(FAIR, SAM, DANA)
    reading = fairness(approval, trusting(delegations=(DELEGATED,)))
    assert reading.open
    assert f"{SAM} on behalf of {DANA}" in reading.counted[0]


@pytest.mark.parametrize(
    ("delegations", "principal", "says"),
    [
        ((), DANA, "dana has not delegated fairness-audit to sam"),
        (({**DELEGATED, "until": NOW - 2 * HOUR},), DANA, "ended at"),
        (({**DELEGATED, "roles": [SECURITY]},), DANA, "has not delegated"),
        (({**DELEGATED, "from": "tess"},), TESS, "tess does not have the role"),
        ((DELEGATED,), "eve@bank.example", "no person of the trust store"),
    ],
)
def test_only_what_was_delegated_is_delegated(delegations: tuple[dict[str, Any], ...], principal: str, says: str) -> None:
    approval = on_behalf(FAIR, SAM, principal)
    reading = fairness(approval, trusting(delegations=delegations))
    assert not reading.open
    assert says in reading.not_counted[approval.name]
    assert not fairness(approval, Trust(), "Low").open


@pytest.mark.parametrize(("created", "counts"), [(NOW - 3 * HOUR, True), (NOW - HOUR, False)])
def test_an_older_signature_does_not_revive_a_delegation_that_ended(created: datetime, *, counts: bool) -> None:
    """The signer writes when it was signed, the API server when it was made: both have to be before the end."""
    plain = on_behalf(FAIR, SAM, DANA, created=created)
    spec = signed(plain.spec, namespace="lending", environment=ENVIRONMENT, at=NOW - 3 * HOUR, key=key_of("sam"))
    approval = Approval(plain.name, "lending", plain.uid, plain.created, spec, enforced=False)
    reading = fairness(approval, trusting(delegations=({**DELEGATED, "until": NOW - 2 * HOUR},)))
    assert reading.open is counts, reading.not_counted


@pytest.mark.parametrize("other", [decision(SECURITY, SAM), decision(SECURITY, DANA)])
def test_delegate_and_person_count_as_one(other: Approval) -> None:
    trust = trusting(listed("dana", FAIR, SECURITY), delegations=(DELEGATED,))
    reading = read([on_behalf(FAIR, SAM, DANA), other], required=(FAIR, SECURITY), trust=trust)
    assert not reading.open


def test_chains_of_delegates_are_one_party() -> None:
    roles = (FAIR, SECURITY, TECH)
    trust = trusting(
        *(listed(name, *roles) for name in ("dana", "sam", "tess")),
        delegations=(DELEGATED, {**DELEGATED, "from": "sam", "to": "tess", "roles": [SECURITY]}),
    )
    chain = [on_behalf(FAIR, SAM, DANA), on_behalf(SECURITY, TESS, SAM)]
    assert read(chain, required=(FAIR, SECURITY), trust=trust).open is False


def test_nobody_reviews_for_the_technical_owner() -> None:
    delegation = {"from": "chen", "to": "sam", "roles": [FAIR], "until": NOW}
    reading = fairness(on_behalf(FAIR, SAM, OWNER), trusting(delegations=(delegation,)))
    assert not reading.open
    assert "technical owner" in reading.missing[0]


@pytest.mark.parametrize(
    ("owner", "trust", "tier", "is_open"),
    [
        ("nobody@bank.example", trusting(), "Medium", False),
        ("nobody@bank.example", trusting(), "Low", True),
        ("nobody@bank.example", Trust(), "Medium", True),
        (" ", Trust(), "Low", False),
        ("", Trust(), "Medium", False),
    ],
)
def test_an_owner_who_is_nobody_closes_the_reviews_of_their_work(owner: str, trust: Trust, tier: str, is_open: bool) -> None:
    reading = read([decision(FAIR, DANA)], required=(FAIR,), trust=trust, tier=tier, owner=owner)
    assert reading.open is is_open
    if not is_open:
        assert "is no known person" in reading.missing[0]
    assert read([decision(TECH, TESS)], required=(TECH,), trust=trust, tier=tier, owner=owner).open


def test_conditions_are_told_where_the_approval_counts() -> None:
    plain = decision(FAIR, DANA)
    spec = plain.spec.model_copy(update={"conditions": ("re-test by March",)})
    reading = fairness(Approval(plain.name, plain.namespace, plain.uid, plain.created, spec), trusting())
    assert reading.counted[0].endswith("; on condition: re-test by March")


def test_five_hundred_persons_and_approvals_are_read_in_time() -> None:
    crowd = trusting(*(listed(f"p{i}", FAIR) for i in range(400)))
    approvals = [decision(FAIR, f"p{i % 400}@bank.example", created=NOW - timedelta(seconds=i)) for i in range(500)]
    assert read([*ALL_THREE, *approvals], required=MEDIUM, trust=crowd).open
