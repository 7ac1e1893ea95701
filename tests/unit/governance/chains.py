"""Audit chains for tests, as the operator would store them."""

from datetime import UTC, datetime, timedelta

from headgate.api.audit import AuditRecord
from headgate.governance.audit_chain import Append, Tail, appends, genesis

MODEL = "lending/credit"
START = datetime(2026, 3, 1, tzinfo=UTC)


def record(number: int, why: str = "because") -> AuditRecord:
    return AuditRecord(time=START + timedelta(seconds=number), attempt=1 + number // 10, what="StageStarted", why=why, by="headgate")


def writes(*records: AuditRecord, tail: Tail | None = None) -> tuple[Append, ...]:
    return appends(records, MODEL, tail or Tail(0, genesis(MODEL)))


def lines(number: int, model: str = MODEL) -> list[str]:
    made = appends([record(k) for k in range(number)], model, Tail(0, genesis(model)))
    return [text for write in made for text in write.entries.values()]
