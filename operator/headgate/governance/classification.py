"""How risky a model is: each name of its classification is looked up in the table, and the worst of them counts.

One name is enough: a credit score is high-risk whether or not a person signs it off, and whatever rights its team thinks it touches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from headgate.api.aimodel import Classification
from headgate.api.base import line
from headgate.api.vocabulary import Gate, Risk, Role, Tier
from headgate.governance.classification_table import BUILT_IN, Entry, Table


@dataclass(frozen=True, slots=True)
class Lowering:
    """A tier that a model declares below the table's."""

    table: Tier
    declared: Tier


@dataclass(frozen=True, slots=True)
class Consent:
    """What the gate TierLowering says of a declared lower tier: only one that is agreed to counts. `words` say who agreed and until when,
    or what is missing."""

    agreed: bool
    words: str


UNASKED = Consent(False, f"the approval of {Role.LEGAL_APPROVAL} at the gate {Gate.TIER_LOWERING}")
"""Where there is no cluster to ask."""


@dataclass(frozen=True, slots=True)
class RiskReading:
    """What a classification comes to. Sentences are at most 256 characters."""

    risk: Risk | None
    """None: not known, and `reasons` say what is missing or unknown."""
    reasons: tuple[str, ...]
    classified: bool = True
    """By the table. False for a tier that the model only declares, and for none."""
    table_version: str = ""
    controls: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    lowering: Lowering | None = None
    """The lower tier that is declared, whether or not it counts; None if there is none."""
    understated: str = ""
    """That a classification which only declares a tier declares less than the table says for the domain that it names; empty if not."""

    @property
    def tier(self) -> Tier | None:
        """At which gates can ask people. None where no approval helps: unknown, or prohibited."""
        return self.risk.tier if self.risk is not None else None

    @property
    def prohibited(self) -> bool:
        return self.risk is Risk.PROHIBITED

    @property
    def words(self) -> str:
        return "; ".join(self.reasons)


@dataclass(frozen=True, slots=True)
class TableState:
    """The table in force, or why there is none."""

    table: Table | None
    problem: str = ""


BY_DEFAULT = TableState(BUILT_IN)


def assess(classification: Classification, state: TableState, consent: Consent = UNASKED) -> RiskReading:
    """The risk of `classification`. `consent` decides whether a declared tier below the table's counts. What is prohibited or not known no
    consent lowers.

    A classification that says none of decisions, affectedRights, practices and regions is from before there was a table: its tier is the
    declared one, and `classified` is False. Whether that is enough is the policy's to say, unless it is `understated`.
    """
    if not _asks_for_table(classification):
        return _declared(classification, state.table)
    if state.table is None:
        return RiskReading(None, (line(state.problem),), classified=False)
    unclear = tuple(line(words) for words in (*_left_out(classification), *_unknown(classification, state.table)))
    if unclear:
        return RiskReading(None, unclear, classified=False, table_version=state.table.version)
    return _worst(classification, state.table, consent)


def _asks_for_table(classification: Classification) -> bool:
    said = (classification.decisions, classification.affected_rights, classification.practices, classification.regions)
    return any(part is not None for part in said)


def _declared(classification: Classification, table: Table | None) -> RiskReading:
    declared = classification.declared_tier
    missing = "decisions, affectedRights, practices and regions of spec.classification are not given"
    if declared is None:
        return RiskReading(None, (f"{missing}, and no declaredTier: the risk is not known",), classified=False)
    reasons = [f"{declared} is declared, and not looked up in the table: {missing}"]
    domain, understated = table.domains.get(classification.domain or "") if table is not None else None, ""
    if domain is not None and domain.tier.rank > Risk(declared.value).rank:
        says = f"the table says {domain.tier} for the domain {classification.domain} alone"
        understated = line(f"{declared} is declared, and {says}: complete spec.classification")
        reasons.append(understated)
    return RiskReading(Risk(declared.value), tuple(reasons), classified=False, understated=understated)


