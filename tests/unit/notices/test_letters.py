"""Who is told what, in which words, with which commands."""

from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import ValidationError
from tests.unit.notices.post import AT, BACK, DASHBOARD, PLACE, WAITING, letter, notification

from headgate.api.notifications import REASONS_OF, Notification, Occasions
from headgate.api.reasons import Reason
from headgate.api.vocabulary import Gate, Role
from headgate.notices.letter import Occasion, letters

RENEWAL = Occasion(
    Reason.CONTINUATION_DUE,
    "the approval of the use case ends within 7 days",
    warning=True,
    gate=Gate.CONTINUATION,
    roles=(Role.BUSINESS_OWNER,),
    missing=("business-owner: to be renewed",),
)
USE_CASE = replace(WAITING, gate=Gate.USE_CASE, roles=(Role.LEGAL_APPROVAL,), missing=("legal-approval: nobody has approved yet",))
GATES = "kubectl headgate gates credit-scorer -n lending"
APPROVE = "kubectl headgate approve credit-scorer -n lending"


@pytest.mark.parametrize(
    ("occasion", "title", "commands"),
    [
        (
            WAITING,
            "credit-scorer 2.3.1 waits for approval (lending, production)",
            (GATES, f"{APPROVE} --role fairness-audit", f"{APPROVE} --role security-review"),
        ),
        (
            USE_CASE,
            "credit-scorer 2.3.1 waits for approval (lending, production)",
            (GATES, f"{APPROVE} --gate UseCase --role legal-approval"),
        ),
        (
            RENEWAL,
            "credit-scorer 2.3.1 needs the approval of its use case renewed (lending, production)",
            (GATES, f"{APPROVE} --gate Continuation --role business-owner"),
        ),
        (BACK, "credit-scorer 2.3.1 was taken back (lending, production)", ("kubectl headgate evidence credit-scorer -n lending",)),
        (
            Occasion(Reason.LIVE, "2.3.1 is live"),
            "credit-scorer 2.3.1 is live (lending, production)",
            ("kubectl headgate explain credit-scorer -n lending",),
        ),
        (
            Occasion(Reason.CRASH_LOOP, "exit 1"),
            "credit-scorer 2.3.1 reports CrashLoop (lending, production)",
            ("kubectl headgate explain credit-scorer -n lending",),
        ),
        (
            Occasion(Reason.AUDIT_BROKEN, "entry 4 is gone", warning=True),
            "credit-scorer 2.3.1 has a broken audit chain (lending, production)",
            ("kubectl headgate audit verify --model credit-scorer -n lending",),
        ),
    ],
    ids=lambda value: str(value.reason) if isinstance(value, Occasion) else "",
)
def test_a_letter_says_what_happened_and_what_to_type(occasion: Occasion, title: str, commands: tuple[str, ...]) -> None:
    written = letter(occasion)
    assert (written.title, written.commands) == (title, commands)
    assert written.occasion.missing == occasion.missing


@pytest.mark.parametrize(
    ("on", "roles", "occasion", "told"),
    [
        (None, (), WAITING, True),
        (None, (), BACK, True),
        (None, (), Occasion(Reason.STAGE_STARTED, "canary"), False),
        (["Progress"], (), Occasion(Reason.STAGE_STARTED, "canary"), True),
        (["RolledBack"], (), WAITING, False),
        (["Any"], (), Occasion(Reason.CRASH_LOOP, "exit 1"), True),
        (["ApprovalExpiring"], (), RENEWAL, True),
        (["NeedsRepair"], (), Occasion(Reason.IMAGE_UNAVAILABLE, "no such image"), True),
        (["WaitingForApproval"], ["fairness-audit"], WAITING, True),
        (["WaitingForApproval"], ["legal-approval"], WAITING, False),
        (["Any"], ["fairness-audit"], BACK, False),
    ],
)
def test_who_is_told(on: list[str] | None, roles: list[str], occasion: Occasion, told: bool) -> None:
    one = notification(roles=roles) if on is None else notification(on=on, roles=roles)
    assert bool(letters(occasion, PLACE, AT, (one,))) is told


def test_who_asked_for_some_roles_gets_only_their_commands_and_the_names_of_all_who_are_missing() -> None:
    ((_, written),) = letters(WAITING, PLACE, AT, (notification(roles=["security-review"]),))
    assert written.commands == (GATES, f"{APPROVE} --role security-review")
    assert written.occasion.missing == WAITING.missing


def test_each_receiver_gets_a_letter_of_its_own() -> None:
    told = letters(WAITING, PLACE, AT, (notification(), notification(name="other"), notification(name="third", on=["Live"])))
    assert [one.name for one, _ in told] == ["risk", "other"]


def test_the_link_names_the_model_and_there_is_none_without_a_dashboard() -> None:
    assert letter().link == "https://grafana.example/d/model?ns=lending&model=credit-scorer"
    assert letter(dashboard="").link == ""


def test_one_occurrence_has_one_identity_and_another_one_another() -> None:
    assert letter().id == letter().id
    others = [
        letter(at=AT + timedelta(seconds=1)),
        letter(BACK),
        letter(place=replace(PLACE, uid="uid-2")),
        letter(place=replace(PLACE, environment="staging")),
    ]
    assert len({letter().id, *(other.id for other in others)}) == 5


def test_words_without_end_are_cut() -> None:
    written = letter(replace(WAITING, words="x" * 10_000, missing=("fairness-audit: " + "y" * 10_000,)), dashboard=DASHBOARD)
    assert len(written.occasion.words) == len(written.occasion.missing[0]) == 1500


@pytest.mark.parametrize("group", list(Occasions))
def test_each_group_has_reasons_and_no_group_has_the_name_of_one(group: Occasions) -> None:
    assert REASONS_OF[group]
    assert str(group) not in set(Reason)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"name": "a", "to": {}}, "exactly one of cloudEvents, slack, teams and email"),
        ({"name": "a", "to": {"slack": {"secretRef": {"name": "s", "key": "k"}}, "cloudEvents": {"url": "http://x"}}}, "exactly one of"),
        ({"name": "a", "to": {"slack": {"url": "https://hooks.slack.example/T/B/x"}}}, "secretRef"),
        ({"name": "a", "on": ["RolledBak"], "to": {"cloudEvents": {"url": "http://x"}}}, "'RolledBak' is no occasion"),
        ({"name": "a", "on": [], "to": {"cloudEvents": {"url": "http://x"}}}, "at least 1 item"),
        ({"name": "a", "to": {"cloudEvents": {}}}, "url, or secretRef"),
        ({"name": "a", "to": {"cloudEvents": {"url": "ftp://x"}}}, "pattern"),
        ({"name": "a", "to": {"email": {"host": "m", "sender": "a@b", "to": ["c@d"], "username": "u"}}}, "go together"),
        (
            {
                "name": "a",
                "to": {
                    "email": {
                        "host": "m",
                        "sender": "a@b",
                        "to": ["c@d"],
                        "username": "u",
                        "secretRef": {"name": "s", "key": "k"},
                        "encryption": "None",
                    }
                },
            },
            "StartTLS or TLS",
        ),
        ({"name": "a", "to": {"email": {"host": "m", "sender": "a@b\nBcc: x@y", "to": ["c@d"]}}}, "pattern"),
        ({"name": "a", "to": {"email": {"host": "m", "sender": "a@b", "to": []}}}, "at least 1 item"),
    ],
)
def test_a_bad_notification_is_refused_with_words_that_help(document: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Notification.model_validate(document)
    assert says in str(caught.value)
