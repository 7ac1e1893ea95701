"""The table that a classification is looked up in: which names there are, how risky each is, and what follows from a tier.

A law changes more often than a program: the table has a version of its own, and an organisation may put its own in place of this one.
"""

from typing import Annotated, Any

import yaml
from pydantic import Field, ValidationError

from headgate.api.base import Line, Model
from headgate.api.faults import first_fault
from headgate.api.vocabulary import DecisionType, Risk

_Name = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,62}$", max_length=63)]


class Entry(Model):
    """One name of an enumeration."""

    tier: Risk
    why: Annotated[str, Field(max_length=200)] = ""
    """Where the tier comes from, in words."""
    documents: Annotated[tuple[Line, ...], Field(max_length=4)] = ()
    """What it asks for in writing, whatever the tier."""


_Entries = Annotated[dict[_Name, Entry], Field(min_length=1, max_length=128)]


class Duties(Model):
    """What follows from a tier."""

    controls: Annotated[tuple[Line, ...], Field(max_length=12)] = ()
    documents: Annotated[tuple[Line, ...], Field(max_length=8)] = ()


class TierDuties(Model):
    low: Duties
    medium: Duties
    high: Duties


class Table(Model):
    """Every enumeration of a Classification. A name that is not here is not known, and what is not known is not let through."""

    version: Annotated[str, Field(min_length=1, max_length=63)]
    domains: _Entries
    decisions: Annotated[dict[DecisionType, Entry], Field(min_length=3)]
    """All decision types: one that is missing would be unknown for ever."""
    affected_rights: _Entries
    practices: _Entries
    regions: _Entries
    duties: TierDuties


def table_of(text: str) -> Table:
    """A table from YAML (or JSON). Raises ValueError with one sentence that names the first field that is wrong."""
    try:
        return Table.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ValueError(first_fault(error, whole="the table")) from error
    except yaml.YAMLError as error:
        raise ValueError(f"it is no YAML: {' '.join(str(error).split())}"[:300]) from error


def _entries(tier: Risk, **why: str) -> dict[str, Any]:
    return {name: Entry(tier=tier, why=words) for name, words in why.items()}


_DOMAINS = {
    **_entries(
        Risk.HIGH,
        Employment="hiring, promotion, dismissal, allocation of work (AI Act, Annex III 4)",
        Education="admission, assessment, supervision of exams (AI Act, Annex III 3)",
        LawEnforcement="police and prosecution (AI Act, Annex III 6)",
        Migration="migration, asylum, border control (AI Act, Annex III 7)",
        Justice="courts and dispute resolution (AI Act, Annex III 8)",
        DemocraticProcesses="elections and voting behaviour (AI Act, Annex III 8)",
        CreditScoring="creditworthiness of natural persons (AI Act, Annex III 5b)",
        InsurancePricing="risk and price of insurance for natural persons (AI Act, Annex III 5c names life and health)",
        LifeInsurancePricing="risk and price of life insurance (AI Act, Annex III 5c)",
        HealthInsurancePricing="risk and price of health insurance (AI Act, Annex III 5c)",
        EssentialServices="access to essential public and private services and benefits (AI Act, Annex III 5a)",
        EmergencyServices="dispatch and triage of emergencies (AI Act, Annex III 5d)",
        Biometrics="identification, categorisation, emotion recognition (AI Act, Annex III 1)",
        CriticalInfrastructure="safety of traffic, water, gas, heating, electricity, digital infrastructure (AI Act, Annex III 2)",
        MedicalDevices="safety component of a regulated product (AI Act, Annex I)",
        ProductSafety="safety component of a regulated product (AI Act, Annex I)",
    ),
    **_entries(
        Risk.MEDIUM,
        FraudDetection="a false alarm stops somebody's payment; exempted from Annex III 5b of the AI Act",
        AntiMoneyLaundering="a false alarm closes somebody's account",
        PropertyInsurancePricing="prices of natural persons, outside Annex III of the AI Act",
        DynamicPricing="prices that differ between persons",
        ContentModeration="what people may say and see",
        Recommendation="what people are shown first",
        CustomerService="people talk to it (AI Act, Article 50)",
        Healthcare="support of care that is no medical device",
    ),
    **_entries(
        Risk.LOW,
        DocumentProcessing="reading and sorting of documents",
        DemandForecasting="quantities, not people",
        Marketing="who is shown an offer",
        PredictiveMaintenance="machines, not people",
        InternalSearch="finding documents",
        SpamFiltering="sorting of messages",
        CodeAssistance="a person reads what it writes",
    ),
}
_DECISIONS = {
    DecisionType.AUTOMATED: Entry(tier=Risk.MEDIUM, why="nobody looks at a decision before it takes effect"),
    DecisionType.HUMAN_ON_THE_LOOP: Entry(tier=Risk.MEDIUM, why="a decision takes effect before anybody looks at it"),
    DecisionType.HUMAN_IN_THE_LOOP: Entry(tier=Risk.LOW, why="a person makes each decision"),
}
_RIGHTS = _entries(
    Risk.MEDIUM,
    NonDiscrimination="a wrong decision may treat groups unequally",
    Privacy="it works on data about persons",
    FairTrial="it touches proceedings about persons",
    FreedomOfExpression="it decides what may be said or seen",
    HumanDignity="it treats persons as objects",
    WorkersRights="it touches conditions of work",
    RightsOfTheChild="it decides about children",
)
_PRACTICES = {
    **_entries(
        Risk.PROHIBITED,
        SocialScoring="evaluation of persons by their social behaviour (AI Act, Article 5.1c)",
        SubliminalManipulation="techniques beyond a person's consciousness (AI Act, Article 5.1a)",
        ExploitationOfVulnerabilities="of age, disability or social situation (AI Act, Article 5.1b)",
        IndividualCrimePrediction="from profiling or personality alone (AI Act, Article 5.1d)",
        UntargetedFaceScraping="from the internet or cameras (AI Act, Article 5.1e)",
        EmotionRecognitionAtWork="at work and in education (AI Act, Article 5.1f)",
        SensitiveBiometricCategorisation="race, opinion, religion, orientation from biometrics (AI Act, Article 5.1g)",
        RealTimeRemoteBiometricIdentification="in public for law enforcement (AI Act, Article 5.1h)",
    ),
    **_entries(Risk.HIGH, Profiling="profiling of persons in a listed field is always high-risk (AI Act, Article 6.3)"),
}


