"""Pairs of answers, counted as they come, and the report about all of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from headgate.api.replay import ClassFlips, Replay, ReplayLatency, ReplayReport
from headgate.evidence.answers import agreement
from headgate.evidence.answers.alike import Answer, agree, class_name, class_of, read

_MOST_CLASSES = 6
_LONGEST_LINE = 256


@dataclass(slots=True)
class Pairing:
    """What was counted so far. `seconds` are the two latencies of each pair that both versions answered well."""

    replay: Replay
    requests: int = 0
    pairs: int = 0
    agreed: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    violation: str = ""
    flips: Counter[tuple[str, str]] = field(default_factory=Counter)
    right: Counter[tuple[bool, bool]] = field(default_factory=Counter)
    seconds: list[tuple[float, float]] = field(default_factory=list)

    def take(self, name: str, label: object, stable: Answer, candidate: Answer) -> None:
        """One request, called `name`, whose right class is `label` (None: not known)."""
        one, other = read(stable, self.replay), read(candidate, self.replay)
        self.requests += 1
        for arm, found in (("stable", one), ("candidate", other)):
            self.failures[arm] += not found.answer.good
            self.violations[arm] += bool(found.violation)
        if other.violation and not self.violation:
            self.violation = f"request {name}: {other.violation}"
        if stable.good and candidate.good:
            self.seconds.append((stable.seconds, candidate.seconds))
        if not one.sound:
            return
        self.pairs += 1
        self.agreed += agree(one, other, self.replay)
        decision = self.replay.decision
        if decision is not None:
            classes = class_of(one, decision), class_of(other, decision)
            self.flips[classes] += 1
            if label is not None:
                self.right[classes[0] == class_name(label), classes[1] == class_name(label)] += 1

    def report(self, golden_set: str) -> ReplayReport:
        """`golden_set`: its digest."""
        return ReplayReport(
            golden_set=golden_set,
            requests=self.requests,
            pairs=self.pairs,
            agreed=self.agreed,
            stable_failures=self.failures["stable"],
            candidate_failures=self.failures["candidate"],
            stable_violations=self.violations["stable"],
            candidate_violations=self.violations["candidate"],
            violation=self.violation[:_LONGEST_LINE],
            kappa=_decimal(agreement.kappa(self.flips)),
            ac1=_decimal(agreement.ac1(self.flips)),
            classes=self._classes(),
            labelled=self.right.total(),
            stable_right=self.right[True, True] + self.right[True, False],
            candidate_right=self.right[True, True] + self.right[False, True],
            only_stable_right=self.right[True, False],
            only_candidate_right=self.right[False, True],
            validated=None if self.replay.validated is None else str(self.replay.validated),
            latency=_latency(self.seconds),
        )

    def _classes(self) -> tuple[ClassFlips, ...]:
        rows = sorted(agreement.directions(self.flips).items(), key=lambda row: (-row[1][2] - row[1][3], -row[1][0], row[0]))
        return tuple(
            ClassFlips(name=name, stable=stable, candidate=candidate, lost=lost, gained=gained)
            for name, (stable, candidate, lost, gained) in rows[:_MOST_CLASSES]
        )


def _latency(seconds: Sequence[tuple[float, float]]) -> ReplayLatency | None:
    if not seconds:
        return None
    stable, candidate = np.array(seconds).T * 1000
    return ReplayLatency(
        pairs=len(seconds),
        slower=int((candidate > stable).sum()),
        stable_p50=f"{np.quantile(stable, 0.5):.1f}",
        candidate_p50=f"{np.quantile(candidate, 0.5):.1f}",
        stable_p95=f"{np.quantile(stable, 0.95):.1f}",
        candidate_p95=f"{np.quantile(candidate, 0.95):.1f}",
    )


def _decimal(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"
