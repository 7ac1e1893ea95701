"""How risky a model is: each name of its classification is looked up in the table, and the worst of them counts.

One name is enough: a credit score is high-risk whether or not a person signs it off, and whatever rights its team thinks it touches.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from headgate.api.aimodel import Classification
from headgate.api.base import line
from headgate.api.vocabulary import Risk, Tier
from headgate.governance.classification_table import BUILT_IN, Entry, Table


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


def assess(classification: Classification, state: TableState) -> RiskReading:
    """The risk of `classification`.

    A classification that says none of decisions, affectedRights, practices and regions is from before there was a table: its tier is the
    declared one, and `classified` is False. Whether that is enough is the policy's to say.
    """
    if not _asks_for_table(classification):
        return _declared(classification, state.table)
    if state.table is None:
        return RiskReading(None, (line(state.problem),), classified=False)
    unclear = tuple(line(words) for words in (*_left_out(classification), *_unknown(classification, state.table)))
    if unclear:
        return RiskReading(None, unclear, classified=False, table_version=state.table.version)
    return _worst(classification, state.table)


def _asks_for_table(classification: Classification) -> bool:
    said = (classification.decisions, classification.affected_rights, classification.practices, classification.regions)
    return any(part is not None for part in said)


def _declared(classification: Classification, table: Table | None) -> RiskReading:
    declared = classification.declared_tier
    missing = "decisions, affectedRights, practices and regions of spec.classification are not given"
    if declared is None:
        return RiskReading(None, (f"{missing}, and no declaredTier: the risk is not known",), classified=False)
    reasons = [f"{declared} is declared, and not looked up in the table: {missing}"]
    domain = table.domains.get(classification.domain or "") if table is not None else None
    if domain is not None and domain.tier.rank > Risk(declared.value).rank:
        reasons.append(f"the table says {domain.tier} for the domain {classification.domain} alone: complete the classification")
    return RiskReading(Risk(declared.value), tuple(reasons), classified=False)


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


def _worst(classification: Classification, table: Table) -> RiskReading:
    found = [(field, name, known[name]) for field, names, known in _fields(classification, table) for name in names]
    computed = max((entry.tier for _, _, entry in found), key=lambda risk: risk.rank)
    reasons = [_because(field, name, entry) for field, name, entry in found if entry.tier is computed]
    declared = classification.declared_tier
    risk = computed
    if declared is not None and computed is not Risk.PROHIBITED:
        asked = Risk(declared.value)
        if asked.rank > computed.rank:
            risk, reasons = asked, [f"{declared} is declared, above the table's {computed}", *reasons]
        elif asked.rank < computed.rank:
            reasons.insert(0, _not_lowered(declared, computed))
    elif computed is Risk.PROHIBITED:
        reasons.insert(0, "prohibited: nobody can approve it. Change what the model does, not what is written about it")
    tier = risk.tier
    duties = {Tier.LOW: table.duties.low, Tier.MEDIUM: table.duties.medium, Tier.HIGH: table.duties.high}[tier] if tier else None
    asked_by_names = dict.fromkeys(words for _, _, entry in found for words in entry.documents)
    return RiskReading(
        risk,
        tuple(line(words) for words in reasons)[:16],
        table_version=table.version,
        controls=duties.controls if duties else (),
        documents=(*duties.documents, *asked_by_names)[:16] if duties else (),
    )


def _not_lowered(declared: Tier, computed: Risk) -> str:
    return (
        f"declaredTier {declared} has no effect: it may raise the table's {computed}, never lower it. "
        "If the table is wrong, the legal and risk team that keeps it may change it"
    )


def _because(field: str, name: str, entry: Entry) -> str:
    return f"{entry.tier} for {field} {name}" + (f": {entry.why}" if entry.why else "")


def _instead(name: str, known: Mapping[str, Entry]) -> str:
    close = get_close_matches(name, known, n=2)
    return f"did you mean {' or '.join(close)}?" if close else f"it knows {', '.join(sorted(known))}"