def _region(*documents: str) -> Entry:
    return Entry(tier=Risk.LOW, documents=documents)


_REGIONS = {
    "EU": _region("records for the EU AI Act (high-risk duties from 2 December 2027) and the GDPR"),
    "EEA": _region("records for the EU AI Act (high-risk duties from 2 December 2027) and the GDPR"),
    "US": _region("records for SR 26-2 (formerly SR 11-7), where it applies, and for state law"),
    "UK": _region("records for the UK GDPR and the sector's regulator"),
    "CH": _region("records for the Swiss data protection act"),
    "CA": _region("records for the Canadian privacy acts and OSFI E-23, where it applies"),
    "AU": _region("records for the Australian privacy act"),
    "JP": _region("records for the Japanese AI promotion act"),
    "KR": _region("records for the Korean AI basic act"),
    "CN": _region("filing of the algorithm, where it applies"),
    "IN": _region("records for the Indian data protection act"),
    "SG": _region("records for the model governance framework of Singapore"),
    "BR": _region("records for the Brazilian data protection act"),
    "Other": Entry(tier=Risk.MEDIUM, why="the law of the region is not in this table", documents=("which law applies, in writing",)),
}
_DUTIES = TierDuties(
    low=Duties(
        controls=("automated checks before release", "basic performance and data-quality checks"),
        documents=("intended use and owners", "test results: performance, data integrity"),
    ),
    medium=Duties(
        controls=(
            "peer review and approval by a senior technical person",
            "fairness checked for known sensitive attributes",
            "people review edge cases",
            "images pinned by digest, lineage from data to model",
        ),
        documents=("requirements document in five sections", "test results: performance, data integrity, fairness", "runbook"),
    ),
    high=Duties(
        controls=(
            "validation by a team that did not build it",
            "fairness over demographic segments",
            "documented human oversight, with the override rate watched",
            "approval by legal and compliance, and by an executive who accepts the risk",
            "images pinned by digest, lineage from data to model",
        ),
        documents=(
            "requirements document in five sections",
            "test results: performance, data integrity, fairness, robustness",
            "impact assessment on fundamental rights",
            "model card and technical documentation",
            "runbook and plan for monitoring after release",
        ),
    ),
)

BUILT_IN = Table(
    version="2026-11",
    domains=_DOMAINS,
    decisions=_DECISIONS,
    affected_rights=_RIGHTS,
    practices=_PRACTICES,
    regions=_REGIONS,
    duties=_DUTIES,
)
