"""A model that is watched, its reference, and made-up increments."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from headgate.api.aimodel import AIModelSpec
from headgate.api.monitoring import Feature, Monitoring, Oversight, Performance, PinnedBaseline
from headgate.api.monitoring import Reference as Named
from headgate.evidence.bets.arrays import Floats
from headgate.monitoring.inservice.binning import Row
from headgate.monitoring.inservice.counting import Grown, fold
from headgate.monitoring.inservice.memory import Memory
from headgate.monitoring.inservice.plan import Plan, plan_of
from headgate.monitoring.inservice.reference import Distribution, Reference

MODEL = "lending/credit-scorer"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC).timestamp()
PERIOD = 300.0
EDGES = (10.0, 20.0, 30.0, 40.0)
SHARES = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
CLASSES = ("DE", "FR", "IT")
CLASS_SHARES = np.array([0.5, 0.3, 0.15, 0.05])
REVISION, RELEASED = "11111111", date(2026, 2, 1)


def reference(rows: int = 16_000, model: str = MODEL, **features: Distribution) -> Reference:
    """Of `income` in bins and `country` in classes, 16 stretches."""

    def of(shares: Floats) -> Floats:
        return np.tile(np.round(shares * rows / 16), (16, 1))

    usual = {"income": Distribution(of(SHARES), edges=EDGES), "country": Distribution(of(CLASS_SHARES), classes=CLASSES)}
    return Reference(model, "a test", usual | features)


def spec(monitoring: Monitoring | None = None, oversight: Oversight | None = None) -> AIModelSpec:
    """Only what the monitor reads."""
    return AIModelSpec.model_construct(monitoring=monitoring, oversight=oversight)


def monitoring(digest: str, **more: object) -> Monitoring:
    return Monitoring(
        reference=Named(config_map="credit-scorer-reference", digest=digest),
        features=(Feature(name="income", histogram="headgate_feature"), Feature(name="country", counter="headgate_feature_total")),
        **more,  # type: ignore[arg-type]
    )


def plan(known: Reference, **more: object) -> Plan:
    return plan_of(MODEL, spec(monitoring(known.digest, **more)), None)


def labelled(**more: object) -> Performance:
    return Performance(baseline=PinnedBaseline(share="0.9", labels=10_000), **more)  # type: ignore[arg-type]


def income(counts: Sequence[float], feature: str = "income") -> list[Row]:
    """Cumulative buckets of so many values in each bin."""
    bounds = [*(f"{edge:g}" for edge in EDGES), "+Inf"]
    return [({"feature": feature, "le": bound}, float(total)) for bound, total in zip(bounds, np.cumsum(counts), strict=True)]


def country(counts: Mapping[str, float]) -> list[Row]:
    return [({"feature": "country", "value": name}, count) for name, count in counts.items()]


def traffic(shares: Floats = SHARES, classes: Floats = CLASS_SHARES, rows: float = 100) -> Grown:
    """What one look finds."""
    named = dict(zip((*CLASSES, "elsewhere"), classes * rows, strict=True))
    return Grown({"headgate_feature_bucket": income(shares * rows)}, {"headgate_feature_total": country(named)})


def counted(
    watched: Plan, known: Reference | None, grown: Grown, hours: float = 25.0, memory: Memory | None = None
) -> tuple[Memory, float]:
    """A memory after `hours` of looks that all find the same, and the time of the last one."""
    found = memory or Memory()
    found.fit(watched, known, REVISION, RELEASED)
    start = found.as_of or NOON
    for number in range(round(hours * 3600 / PERIOD)):
        fold(found, watched, known, grown, start + number * PERIOD, start + (number + 1) * PERIOD)
    return found, found.as_of or start


def days_of(memory: Memory, name: str, parts: Sequence[tuple[float, float]], last: date) -> None:
    """Daily sums, the last of them of `last`."""
    for number, (part, whole) in enumerate(reversed(parts)):
        memory.daily.add(name, last - timedelta(days=number), part, whole)
