"""All that is wanted, complete: the next status, traffic, workloads, and what to tell people."""

from dataclasses import dataclass, field
from typing import Literal

from headgate.api.aimodel import DeletionPolicy
from headgate.api.approval import ApprovalState
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.replay import Replay, ReplayLimits
from headgate.api.status import AIModelStatus
from headgate.api.traffic_status import TrafficStatus
from headgate.rollout.snapshot import Provenance

POLICY_KEY = "policy.json"
"""Where the ConfigMap of a policy copy keeps the policy."""


Role = Literal["stable", "candidate", "previous", "withdrawn"]


@dataclass(frozen=True, slots=True)
class WantedWorkload:
    """A revision that must run. Its template is that of the AIModel's spec when it is made; afterwards only its size changes."""

    revision: str
    role: Role
    replicas: int
    """How many pods. With a `ceiling`, how few an autoscaler may leave."""
    attempt: int
    provenance: Provenance = field(default_factory=Provenance)
    ceiling: int | None = None
    """How many an autoscaler may make. None: there is to be no autoscaler."""
    copy_of: str | None = None
    """The revision whose template it is made from; None: its own."""


@dataclass(frozen=True, slots=True)
class PolicyCopy:
    """The immutable copy of the policy that an attempt runs on."""

    name: str
    source: str
    spec: RolloutPolicySpec


@dataclass(frozen=True, slots=True)
class WantedReplay:
    """A Job that must be there as long as it is wanted. A finished one stays for people to look at. Without `stable` the candidate's
    answers are compared with recorded ones."""

    name: str
    attempt: int
    stable: str | None
    candidate: str
    asked: Replay = field(compare=False)
    limits: ReplayLimits = field(compare=False)
    """Both are part of the name."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """An Event at a decision."""

    reason: Reason
    note: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class ApprovalNote:
    """What became of one GovernanceApproval."""

    name: str
    state: ApprovalState | None
    """None: it is not decided yet."""
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The only output of `decide`. Applying it twice changes nothing the second time."""

    status: AIModelStatus
    traffic: TrafficStatus | None
    """None: leave the route as it is."""
    workloads: tuple[WantedWorkload, ...] = ()
    """All revisions that must exist; workloads of other revisions of this model are deleted."""
    deletion: DeletionPolicy = DeletionPolicy.DELETE
    """What becomes of all this when the AIModel is deleted."""
    policy_copy: PolicyCopy | None = None
    """To be there before the attempt goes on."""
    replays: tuple[WantedReplay, ...] = ()
    """The Jobs that compare answers; others of this model are deleted."""
    announcements: tuple[Announcement, ...] = ()
    approval_notes: tuple[ApprovalNote, ...] = ()
    look_again: float | None = None
    """Seconds until time alone could change the decision; None: only an event can."""
