"""What versions of a model do to their users and to their pods: one row each."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Shares are of its requests, in 0..1; the rest is answered 200. Times in seconds.

    `silent`: accepted and never answered. `unreachable`: the connection never comes about. `crashes`: mean time between crashes of a pod
    that has users or copies, 0 for never. `starts`: (shortest, longest) time until a pod is ready; None: it never is.
    """

    name: str
    errors: float = 0.002
    rejections: float = 0.01
    silent: float = 0.0
    unreachable: float = 0.0
    latency: float = 0.02
    crashes: float = 0.0
    starts: tuple[float, float] | None = (0.3, 2.5)
    good_for: float = 0.0
    """Seconds for which it answers well after its first request."""

    @property
    def failing(self) -> float:
        """The share of requests that the errors guard counts as failed."""
        return min(1.0, self.errors + self.silent + self.unreachable)

    @property
    def harmful(self) -> bool:
        """So plainly bad that a guard of 20 % must see it."""
        return self.failing >= 0.35


GOOD = Behaviour("good")
BEHAVIOURS: tuple[tuple[float, Behaviour], ...] = (
    (5.0, GOOD),
    (1.0, Behaviour("quick", latency=0.01, starts=(0.1, 0.3))),
    (1.0, Behaviour("slow-to-start", starts=(4.0, 9.0))),
    (1.5, Behaviour("failing", errors=1.0)),
    (1.0, Behaviour("half-failing", errors=0.5)),
    (1.0, Behaviour("worse", errors=0.15)),
    (1.0, Behaviour("rejecting", rejections=0.4)),
    (1.0, Behaviour("silent", silent=1.0)),
    (0.7, Behaviour("half-silent", silent=0.5)),
    (0.7, Behaviour("unreachable", unreachable=1.0)),
    (0.7, Behaviour("slow", latency=0.6)),
    (0.7, Behaviour("crashing", crashes=2.0)),
    (0.7, Behaviour("turns-bad", errors=0.9, good_for=18.0)),
    (0.7, Behaviour("never-ready", starts=None)),
)
"""With how often each is drawn."""
