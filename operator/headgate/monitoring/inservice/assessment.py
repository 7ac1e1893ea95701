"""What is said about one live model: figures by kind, and what they come to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from headgate.monitoring.response import Response
from headgate.monitoring.result import LimitVerdict, Result, worst

RESULTS_KEY = "results.json"
"""Of the ConfigMap's data: what people and programs read."""
MEMORY_KEY = "memory.json"
"""What a restart continues from."""


def monitoring_config_map(model: str) -> str:
    """Name of the ConfigMap with everything that is known of a live model."""
    return f"{model}-monitoring"


class Kind(StrEnum):
    """What is watched, as metrics name it."""

    DRIFT = "drift"
    PERFORMANCE = "performance"
    OVERSIGHT = "oversight"
    VENDOR = "vendor"
    FAIRNESS = "fairness"
    VALUE = "value"


Named = tuple[str, Result]
"""What it is a figure of (a feature, a segment, a group, or nothing), and the figure."""

_INFORMATION = frozenset({"trend", "cusum"})
"""Figures that need weeks: what they have not told yet is no gap in what the others tell."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Figures by kind; kinds that are not asked for are left out. `notes`: what else people should know. `response`: what drift calls for,
    None where neither drift nor performance is watched. `credits_due`: quarters for which the vendor owes, newest last. `scores`:
    of the scorecard, its dimensions and the whole; none where there is no scorecard.
    """

    figures: Mapping[Kind, tuple[Named, ...]]
    notes: tuple[str, ...] = ()
    response: Response | None = None
    credits_due: tuple[str, ...] = field(default=())
    scores: tuple[Result, ...] = ()

    def verdict(self, *kinds: Kind) -> LimitVerdict:
        """The worst of these kinds."""
        return worst(result.verdict for _, result in self.counting(*kinds))

    def counting(self, *kinds: Kind) -> tuple[Named, ...]:
        """The figures that the verdict is made of."""
        return tuple(
            (name, result)
            for kind in kinds
            for name, result in self.figures.get(kind, ())
            if result.statistic not in _INFORMATION or result.verdict in (LimitVerdict.DRIFTING, LimitVerdict.VIOLATED)
        )

    def document(self) -> dict[str, Any]:
        """For JSON."""
        figures = {
            str(kind): {
                "verdict": str(self.verdict(kind)),
                "figures": [({"of": name} if name else {}) | result.document() for name, result in named],
            }
            for kind, named in self.figures.items()
        }
        answered = self.response
        response = None
        if answered is not None:
            response = {"severity": str(answered.severity), "actions": [str(action) for action in answered.actions], "why": answered.why}
        return {
            "kinds": figures,
            "scorecard": [result.document() for result in self.scores],
            "response": response,
            "creditsDue": list(self.credits_due),
            "notes": list(self.notes),
        }
