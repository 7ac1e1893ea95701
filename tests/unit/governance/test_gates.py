"""The Deployment gate: who fills it, what keeps it closed, and what it says about that."""

from datetime import timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.governance.builders import (
    HIGH,
    HOUR,
    MEDIUM,
    NOT_PASSED,
    NOW,
    OTHER_SUBJECT,
    OWNER,
    PASSED,
    decision,
    halt,
    read,
)

from headgate.api.vocabulary import DecisionKind, Gate, Role, Tier
from headgate.governance.approvals import LONGEST_VALIDITY, Approval
from headgate.governance.persons import person

ALL_THREE = [decision(role, who) for role, who in zip(MEDIUM, ("ann", "bob", "cleo"), strict=True)]


def test_gate_opens_when_every_role_is_filled() -> None:
    reading = read(ALL_THREE)
    assert reading.open
    assert reading.missing == ()
    assert reading.counted_names == tuple(a.name for a in ALL_THREE)
    assert reading.counted[1] == "fairness-audit: bob until 2026-11-22 12:00 UTC"


@pytest.mark.parametrize("absent", range(3))
def test_each_missing_role_keeps_it_closed_and_is_named(absent: int) -> None:
    reading = read([a for i, a in enumerate(ALL_THREE) if i != absent])
    assert not reading.open
    assert reading.missing == (f"{MEDIUM[absent]}: nobody has approved yet",)


def test_automated_checks_are_computed_not_approved() -> None:
    required = (Role.TECHNICAL_VALIDATION, Role.AUTOMATED_CHECKS)
    given_by_hand = [decision(Role.TECHNICAL_VALIDATION, "ann")]
    closed = read(given_by_hand, required=required, tier="Low", automated=NOT_PASSED)
    assert closed.missing == ("automated-checks: the shadow stage has not passed",)
    reading = read(given_by_hand, required=required, tier="Low", automated=PASSED)
    assert reading.open
    assert reading.counted[1] == "automated-checks: the shadow verdict is Pass"


@pytest.mark.parametrize(
    ("required", "tier", "word"),
    [
        (("technical-validation", "wizard"), "Medium", "wizard"),
        (MEDIUM, "Extreme", "Extreme"),
        (MEDIUM, "low", "low"),
        (MEDIUM, None, "(none)"),
        (MEDIUM, "", "(none)"),
        ((), "Low", "no role"),
    ],
)
def test_unknown_roles_and_tiers_fail_closed(required: tuple[str, ...], tier: str | None, word: str) -> None:
    reading = read(ALL_THREE, required=required, tier=tier)
    assert not reading.open
    assert any(word in sentence for sentence in reading.missing)
    assert reading.counted_names == ()


@pytest.mark.parametrize("role", [Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW, Role.LEGAL_APPROVAL])
@pytest.mark.parametrize("spelling", [OWNER, OWNER.upper(), f" {OWNER} "])
def test_technical_owner_may_not_review_the_own_work(role: Role, spelling: str) -> None:
    mine = decision(role, spelling)
    reading = read([mine], required=(role,), tier="Low")
    assert not reading.open
    assert "technical owner" in reading.not_counted[mine.name]
    assert "technical owner" in reading.missing[0]


def test_technical_owner_may_validate_technically() -> None:
    assert read([decision(Role.TECHNICAL_VALIDATION, OWNER)], required=(Role.TECHNICAL_VALIDATION,)).open


def test_one_person_fills_one_role_above_low() -> None:
    both = [decision(Role.FAIRNESS_AUDIT, "dana"), decision(Role.SECURITY_REVIEW, "DANA ")]
    required = (Role.FAIRNESS_AUDIT, Role.SECURITY_REVIEW)
    reading = read(both, required=required)
    assert not reading.open
    assert len(reading.counted_names) == 1
    assert "different person" in reading.missing[0]
    assert "different person" in reading.not_counted[both[1].name]
    assert read(both, required=required, tier="Low").open


def test_a_second_person_makes_room_wherever_they_can() -> None:
    """ann could give both, bob only the first: ann must move to the second."""
    approvals = [decision(MEDIUM[0], "ann"), decision(MEDIUM[1], "ann"), decision(MEDIUM[0], "bob")]
    reading = read(approvals, required=MEDIUM[:2])
    assert reading.open
    assert reading.counted_names == (approvals[2].name, approvals[1].name)


def test_expiry_is_exact() -> None:
    short = decision(MEDIUM[1], "bob", expires=NOW + HOUR)
    approvals = [ALL_THREE[0], short, ALL_THREE[2]]
    moment = timedelta(microseconds=1)
    assert read(approvals, now=NOW + HOUR - moment).open
    late = read(approvals, now=NOW + HOUR)
    assert not late.open
    assert "expired at 2026-11-21 13:00:00 UTC" in late.missing[0]


