"""What users were exposed to while the samples were taken: how the tracker knows whose requests to expect, and since when."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from headgate.evidence.counting.series import Arm


@dataclass(frozen=True, slots=True)
class Exposure:
    """One stage of one attempt as the gateway serves it. Times are Unix times on the operator's clock.

    `since` is when the current weights (or mirror) were seen accepted by the gateway, None while they are not. `first_exposure` is when
    the candidate got its first request of this kind (mirrored, or from users), None before. `candidate` says where the candidate is
    counted: MIRROR in shadow, CANDIDATE otherwise. `share` is its share of user requests, `mirrored` the share of user requests copied
    to it, both in 0..1. `slot_since` is when each slot or mirror last got another version. `sees_missing` is the profile's capability
    to see requests that were sent and never answered. `entered` is when the stage was decided on: a stage that begins anew has another.
    """

    attempt: str
    stage: int
    stage_name: str
    since: float | None
    first_exposure: float | None
    candidate: Arm
    interval: float
    warmup: float
    has_stable: bool = True
    share: float = 0.0
    mirrored: float = 0.0
    slot_since: Mapping[Arm, float] = field(default_factory=dict)
    sees_missing: bool = True
    entered: float = 0.0

    @property
    def shadow(self) -> bool:
        return self.candidate is Arm.MIRROR

    @property
    def judged_from(self) -> float:
        """Blocks that begin earlier are warm-up: connections drain, caches are cold."""
        return math.inf if self.since is None else self.since + self.warmup
