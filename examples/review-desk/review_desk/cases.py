"""Cases and what became of them, in a database that survives the process."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from headgate.review import Case, DecidedReview, OpenReview, ReviewRecord, Route, Suggestion

HELD = timedelta(minutes=30)
"""After which a case that a reviewer took and did not decide is given to the next one."""
_TABLE = """
CREATE TABLE IF NOT EXISTS cases (
    id TEXT PRIMARY KEY, application TEXT NOT NULL, segment TEXT NOT NULL, route TEXT NOT NULL, prediction TEXT NOT NULL,
    confidence REAL NOT NULL, seed_of TEXT NOT NULL DEFAULT '', made TEXT NOT NULL, reviewer TEXT, taken TEXT, initial TEXT,
    initial_confidence REAL, record TEXT
)
"""
_WAITS = f"record IS NULL AND route != '{Route.AUTOMATIC.value}'"


@dataclass(frozen=True, slots=True)
class Stored:
    """One case. `seed_of`: the real case that a seeded one follows, empty for real ones."""

    case: Case
    application: Any
    seed_of: str = ""
    reviewer: str | None = None
    initial: tuple[str, float] | None = None
    record: dict[str, Any] | None = None

    @property
    def decision(self) -> str | None:
        """In force: the person's, or the model's where it may decide. None while a person is waited for."""
        if self.record is not None:
            return str(self.record["final_decision"])
        return self.case.suggestion.prediction if Route(self.case.route).decided_by_model else None

    def opened(self, reviewer: str) -> OpenReview:
        return OpenReview(self.case, reviewer)

    def decided(self) -> DecidedReview | None:
        """None before the reviewer has judged."""
        if self.initial is None or self.reviewer is None:
            return None
        return self.opened(self.reviewer).decide(*self.initial)


class Cases:
    """Each method is one transaction of a few rows."""

    def __init__(self, database: str) -> None:
        self._database = sqlite3.connect(database, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute(_TABLE)

    def close(self) -> None:
        self._database.close()

    def add(self, case: Case, application: Any, at: datetime, seed_of: str = "") -> None:
        """One that is there already stays as it is."""
        values = (case.case_id, json.dumps(application), case.segment, case.route, case.suggestion.prediction, case.suggestion.confidence)
        self._database.execute(
            "INSERT OR IGNORE INTO cases (id, application, segment, route, prediction, confidence, seed_of, made)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, seed_of, at.isoformat()),
        )

    def find(self, case_id: str) -> Stored | None:
        row = self._database.execute("SELECT * FROM cases WHERE id = ?", (case_id,)).fetchone()
        return _stored(row) if row else None

    def take(self, reviewer: str, at: datetime) -> Stored | None:
        """The case that `reviewer` has begun, or else the oldest that nobody has. None if none waits."""
        row = self._database.execute(
            "UPDATE cases SET reviewer = ?, taken = ?, initial = CASE WHEN reviewer = ? THEN initial END WHERE id = (SELECT id FROM cases "
            f"WHERE {_WAITS} AND (reviewer IS NULL OR reviewer = ? OR taken < ?) ORDER BY reviewer = ? DESC, made, id LIMIT 1) RETURNING *",
            (reviewer, at.isoformat(), reviewer, reviewer, (at - HELD).isoformat(), reviewer),
        ).fetchone()
        return _stored(row) if row else None

    def judged(self, case_id: str, reviewer: str, decision: str, confidence: float) -> bool:
        """Keep the reviewer's own judgement. False if the case is not theirs, or they have judged: the first word stands."""
        done = self._database.execute(
            f"UPDATE cases SET initial = ?, initial_confidence = ? WHERE id = ? AND reviewer = ? AND initial IS NULL AND {_WAITS}",
            (decision, confidence, case_id, reviewer),
        )
        return done.rowcount == 1

    def concluded(self, record: ReviewRecord) -> bool:
        """False if somebody was faster."""
        written = json.dumps(record.document())
        done = self._database.execute(f"UPDATE cases SET record = ? WHERE id = ? AND {_WAITS}", (written, record.case_id))
        return done.rowcount == 1

    def records(self) -> Iterator[dict[str, Any]]:
        """Of real cases, oldest first."""
        for row in self._database.execute("SELECT record FROM cases WHERE record IS NOT NULL AND seed_of = '' ORDER BY made, id"):
            yield json.loads(row["record"])


def _stored(row: sqlite3.Row) -> Stored:
    return Stored(
        Case(row["id"], Suggestion(row["prediction"], row["confidence"]), row["segment"], row["route"]),
        json.loads(row["application"]),
        row["seed_of"],
        row["reviewer"],
        (row["initial"], row["initial_confidence"]) if row["initial"] is not None else None,
        json.loads(row["record"]) if row["record"] else None,
    )