@pytest.mark.parametrize(("tier", "days"), [("Low", 365), ("Medium", 180), ("High", 90)])
def test_no_approval_outlives_its_tier(tier: str, days: int) -> None:
    forever = decision(MEDIUM[0], "ann", created=NOW, expires=NOW + timedelta(days=9999))
    end = NOW + timedelta(days=days)
    assert read([forever], required=MEDIUM[:1], tier=tier, now=end - timedelta(seconds=1)).open
    assert "limited time" in read([forever], required=MEDIUM[:1], tier=tier, now=end).missing[0]


def test_another_subject_never_counts() -> None:
    elsewhere = [decision(role, f"p{i}", subject=OTHER_SUBJECT) for i, role in enumerate(MEDIUM)]
    reading = read(elsewhere)
    assert not reading.open
    assert len(reading.missing) == 3
    assert reading.not_counted[elsewhere[0].name] == "it is about subject 0c0c0c0c; the present subject is 77ab77ab"


def test_unproven_authors_never_count() -> None:
    reading = read([*ALL_THREE[:2], decision(MEDIUM[2], "cleo", enforced=False)])
    assert not reading.open
    assert "admission policies were not in force" in reading.missing[0]


def test_roles_not_required_and_interventions_change_nothing() -> None:
    extra = decision(Role.EXECUTIVE_SPONSOR, "eve")
    again = decision(MEDIUM[0], "zoe", created=NOW)
    reading = read([*ALL_THREE, extra, again, halt("eve")])
    assert reading.open
    assert reading.not_counted == {
        extra.name: "executive-sponsor is not required at tier Medium",
        again.name: "technical-validation is already given by ann",
    }


@pytest.mark.parametrize("kind", [DecisionKind.REJECT, DecisionKind.REVOKE])
@pytest.mark.parametrize("role", [MEDIUM[1], Role.EXECUTIVE_SPONSOR])
@pytest.mark.parametrize("enforced", [True, False])
def test_a_rejection_of_any_role_closes_until_that_role_approves_again(kind: DecisionKind, role: Role, enforced: bool) -> None:
    no = decision(role, "nora", kind, created=NOW, expires=None, enforced=enforced)
    closed = read([*ALL_THREE, no])
    assert not closed.open
    assert "nora" in closed.missing[0]
    assert f"stands until {role} approves again" in closed.missing[0]
    other_role = decision(MEDIUM[0], "zoe", created=NOW + HOUR)
    assert not read([*ALL_THREE, no, other_role], now=NOW + 2 * HOUR).open
    lifted = read([*ALL_THREE, no, decision(role, "yes", created=NOW + HOUR)], now=NOW + 2 * HOUR)
    assert lifted.open
    assert "replaced" in lifted.not_counted[no.name]


TWO_LEGAL = (Role.FAIRNESS_AUDIT, Role.LEGAL_APPROVAL, Role.LEGAL_APPROVAL)


@pytest.mark.parametrize("tier", ["Low", "Medium", "High"])
def test_a_quorum_needs_that_many_persons(tier: str) -> None:
    fair, one, two = (decision(role, who) for role, who in zip(TWO_LEGAL, ("fay", "lea", "lou"), strict=True))
    again = decision(Role.LEGAL_APPROVAL, "LEA ", created=NOW - 2 * HOUR)
    short = read([fair, one, again], required=TWO_LEGAL, tier=tier)
    assert not short.open
    assert short.missing == ("legal-approval: 1 of 2 approvals; a different person is needed",)
    assert len(short.counted) == 2
    full = read([fair, one, two], required=TWO_LEGAL, tier=tier)
    assert full.open
    assert [words.partition(" until")[0] for words in full.counted] == ["fairness-audit: fay", "legal-approval: lea", "legal-approval: lou"]
    assert set(full.counted_names) == {fair.name, one.name, two.name}


def test_one_person_in_two_roles_only_at_low() -> None:
    both = [decision(Role.FAIRNESS_AUDIT, "lea"), decision(Role.LEGAL_APPROVAL, "lea"), decision(Role.LEGAL_APPROVAL, "lou")]
    assert read(both, required=TWO_LEGAL, tier="Low").open
    assert not read(both, required=TWO_LEGAL, tier="Medium").open


def test_a_quorum_says_why_the_other_approval_does_not_count() -> None:
    over = decision(Role.LEGAL_APPROVAL, "lou", expires=NOW - HOUR)
    reading = read([decision(Role.FAIRNESS_AUDIT, "fay"), decision(Role.LEGAL_APPROVAL, "lea"), over], required=TWO_LEGAL)
    assert reading.missing[0].startswith("legal-approval: 1 of 2 approvals; the approval of lou does not count: it expired")


def test_the_reading_ends_with_the_first_approval_that_counts() -> None:
    until = NOW + 3 * HOUR
    approvals = [
        decision(role, who, expires=end) for role, who, end in zip(MEDIUM, "abc", (until, NOW + 9 * HOUR, NOW + 5 * HOUR), strict=True)
    ]
    assert read(approvals).until == until
    assert read([]).until is None


def test_what_is_lacking_closes_an_approved_gate_by_name() -> None:
    reading = read(ALL_THREE, lacking=("evidence: none of type performance",))
    assert (reading.open, reading.missing) == (False, ("evidence: none of type performance",))


