"""Which parts of an audit bundle are a record for which control. A table, not a judgement: whether a duty is met is for people to say.

Numbers and dates of laws and standards change: this is data, and TABLE_VERSION says which.
"""

from dataclasses import dataclass

TABLE_VERSION = "2026-11"

ENTRIES, APPROVALS, VERDICTS, TIMELINE = "audit.jsonl", "approvals.json", "verdicts.json", "timeline.json"


@dataclass(frozen=True, slots=True)
class Control:
    """`subject` in our words. `records`: files of the bundle."""

    framework: str
    id: str
    subject: str
    records: tuple[str, ...]


_ACT, _SR, _NIST, _ISO = "EU AI Act", "SR 26-2 (formerly SR 11-7)", "NIST AI RMF", "ISO/IEC 42001 Annex A"

CONTROLS: tuple[Control, ...] = (
    Control(_ACT, "Article 9", "risks are tested against limits that were set before", (VERDICTS, APPROVALS)),
    Control(_ACT, "Article 11, Annex IV", "documentation of versions and of what changed", (ENTRIES, APPROVALS)),
    Control(_ACT, "Article 12", "events over the lifetime are logged", (ENTRIES, TIMELINE)),
    Control(_ACT, "Article 14", "people oversee, override and stop", (ENTRIES, APPROVALS)),
    Control(_ACT, "Article 15", "accuracy and robustness hold up in use", (VERDICTS,)),
    Control(_ACT, "Article 17", "changes have owners and are approved", (APPROVALS, ENTRIES)),
    Control(_ACT, "Articles 18 and 19", "documents and logs are kept", (ENTRIES,)),
    Control(_ACT, "Article 26", "whoever deploys monitors, suspends, and keeps the logs", (ENTRIES, TIMELINE)),
    Control(_ACT, "Article 43(4)", "a substantial change is told from a minor one", (ENTRIES, APPROVALS)),
    Control(_ACT, "Article 72", "monitoring after placing on the market", (VERDICTS, TIMELINE)),
    Control(_ACT, "Article 73", "when a serious incident began and ended", (ENTRIES, TIMELINE)),
    Control(_SR, "Model inventory", "which version of a model was in use when", (TIMELINE,)),
    Control(_SR, "Effective challenge", "who reviewed, independently of whom", (APPROVALS,)),
    Control(_SR, "Outcomes analysis", "results in use, compared with the version before", (VERDICTS,)),
    Control(_SR, "Ongoing monitoring", "limits, breaches, and what followed", (VERDICTS, ENTRIES)),
    Control(_SR, "Overrides and exceptions", "what people decided against or without proof", (ENTRIES, APPROVALS)),
    Control(_NIST, "GOVERN 1.6", "inventory of systems", (TIMELINE,)),
    Control(_NIST, "GOVERN 2.1", "roles and responsibilities", (APPROVALS,)),
    Control(_NIST, "MAP 3.5", "how people oversee", (APPROVALS, ENTRIES)),
    Control(_NIST, "MEASURE 2.4", "behaviour in production is monitored", (VERDICTS,)),
    Control(_NIST, "MANAGE 1.1", "whether to go on is decided", (ENTRIES, APPROVALS)),
    Control(_NIST, "MANAGE 2.4", "a system is disengaged that does harm", (ENTRIES, TIMELINE)),
    Control(_NIST, "MANAGE 4.1", "plans after deployment: override, change, retirement", (ENTRIES,)),
    Control(_ISO, "A.3.2", "roles and responsibilities", (APPROVALS,)),
    Control(_ISO, "A.6.2.4", "verification and validation", (VERDICTS, APPROVALS)),
    Control(_ISO, "A.6.2.5", "deployment", (APPROVALS, TIMELINE)),
    Control(_ISO, "A.6.2.6", "operation and monitoring", (VERDICTS, ENTRIES)),
    Control(_ISO, "A.6.2.8", "event logs", (ENTRIES,)),
    Control(_ISO, "A.8.4", "communication of incidents", (ENTRIES,)),
)
