"""Assessments of AI literacy: how they are read, whose they are, and whose approvals they let count."""

from datetime import date, timedelta

import pytest
from tests.unit.governance.builders import NOW, decision, read
from tests.unit.governance.signers import trusting

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import DecisionKind, Role, Tier
from headgate.governance.approvals import Approval
from headgate.governance.gates import GateReading
from headgate.governance.literacy import Assessment, Literacy, StaffRole, assessments_of, of_person, shortfall
from headgate.governance.subjects import deployment_statement
from headgate.governance.trust import Trust

HEAD = "person,role,competency,score,date,trainingValidUntil\n"
DANA = "dana@bank.example"
TODAY = NOW.date()
FAIR = Role.FAIRNESS_AUDIT


def scored(person: str, score: float, competency: str = "oversight", day: date = TODAY, until: date | None = None) -> Assessment:
    return Assessment(person, StaffRole.TECHNICAL, competency, score, day, until)


def literate(*assessments: Assessment) -> Literacy:
    return Literacy(assessments)


def fairness(literacy: Literacy | None, approval: Approval | None = None, tier: str = "Medium", trust: Trust | None = None) -> GateReading:
    known = trust or trusting()
    asked = Trust(known.environment, known.store, literacy=literacy)
    return read([approval or decision(FAIR, DANA)], required=(FAIR,), trust=asked, tier=tier)


def test_a_table_is_read_with_its_dates() -> None:
    text = (
        HEAD
        + "ann, Manager,oversight,0.8,2026-03-01,2026-12-31\r\n".replace(" Manager", "Manager")
        + "ben,Technical,testing,1,2026-03-01,\n"
    )
    assert assessments_of(text) == (
        Assessment("ann", StaffRole.MANAGER, "oversight", 0.8, date(2026, 3, 1), date(2026, 12, 31)),
        Assessment("ben", StaffRole.TECHNICAL, "testing", 1.0, date(2026, 3, 1)),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no column person"),
        (HEAD + "ann,Boss,oversight,0.5,2026-01-01,\n", "^row 1: .*roles: Executive"),
        (HEAD + "ann,Manager,oversight,nan,2026-01-01,\n", "^row 1: a score of nan"),
        (HEAD + 'ann,Manager,"over', "^row 1: "),
    ],
)
def test_what_is_no_table_is_said_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        assessments_of(text)


def test_one_person_under_many_names_and_the_newest_counts() -> None:
    literacy = literate(scored("Dana@Bank.example ", 0.5, day=TODAY - timedelta(days=9)), scored("dana", 0.9), scored("eve", 0.1))
    found = of_person(literacy, ("dana@bank.example", "dana"))
    assert [one.score for one in found] == [0.5, 0.9]
    assert shortfall(found, TODAY) == ""
    assert of_person(literacy, ("", "nobody")) == ()


@pytest.mark.parametrize(
    ("assessments", "why"),
    [
        ((), "never assessed"),
        ((scored("dana", 0.9, day=TODAY + timedelta(days=1)),), "never assessed"),
        ((scored("dana", 0.69),), "oversight 0.69"),
        ((scored("dana", 0.9), scored("dana", 0.2, "risk")), "risk 0.20"),
        ((scored("dana", 0.9, until=TODAY - timedelta(days=1)),), f"training was valid until {TODAY - timedelta(days=1)}"),
        ((scored("dana", 0.7, until=TODAY),), ""),
    ],
)
def test_what_a_person_lacks(assessments: tuple[Assessment, ...], why: str) -> None:
    assert shortfall(assessments, TODAY) == why


@pytest.mark.parametrize("tier", ["Low", "Medium"])
@pytest.mark.parametrize(
    ("literacy", "says"),
    [
        (literate(), "was never assessed"),
        (literate(scored("eve", 0.9)), "was never assessed"),
        (literate(scored(DANA, 0.6)), "assessed below 0.7 or past their training"),
        (literate(scored("dana.smith@corp", 0.6)), "assessed below 0.7"),
        (literate(scored("dana", 0.9), scored(DANA, 0.6, "risk")), "assessed below 0.7"),
    ],
)
def test_where_it_is_required_who_is_not_known_to_know_enough_does_not_count(literacy: Literacy, says: str, tier: str) -> None:
    approval = decision(FAIR, DANA)
    reading = fairness(literacy, approval, tier)
    assert not reading.open
    assert says in reading.not_counted[approval.name]
    assert "0.6" not in reading.not_counted[approval.name].replace("0.7", ""), "no score in what everybody reads"
    assert fairness(None, approval, tier).open, "and where it is not required, they do"


@pytest.mark.parametrize("name", [DANA, "DANA@bank.example", "dana.smith@corp", "dana"])
def test_who_knows_enough_counts_under_each_of_their_names(name: str) -> None:
    assert fairness(literate(scored(name, 0.8))).open


def test_who_is_not_in_the_trust_store_is_held_to_it_as_well() -> None:
    stranger = decision(FAIR, "pat@bank.example")
    assert not fairness(literate(scored(DANA, 0.9)), stranger, "Low", Trust()).open
    assert fairness(literate(scored("pat@bank.example", 0.9)), stranger, "Low", Trust()).open


def test_a_rejection_stands_whatever_its_author_knows_and_only_a_literate_approval_answers_it() -> None:
    no = decision(FAIR, DANA, DecisionKind.REJECT, created=NOW - timedelta(hours=2))
    yes = decision(FAIR, DANA)
    for literacy, is_open in ((literate(scored(DANA, 0.5)), False), (literate(scored(DANA, 0.9)), True)):
        known = trusting()
        reading = read([no, yes], required=(FAIR,), trust=Trust(known.environment, known.store, literacy=literacy))
        assert (reading.open, reading.rejected) == (is_open, not is_open)


def test_a_policy_that_only_shows_it_asks_for_nothing_more() -> None:
    stages = [
        {"name": "canary", "trafficPercent": 5, "minDuration": "7d", "maxDuration": "14d"},
        {"name": "full", "holdbackPercent": 1, "minDuration": "1d", "maxDuration": "3d"},
    ]

    def statement(**gates: str) -> dict[str, object]:
        policy = RolloutPolicySpec.model_validate({"stages": stages, "gates": gates})
        return deployment_statement(
            environment="production", namespace="lending", name="credit", content="sha256:" + "ab" * 32, tier=Tier.LOW, policy=policy
        )

    assert statement() == statement(literacy="Shown")
    assert statement() != statement(literacy="Required")
