"""The counters by which Headgate watches human review: how often a person changes a decision, what they find, and how much they see."""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from threading import Lock
from typing import Any

from headgate.review.drawing import checked_key, token
from headgate.review.record import ReviewRecord
from headgate.review.routing import Route
from headgate.review.seeding import SeedOutcome

REVIEWED = "headgate_human_review"
SEEDED = "headgate_review_seeded"
ROUTED = "headgate_review_routed"
TOGETHER = "all"
OTHER = "other"
_HELP = {
    REVIEWED: "Decisions that a person reviewed, by whether they changed what the model said. Without seeded errors.",
    SEEDED: "Seeded errors that a person reviewed, by whether they found the error.",
    ROUTED: "Cases, by who decides: automatic, audit (both the model's), low-confidence, review-mode.",
}
_DIGITS = 12
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Reviewers(StrEnum):
    """What the label `reviewer` says. It is data on staff: TOGETHER, the default, tells nobody apart. HASHED has a keyed hash for each."""

    TOGETHER = "together"
    HASHED = "hashed"


class ReviewMetrics:
    """Counters of one process. Serve `exposition()`, or register it with prometheus_client: `REGISTRY.register(metrics)`.

    Every series that can be foreseen is there from the start at 0: Prometheus cannot see the first count of one that is born with it.
    """

    def __init__(
        self,
        *,
        reviewers: Reviewers = Reviewers.TOGETHER,
        key: bytes = b"",
        most: int = 100,
        constant: Mapping[str, str] | None = None,
    ) -> None:
        """`key`, secret, for HASHED. `most`: from so many reviewers on the rest are `other`, lest Prometheus drown. `constant`: labels of
        every series, like headgate_model where the application's pods do not carry it.

        Raises ValueError for a short key, a `most` below 1 and a label that Prometheus does not take.
        """
        self._reviewers = reviewers
        self._key = checked_key(key) if reviewers is Reviewers.HASHED else key
        if most < 1:
            raise ValueError(f"at most {most} reviewers: write 1 or more")
        self._most = most
        self._constant = dict(constant or {})
        if wrong := [name for name in self._constant if not _LABEL.fullmatch(name)]:
            raise ValueError(f"{wrong[0]!r} is no name of a label")
        self._lock = Lock()
        self._known: set[str] = set()
        self._counts: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
        for route in Route:
            self._add(ROUTED, 0, route=route.value)
        for found in SeedOutcome:
            self._add(SEEDED, 0, outcome=found.value)
        if reviewers is Reviewers.TOGETHER:
            self._expect(TOGETHER)

    def expect(self, reviewers: Iterable[str]) -> None:
        """Who may review: their series begin at 0 now."""
        for reviewer in reviewers:
            self._expect(self._label(reviewer))

    def routed(self, route: Route) -> None:
        """A case took this way."""
        self._add(ROUTED, 1, route=route.value)

    def reviewed(self, record: ReviewRecord) -> None:
        """A real case was decided. Seeded ones go to `seeded` alone: they would make the override rate of the model."""
        label = self._label(record.reviewer)
        self._expect(label)
        self._add(REVIEWED, 1, reviewer=label, outcome="changed" if record.changed else "agreed")

    def seeded(self, outcome: SeedOutcome) -> None:
        """A seeded case was decided."""
        self._add(SEEDED, 1, outcome=outcome.value)

    def exposition(self) -> str:
        """In the text format 0.0.4 of Prometheus."""
        return "\n".join(self._lines()) + "\n"

    def collect(self) -> list[Any]:
        """As a collector of prometheus_client asks for it."""
        from prometheus_client.core import CounterMetricFamily

        families: dict[str, Any] = {}
        for name, labels, count in self._series():
            if name not in families:
                families[name] = CounterMetricFamily(name, _HELP[name], labels=list(labels))
            families[name].add_metric(list(labels.values()), count)
        return list(families.values())

    def _label(self, reviewer: str) -> str:
        if self._reviewers is Reviewers.TOGETHER:
            return TOGETHER
        hashed = token(self._key, "reviewer", reviewer)[:_DIGITS]
        with self._lock:
            if hashed not in self._known and len(self._known) >= self._most:
                return OTHER
            self._known.add(hashed)
        return hashed

    def _expect(self, label: str) -> None:
        for outcome in ("agreed", "changed"):
            self._add(REVIEWED, 0, reviewer=label, outcome=outcome)

    def _add(self, name: str, count: int, **labels: str) -> None:
        key = name, tuple(labels.items())
        with self._lock:
            self._counts[key] = self._counts.get(key, 0) + count

    def _series(self) -> list[tuple[str, dict[str, str], int]]:
        with self._lock:
            return [(name, self._constant | dict(labels), count) for (name, labels), count in sorted(self._counts.items())]

    def _lines(self) -> Iterator[str]:
        told = ""
        for name, labels, count in self._series():
            if name != told:
                yield f"# HELP {name}_total {_HELP[name]}"
                yield f"# TYPE {name}_total counter"
                told = name
            pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels.items())
            yield f"{name}_total{{{pairs}}} {count}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