def test_at_equal_times_the_rejection_wins() -> None:
    no = decision(MEDIUM[0], "nora", DecisionKind.REJECT, created=ALL_THREE[0].created, expires=None)
    assert "rejected by nora" in read([*ALL_THREE, no]).missing[0]


def test_a_rejection_is_not_answered_by_an_approval_that_does_not_count() -> None:
    no = decision(Role.FAIRNESS_AUDIT, "nora", DecisionKind.REJECT, created=NOW, expires=None)
    by_owner = decision(Role.FAIRNESS_AUDIT, OWNER, created=NOW + HOUR)
    unproven = decision(Role.FAIRNESS_AUDIT, "yes", created=NOW + HOUR, enforced=False)
    assert "rejected by nora" in read([*ALL_THREE, no, by_owner, unproven], now=NOW + 2 * HOUR).missing[0]


def test_a_rejection_whose_object_is_gone_still_stands() -> None:
    """Status keeps role, subject, author and time, but not the gate."""
    no = decision(Role.FAIRNESS_AUDIT, "nora", DecisionKind.REJECT, created=NOW, expires=None)
    bare = no.spec.model_copy(update={"gate": None})
    latched = Approval(name=no.name, namespace=no.namespace, uid="", created=no.created, spec=bare)
    assert "rejected by nora" in read([*ALL_THREE, latched]).missing[0]


def test_a_rejection_of_another_subject_says_nothing() -> None:
    no = decision(MEDIUM[0], "nora", DecisionKind.REJECT, created=NOW, expires=None, subject=OTHER_SUBJECT)
    assert read([*ALL_THREE, no]).open


def test_an_approval_for_another_gate_never_counts() -> None:
    bare = ALL_THREE[0].spec.model_copy(update={"gate": None})
    foreign = Approval(name="foreign", namespace="lending", uid="", created=NOW, spec=bare)
    reading = read([foreign, *ALL_THREE[1:]])
    assert not reading.open
    assert str(Gate.DEPLOYMENT) in reading.not_counted["foreign"]


def test_sentences_fit_the_status() -> None:
    reading = read([decision(MEDIUM[0], "x" * 256, DecisionKind.REJECT, expires=None)])
    assert all(len(sentence) <= 256 for sentence in reading.missing)


_people = st.sampled_from(["ann", "Ann ", "bob", "cleo", "dana", OWNER])
_kinds = st.sampled_from([DecisionKind.APPROVE] * 6 + [DecisionKind.REJECT, DecisionKind.REVOKE])


@st.composite
def _approvals(draw: st.DrawFn) -> list[Approval]:
    count = draw(st.integers(0, 9))
    return [
        decision(
            draw(st.sampled_from(HIGH)),
            draw(_people),
            draw(_kinds),
            created=NOW - draw(st.integers(0, 5)) * HOUR,
            expires=NOW + draw(st.integers(-1, 3)) * HOUR,
            subject=draw(st.sampled_from([*["sha256:" + "77ab" * 16] * 5, OTHER_SUBJECT])),
            enforced=draw(st.sampled_from([True, True, True, False])),
            name=f"a{i}",
        )
        for i in range(count)
    ]


@given(_approvals(), st.integers(1, 5))
def test_an_open_gate_is_filled_by_different_entitled_persons(approvals: list[Approval], roles: int) -> None:
    reading = read(approvals, required=HIGH[:roles], tier="High")
    counted = [a for a in approvals if a.name in reading.counted_names]
    assert len({person(a.spec.approver) for a in counted}) == len(counted) == len({a.spec.role for a in counted})
    for a in counted:
        assert a.enforced
        assert a.spec.subject == "sha256:" + "77ab" * 16
        assert a.spec.expires_at is not None
        assert a.spec.expires_at > NOW
        assert a.created + LONGEST_VALIDITY[Tier.HIGH] > NOW
        assert not (person(a.spec.approver) == OWNER and a.spec.role in HIGH[1:4])
    assert reading.open == (not reading.missing)
    assert not reading.open or len(counted) == roles
    assert read(approvals[::-1], required=HIGH[:roles], tier="High") == reading


@given(_approvals(), st.integers(1, 4))
def test_the_gate_opens_whenever_some_choice_of_persons_fills_it(approvals: list[Approval], roles: int) -> None:
    """The assignment against all permutations of persons. Only plain approvals, so that every one is eligible by itself."""
    plain = [decision(a.spec.role or HIGH[0], a.spec.approver.replace(OWNER, "eve"), name=a.name) for a in approvals]
    can = {(a.spec.role, person(a.spec.approver)) for a in plain}
    people = sorted({who for _, who in can})
    possible = any(all((HIGH[i], who) in can for i, who in enumerate(order)) for order in permutations(people, roles))
    assert read(plain, required=HIGH[:roles], tier="High").open == possible


@given(_approvals())
def test_adding_a_rejection_never_opens_a_gate(approvals: list[Approval]) -> None:
    no = decision(HIGH[0], "nora", DecisionKind.REJECT, created=NOW + HOUR, expires=None, name="no")
    assert not read([*approvals, no], required=HIGH[:2], tier="Low").open
