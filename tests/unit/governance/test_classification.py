"""The classifier: worst-of over enumerations, nothing unknown passes, a declaration raises, and lowers only what was agreed to."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from headgate.api.aimodel import Classification
from headgate.api.vocabulary import DecisionType, Risk, Tier
from headgate.governance.classification import Consent, RiskReading, TableState, assess
from headgate.governance.classification_table import BUILT_IN, Table, table_of

HARMLESS: dict[str, Any] = {
    "domain": "DemandForecasting",
    "decisions": "HumanInTheLoop",
    "affectedRights": [],
    "practices": [],
    "regions": ["EU"],
}


def read(table: Table | None = BUILT_IN, **changes: Any) -> RiskReading:
    written = {key: value for key, value in (HARMLESS | changes).items() if value is not None}
    return assess(Classification.model_validate(written), TableState(table, "" if table else "no table"))


@pytest.mark.parametrize(
    "domain",
    [
        *("Employment", "Education", "LawEnforcement", "Migration", "Justice", "CreditScoring", "InsurancePricing"),
        *("LifeInsurancePricing", "HealthInsurancePricing", "EssentialServices", "Biometrics", "CriticalInfrastructure"),
    ],
)
@pytest.mark.parametrize("decisions", DecisionType)
def test_a_high_risk_domain_is_high_whoever_decides(domain: str, decisions: DecisionType) -> None:
    reading = read(domain=domain, decisions=decisions.value)
    assert reading.risk is Risk.HIGH
    assert domain in reading.reasons[0]
    assert reading.controls == BUILT_IN.duties.high.controls


@pytest.mark.parametrize("practice", ["SocialScoring", "SubliminalManipulation", "ExploitationOfVulnerabilities"])
@pytest.mark.parametrize("declared", [None, "Low", "High"])
def test_a_prohibited_practice_is_prohibited_whatever_is_declared(practice: str, declared: str | None) -> None:
    reading = read(practices=[practice], declaredTier=declared)
    assert reading.prohibited
    assert reading.tier is None
    assert "nobody can approve" in reading.words
    assert practice in reading.words


@pytest.mark.parametrize(
    ("changes", "risk", "because"),
    [
        ({}, Risk.LOW, "DemandForecasting"),
        ({"decisions": "Automated"}, Risk.MEDIUM, "Automated"),
        ({"decisions": "HumanOnTheLoop"}, Risk.MEDIUM, "HumanOnTheLoop"),
        ({"affectedRights": ["Privacy"]}, Risk.MEDIUM, "Privacy"),
        ({"domain": "FraudDetection"}, Risk.MEDIUM, "FraudDetection"),
        ({"practices": ["Profiling"]}, Risk.HIGH, "Profiling"),
        ({"regions": ["EU", "Other"]}, Risk.MEDIUM, "Other"),
        ({"declaredTier": "High"}, Risk.HIGH, "High is declared, above the table's Low"),
        (
            {"declaredTier": "Low", "decisions": "Automated"},
            Risk.MEDIUM,
            "table says Medium for decisions Automated, which counts",
        ),
        ({"declaredTier": "Low"}, Risk.LOW, "DemandForecasting"),
    ],
)
def test_the_worst_name_counts(changes: dict[str, Any], risk: Risk, because: str) -> None:
    reading = read(**changes)
    assert reading.risk is risk
    assert because in reading.words
    assert reading.classified
    assert reading.table_version == BUILT_IN.version


AGREED = Consent(True, "legal-approval: lou@bank.example until 2027-01-01 12:00 UTC")


@pytest.mark.parametrize(
    ("changes", "risk"),
    [
        ({"declaredTier": "Low", "decisions": "Automated"}, Risk.LOW),
        ({"declaredTier": "Low", "domain": "CreditScoring"}, Risk.LOW),
        ({"declaredTier": "Medium", "domain": "CreditScoring"}, Risk.MEDIUM),
        ({"domain": "CreditScoring"}, Risk.HIGH),
        ({"declaredTier": "High"}, Risk.HIGH),
        ({"declaredTier": "Low", "practices": ["SocialScoring"]}, Risk.PROHIBITED),
        ({"declaredTier": "Low", "domain": "Alchemy"}, None),
        ({"declaredTier": "Low", "regions": []}, None),
    ],
)
def test_what_is_agreed_to_lowers_what_is_declared_and_nothing_else(changes: dict[str, Any], risk: Risk | None) -> None:
    written = Classification.model_validate(HARMLESS | changes)
    assert assess(written, TableState(BUILT_IN), AGREED).risk is risk


@pytest.mark.parametrize(
    ("field", "value"),
    [("domain", "CreditScorin"), ("affectedRights", ["Sleep"]), ("practices", ["Socialscoring"]), ("regions", ["Atlantis"])],
)
def test_what_the_table_does_not_know_is_not_let_through(field: str, value: Any) -> None:
    reading = read(**{field: value, "declaredTier": "High"})
    assert reading.risk is None
    assert field in reading.words


@pytest.mark.parametrize("field", HARMLESS)
def test_what_is_not_said_is_not_nothing(field: str) -> None:
    reading = read(**{field: None, "declaredTier": "High"})
    assert reading.risk is None
    assert f"classification.{field} is not given" in reading.words


def test_a_slip_is_told_with_what_was_meant() -> None:
    assert "did you mean CreditScoring" in read(domain="CreditScorin").words
    assert "EEA, EU" in read(regions=["Xq"]).words


@pytest.mark.parametrize("tier", Tier)
def test_a_model_from_before_the_table_is_taken_at_its_word(tier: Tier) -> None:
    for table in (BUILT_IN, None):
        reading = assess(Classification(domain="CreditScoring", declared_tier=tier), TableState(table))
        assert (reading.tier, reading.classified) == (tier, False)


@pytest.mark.parametrize(
    ("domain", "tier", "understated"),
    [
        ("CreditScoring", Tier.LOW, True),
        ("CreditScoring", Tier.MEDIUM, True),
        ("CreditScoring", Tier.HIGH, False),
        ("SpamFiltering", Tier.LOW, False),
        ("Alchemy", Tier.LOW, False),
        (None, Tier.LOW, False),
    ],
)
def test_a_word_below_what_the_table_says_for_the_domain_is_understated(domain: str | None, tier: Tier, understated: bool) -> None:
    classification = Classification(domain=domain, declared_tier=tier)
    reading = assess(classification, TableState(BUILT_IN))
    assert bool(reading.understated) is understated
    assert reading.tier is tier
    assert ("complete spec.classification" in reading.words) is understated
    assert not assess(classification, TableState(None, "no table")).understated


def test_a_domain_alone_is_no_classification() -> None:
    assert assess(Classification(domain="CreditScoring"), TableState(BUILT_IN)).risk is None


def test_without_a_table_nothing_is_classified() -> None:
    reading = read(None, declaredTier="High")
    assert (reading.risk, reading.reasons) == (None, ("no table",))


names = {
    "domain": st.sampled_from(sorted(BUILT_IN.domains)),
    "decisions": st.sampled_from([kind.value for kind in DecisionType]),
    "affectedRights": st.lists(st.sampled_from(sorted(BUILT_IN.affected_rights)), max_size=3),
    "practices": st.lists(st.sampled_from(sorted(BUILT_IN.practices)), max_size=3),
    "regions": st.lists(st.sampled_from(sorted(BUILT_IN.regions)), min_size=1, max_size=3),
}


@given(st.fixed_dictionaries(names), st.fixed_dictionaries(names), st.sampled_from([None, *[tier.value for tier in Tier]]))
def test_more_names_and_a_declaration_never_lower(one: dict[str, Any], more: dict[str, Any], declared: str | None) -> None:
    added = one | {key: [*one[key], *more[key]] for key in ("affectedRights", "practices", "regions")}
    before, after = read(**one).risk, read(**added, declaredTier=declared).risk
    assert before is not None
    assert after is not None
    assert after.rank >= before.rank


@given(st.fixed_dictionaries(names), st.sampled_from([None, *[tier.value for tier in Tier]]))
def test_every_reading_fits_the_status(written: dict[str, Any], declared: str | None) -> None:
    reading = read(**written, declaredTier=declared)
    lines = (*reading.reasons, *reading.controls, *reading.documents)
    assert all(0 < len(words) <= 256 for words in lines)
    assert max(len(reading.reasons), len(reading.controls), len(reading.documents)) <= 16


def written_table() -> dict[str, Any]:
    written: dict[str, Any] = BUILT_IN.model_dump(mode="json", by_alias=True)
    return written


def test_a_table_survives_being_written() -> None:
    assert table_of(yaml.safe_dump(written_table())) == BUILT_IN


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda table: table.pop("version"), "version"),
        (lambda table: table["decisions"].pop("Automated"), "decisions"),
        (lambda table: table["domains"].update({"Gaming": {"tier": "Mild"}}), "domains.Gaming.tier"),
        (lambda table: table.update({"practises": {}}), "practises"),
        (lambda table: table["domains"].update({"credit scoring": {"tier": "High"}}), "domains"),
    ],
)
def test_a_broken_table_is_refused_by_field(change: Any, says: str) -> None:
    table = written_table()
    change(table)
    with pytest.raises(ValueError, match=says):
        table_of(yaml.safe_dump(table))


@pytest.mark.parametrize("text", ["", "- a", "a: [", "version: 1", "\t"])
def test_what_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".{10,}"):
        table_of(text)
