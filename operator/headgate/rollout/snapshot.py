"""All that is known about one model at one instant. Frozen: deciding twice on one Snapshot gives the same answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from headgate.api.aimodel import AIModelSpec
from headgate.api.audit import AuditHead
from headgate.api.policy import RolloutPolicySpec
from headgate.api.reasons import Reason
from headgate.api.replay import ReplayReport
from headgate.api.status import AIModelStatus, Blocked
from headgate.api.traffic_status import TrafficStatus
from headgate.evidence.view import Evidence, LiveReading
from headgate.governance.approvals import Approval
from headgate.governance.classification import BY_DEFAULT, TableState
from headgate.governance.literacy import Literacy
from headgate.governance.trust import Trust
from headgate.rollout.alerts import AlertsSeen
from headgate.rollout.calendar import Calendar
from headgate.rollout.configuration import Reference

ESTABLISHED = "headgate.dev/established"
"""Annotation of an AIModel, written by people: it is live elsewhere, so that a first version must not take all users by itself."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person has to repair: one reason, one message that says what to do."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a Deployment says of its revision, so that a lost status can be made again. Empty where nothing was written."""

    version: str = ""
    content: str = ""
    subject: str = ""
    """What people approved when it went live."""
    tier: str = ""
    """The risk tier at which it was approved."""


@dataclass(frozen=True, slots=True)
class WorkloadState:
    """The Deployment and pods of one revision, as observed."""

    exists: bool = False
    wanted: int = 0
    """spec.replicas of the Deployment."""
    least: int = 0
    """minReplicas of its autoscaler; 0 without one."""
    ready: int = 0
    """Pods that are ready and not being deleted: the endpoints that traffic can reach."""
    fresh: int = 0
    """Of these, those that have been ready for a moment only."""
    ready_since: datetime | None = None
    """Since when the first of these is ready; None where the cluster does not say it of all."""
    present: int = 0
    """Pods that exist, ready or not."""
    restarts: tuple[datetime, ...] = ()
    """When containers of its pods were seen to restart, lately."""
    created: datetime | None = None
    """When the Deployment was made."""
    role: str = ""
    """What the Deployment is labelled as: a TrafficRole, empty without a Deployment."""
    attempt: int = 0
    provenance: Provenance = Provenance()
    problem: Problem | None = None
    """Why pods are not ready, as far as the cluster says: image, crash loop, capacity, refused template."""

    @property
    def steady(self) -> int:
        """Pods that users can be moved on to."""
        return self.ready - self.fresh


_ABSENT = WorkloadState()


@dataclass(frozen=True, slots=True)
class RouteState:
    """The model's HTTPRoute, as observed."""

    exists: bool = False
    weights: dict[str, int] = field(default_factory=dict)
    """Thousandths by revision, as written in the route (0 when absent)."""
    mirrored: dict[str, int] = field(default_factory=dict)
    """Mirrored thousandths by revision."""
    accepted: bool | None = None
    """Whether every parent took the present generation. None: not said yet."""
    problem: Problem | None = None
    attempt: int = 0
    """The attempt that it is labelled with."""
    blocked: tuple[Blocked, ...] = ()
    """The versions that were taken back, as the route remembers them."""

    def may_serve(self, revision: str) -> bool:
        """Whether a gateway may still send requests to `revision`: it goes on with earlier weights until it takes the present ones."""
        named = bool(self.weights.get(revision) or self.mirrored.get(revision))
        return named or (self.exists and self.accepted is not True)

    edited_by: tuple[str, ...] = ()
    """Field managers beside Headgate that wrote into its spec since Headgate's last write."""
    written: dict[str, int] = field(default_factory=dict)
    """What Headgate itself wrote last, whatever others wrote since; empty where the route does not say it."""


def in_force(traffic: TrafficStatus, route: RouteState) -> bool:
    """Whether the gateway was seen to serve exactly `traffic`."""
    mirrored = {traffic.mirror.revision: traffic.mirror.permille} if traffic.mirror else {}
    return route.accepted is True and {r: w for r, w in route.weights.items() if w} == traffic.shares and route.mirrored == mirrored