def _left_out(classification: Classification) -> Iterator[str]:
    """What is not said is not nothing: an empty list says that there is none."""
    if not classification.domain:
        yield "classification.domain is not given: name the field in which the model is used"
    if classification.decisions is None:
        yield "classification.decisions is not given: Automated, HumanOnTheLoop or HumanInTheLoop"
    if classification.affected_rights is None:
        yield "classification.affectedRights is not given: name the rights that a wrong decision touches, or write [] if none"
    if classification.practices is None:
        yield "classification.practices is not given: name the practices that the law knows, or write [] if none"
    if not classification.regions:
        yield "classification.regions is not given: name at least one region in which the people are about whom it decides"


def _unknown(classification: Classification, table: Table) -> Iterator[str]:
    for field, names, known in _fields(classification, table):
        for name in names:
            if name not in known:
                yield f"classification.{field} {name} is not in table {table.version}: {_instead(name, known)}"


def _fields(classification: Classification, table: Table) -> Iterator[tuple[str, tuple[str, ...], Mapping[str, Entry]]]:
    """(field, names given, names known), worst enumerations first."""
    yield "practices", classification.practices or (), table.practices
    yield "domain", (classification.domain,) if classification.domain else (), table.domains
    yield "affectedRights", classification.affected_rights or (), table.affected_rights
    yield "regions", classification.regions or (), table.regions
    by_name = {kind.value: entry for kind, entry in table.decisions.items()}
    yield "decisions", (classification.decisions.value,) if classification.decisions else (), by_name


def _worst(classification: Classification, table: Table, consent: Consent) -> RiskReading:
    found = [(field, name, known[name]) for field, names, known in _fields(classification, table) for name in names]
    computed = max((entry.tier for _, _, entry in found), key=lambda risk: risk.rank)
    reasons = [_because(field, name, entry) for field, name, entry in found if entry.tier is computed]
    risk, lowering = computed, _lowering(classification.declared_tier, computed)
    if computed is Risk.PROHIBITED:
        reasons.insert(0, "prohibited: nobody can approve it. Change what the model does, not what is written about it")
    elif lowering is not None:
        risk = Risk(lowering.declared.value) if consent.agreed else computed
        reasons.insert(0, _lowering_words(lowering, consent, reasons[0]))
    elif classification.declared_tier is not None and (asked := Risk(classification.declared_tier.value)).rank > computed.rank:
        risk, reasons = asked, [f"{asked} is declared, above the table's {computed}", *reasons]
    tier = risk.tier
    duties = {Tier.LOW: table.duties.low, Tier.MEDIUM: table.duties.medium, Tier.HIGH: table.duties.high}[tier] if tier else None
    asked_by_names = dict.fromkeys(words for _, _, entry in found for words in entry.documents)
    return RiskReading(
        risk,
        tuple(line(words) for words in reasons)[:16],
        table_version=table.version,
        controls=duties.controls if duties else (),
        documents=(*duties.documents, *asked_by_names)[:16] if duties else (),
        lowering=lowering,
    )


def _lowering(declared: Tier | None, computed: Risk) -> Lowering | None:
    if declared is None or computed.tier is None or not computed.tier.exceeds(declared):
        return None
    return Lowering(computed.tier, declared)


def _lowering_words(lowering: Lowering, consent: Consent, because: str) -> str:
    """`because` begins with the tier that the table says."""
    if consent.agreed:
        return f"{lowering.declared} is declared, below the table's {lowering.table}, and agreed to: {consent.words}"
    table_says = because.partition(": ")[0]
    return f"{lowering.declared} is declared, and the table says {table_says}, which counts: lowering it needs {consent.words}"


def _because(field: str, name: str, entry: Entry) -> str:
    return f"{entry.tier} for {field} {name}" + (f": {entry.why}" if entry.why else "")


def _instead(name: str, known: Mapping[str, Entry]) -> str:
    close = get_close_matches(name, known, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"it knows {', '.join(sorted(known))}"
