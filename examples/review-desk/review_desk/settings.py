"""What the desk is told by environment variables and files."""

import csv
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.review import (
    AuditSampling,
    Calibration,
    Labelled,
    Reviewers,
    ReviewMetrics,
    ReviewMode,
    Router,
    SeededError,
    Seeding,
    Suggestion,
    TooFewCases,
    calibrate,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the application is made of."""

    model_url: str
    database: str
    decisions: tuple[str, ...]
    router: Router
    seeding: Seeding
    seeded_applications: Mapping[str, Any]
    """What reviewers see of each seeded error, by its source."""
    metrics: ReviewMetrics
    mode_file: Path | None = None

    @property
    def mode(self) -> ReviewMode:
        """Read at each case: whoever writes the file, like Headgate by a ConfigMap, is heard at once. What is no mode sends all to people:
        somebody wanted to say something."""
        if self.mode_file is None or not self.mode_file.exists():
            return ReviewMode.LOW_CONFIDENCE
        try:
            return ReviewMode(self.mode_file.read_text().strip())
        except ValueError:
            return ReviewMode.ALL


def desk_from(environment: Mapping[str, str]) -> Desk:
    """Raises ValueError, naming the variable, for what is missing or wrong."""
    key = bytes.fromhex(_needed(environment, "REVIEW_KEY"))
    errors, applications = _seeds(environment.get("SEEDS_FILE", ""))
    mode, model = environment.get("REVIEW_MODE_FILE", ""), environment.get("HEADGATE_MODEL", "")
    return Desk(
        model_url=_needed(environment, "MODEL_URL"),
        database=environment.get("DATABASE", "reviews.sqlite"),
        decisions=tuple(environment.get("DECISIONS", "approve,decline").split(",")),
        router=Router(_calibration(environment), _sampling(environment, key)),
        seeding=Seeding(key, errors, share=float(environment.get("SEED_SHARE", "0.01"))),
        seeded_applications=applications,
        metrics=ReviewMetrics(
            reviewers=Reviewers(environment.get("REVIEWERS", "together")),
            key=key,
            constant={"headgate_model": model} if model else None,
        ),
        mode_file=Path(mode) if mode else None,
    )


def _sampling(environment: Mapping[str, str], key: bytes) -> AuditSampling:
    return AuditSampling(
        key,
        share=float(environment.get("AUDIT_SHARE", "0.05")),
        minimum=int(environment.get("AUDIT_MINIMUM", "0")),
        expected=json.loads(environment.get("AUDIT_EXPECTED", "{}")),
    )


def _needed(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise ValueError(f"{name} is not set")
    return environment[name]


def _calibration(environment: Mapping[str, str]) -> Calibration:
    """Without enough history people decide everything, and the desk says so: it starts, and gathers history."""
    target, file = float(environment.get("ERROR_TARGET", "0.05")), environment.get("HISTORY_FILE", "")
    try:
        found = calibrate(_history(Path(file)) if file else (), target)
    except TooFewCases as few:
        log.warning("people decide everything: %s", few)
        return Calibration(None, target, 0.95, 0, 0, 0, 1.0)
    log.info(found.words)
    return found


def _history(file: Path) -> list[Labelled]:
    with file.open(newline="") as opened:
        return [Labelled(float(row["confidence"]), row["correct"] == "true") for row in csv.DictReader(opened)]


def _seeds(file: str) -> tuple[list[SeededError], dict[str, Any]]:
    """JSON lines: {"source", "application", "shown": {"prediction", "confidence"}, "right"}."""
    read = [json.loads(text) for text in Path(file).read_text().splitlines() if text.strip()] if file else []
    errors = [SeededError(one["source"], Suggestion(one["shown"]["prediction"], one["shown"]["confidence"]), one["right"]) for one in read]
    return errors, {one["source"]: one["application"] for one in read}