@dataclass(frozen=True, slots=True)
class ReplayRun:
    """The Job that compares answers, as observed. `problem` says why it failed once it `ended`, and until then what it waits for."""

    ended: bool = False
    report: ReplayReport | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PolicyState:
    """The policy that the spec names, or why there is none."""

    spec: RolloutPolicySpec | None = None
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ConfigurationState:
    """The ConfigMaps and Secrets that the spec's pod template refers to, as observed."""

    digests: Mapping[Reference, str] = field(default_factory=dict)
    problem: Problem | None = None
    """What is missing or cannot be read: which version the spec asks for is not known then."""
    known: bool = True
    """False until they have been read for the present spec."""


@dataclass(frozen=True, slots=True)
class ClockStep:
    """By how much the wall clock is not trusted, because it jumped lately or differs from the API server's (negative: it went back, or is
    behind), and the same in words."""

    seconds: float
    words: str


@dataclass(frozen=True, slots=True)
class AuditBreak:
    """The chain does not hold the entry that the status knows as the newest: somebody changed or deleted what was stored."""

    lost: AuditHead
    words: str


@dataclass(frozen=True, slots=True)
class AuditState:
    """What is known of the model's audit chain."""

    head: AuditHead | None = None
    """Its newest entry; None before it was looked at."""
    stored: frozenset[str] = frozenset()
    """Identities of the records in status that the chain has by now."""
    problem: Problem | None = None
    """Why the last records could not be stored."""
    broken: AuditBreak | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The only input of `decide`."""

    now: datetime
    environment: str
    namespace: str
    name: str
    generation: int
    spec: AIModelSpec | None
    """None when the stored spec cannot be read: `invalid` says why."""
    status: AIModelStatus
    configuration: ConfigurationState = ConfigurationState()
    policy: PolicyState = PolicyState()
    pinned: RolloutPolicySpec | None = None
    """The copy that the present attempt runs on; None until it has been read back."""
    copies: dict[str, RolloutPolicySpec] = field(default_factory=dict)
    """All policy copies that there are, by name."""
    established: bool = False
    """People say that the model is live elsewhere: a first version must not take all users by itself."""
    approvals: tuple[Approval, ...] = ()
    awaiting: tuple[Approval, ...] = ()
    """Decisions that are as if not made, until a look at the admission policies tells whether their author is certain."""
    admission_unseen: bool = False
    """The last such look could not be made."""
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each GovernanceApproval that is none, by name."""
    approvals_known: bool = True
    """False until a full list was seen: absence counts as deletion only then."""
    trust: Trust = field(default_factory=Trust)
    """Who stands behind which username."""
    literacy: Literacy = field(default_factory=Literacy)
    """How much people know about AI, for policies that require it."""
    workloads: dict[str, WorkloadState] = field(default_factory=dict)
    """By revision."""
    route: RouteState = RouteState()
    evidence: Evidence | None = None
    """Of the present attempt; None before anything was judged."""
    replays: Mapping[str, ReplayRun] = field(default_factory=dict)
    """Comparisons of answers that were made for this model, by the name of the Job."""
    replay_refusal: str = ""
    """What the API server answered when the Job was to be made, if it refused it."""
    live: LiveReading | None = None
    """Of the stable version while no candidate is judged beside it; None as long as nothing was counted."""
    alerts: AlertsSeen = field(default_factory=AlertsSeen)
    """Of the model, where its policy heeds them."""
    table: TableState = BY_DEFAULT
    """What classifications are looked up in."""
    calendar: Calendar = field(default_factory=Calendar)
    """When upward moves may happen."""
    clock_step: ClockStep | None = None
    """What follows from instants alone waits while there is one."""
    governance_problem: str = ""
    """Why governance is not enforced in this cluster; gates stay closed while it is set."""
    bypass: str = ""
    """Which routes and Services of other people lead users around the model's own route."""
    audit: AuditState = AuditState()
    query: str = ""
    """The selector of the counters that evidence rests on, as PromQL, narrowed to this model."""
    refusal: Problem | None = None
    """What the API server answered to the last apply, if it refused it."""
    invalid: str = ""

    def workload(self, revision: str) -> WorkloadState:
        """An absent one for a revision that has no workload."""
        return self.workloads.get(revision, _ABSENT)

    @property
    def drain(self) -> timedelta:
        """How long pods of a version stay after its last user; the default where the spec cannot be read."""
        return timedelta(seconds=self.spec.serving.drain if self.spec else 30)

    def without_evidence(self) -> "Snapshot":
        """The same, as if nothing had been measured."""
        return replace(self, evidence=None)
