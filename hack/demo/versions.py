"""The releases of the demo: what is wrong with each, and what Headgate must do about it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Where a release ends."""

    LIVE = "Live"
    ROLLED_BACK = "RolledBack"
    STOPPED_IN_SHADOW = "StoppedInShadow"


BASE_ERRORS = "0.005"


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the model server. `reasons` are the causes that count as right; a Live outcome has none."""

    version: str
    what: str
    policy: str
    outcome: Outcome
    reasons: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    serving: dict[str, Any] = field(default_factory=dict)
    """What spec.serving says beside the example's. A deployment's size replaces the example's replicas."""

    @property
    def built_to_fail(self) -> bool:
        return self.outcome is not Outcome.LIVE

    @property
    def environment(self) -> dict[str, str]:
        """Settings of the model server. The stable behaviour answers 0.5 % of the requests with an error."""
        return {"VERSION": self.version, "ERROR_RATE": BASE_ERRORS} | self.env


FIRST = Release("v1", "the first version", "fast", Outcome.LIVE)

RELEASES = {
    release.version: release
    for release in (
        Release("v2", "behaves like v1", "fast", Outcome.LIVE),
        Release("v3", "3 % errors against 0.5 %", "fast-canary", Outcome.ROLLED_BACK, ("Evidence/errors",), {"ERROR_RATE": "0.03"}),
        Release("v4", "fails every request", "fast-canary", Outcome.ROLLED_BACK, ("Guard",), {"ERROR_RATE": "1"}),
        Release(
            "v4-shadow", "fails every request, with a shadow stage", "fast", Outcome.STOPPED_IN_SHADOW, ("Guard",), {"ERROR_RATE": "1"}
        ),
        Release("v5", "100 ms slower", "fast-canary", Outcome.ROLLED_BACK, ("Evidence/latency",), {"LATENCY_MS": "100"}),
        Release("v6", "accepts and never answers", "fast-canary", Outcome.ROLLED_BACK, ("MissingAnswers",), {"HANG": "1"}),
        Release("v7", "resets the connection and exits", "fast-canary", Outcome.ROLLED_BACK, ("Guard", "PodGuard"), {"CRASH": "1"}),
        Release("v8", "answers 422 to valid input", "fast-canary", Outcome.ROLLED_BACK, ("Evidence/rejections", "Guard"), {"REJECT": "1"}),
        Release("v9", "identical to v2", "fast", Outcome.LIVE),
    )
}
