"""What the evidence says, as decisions and people read it."""

from dataclasses import dataclass, field
from enum import StrEnum

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.fairness.reading import FairnessReading
from headgate.evidence.power import Traffic


class NoiseMode(StrEnum):
    """How a check allows for requests of the stable version that do not fail independently of each other.

    HISTORY: by what its pods showed before the rollout, and meanwhile. LEARNING: by what they show meanwhile. ROBUST: by differences
    between blocks alone. UNKNOWN: nothing is compared yet.
    """

    UNKNOWN = ""
    HISTORY = "History"
    LEARNING = "Learning"
    ROBUST = "Robust"


@dataclass(frozen=True, slots=True)
class CheckReading:
    """One check of the policy: candidate against stable version, side by side, over one attempt.

    `harm` and `good` are e-values (the running maximum is what decides): how strongly the data speak against "within the limit" and
    against "at the limit or worse". `events` are errors, rejections, slow requests or conversions. `difference`, its confidence sequence
    from `low` to `high` (at level 1 - alpha, however often one looks) and `limit` are absolute shares. They are -1 and 1 as
    long as nothing is known of the noise. `dispersion` is how much noisier than independent requests the stable version is; 1 where nothing
    is known. `noise` says how it is allowed for, `noise_detail` by what,
    or why so. Of a value `requests` are answers that have one, there are no events, the means are values per answer, and the differences
    are parts of the stable version's mean.
    """

    metric: Metric
    verdict: Verdict
    required: bool = True
    harm: float = 1.0
    good: float = 1.0
    candidate_requests: int = 0
    candidate_events: int = 0
    stable_requests: int = 0
    stable_events: int = 0
    difference: float = 0.0
    low: float = -1.0
    high: float = 1.0
    limit: float = 0.0
    dispersion: float = 1.0
    noise: NoiseMode = NoiseMode.UNKNOWN
    noise_detail: str = ""
    detail: str = ""
    """For people: the latency bound compared, or why the check cannot be measured."""
    unresolved: str = ""
    """Where latency buckets are too coarse for the margin, and which bounds to add."""
    candidate_mean: float = 0.0
    stable_mean: float = 0.0


@dataclass(frozen=True, slots=True)
class Lacking:
    """Why nothing is known of a check now: NoData or NotMeasurable, in words."""

    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class SegmentReading:
    """One segment, compared with the same segment at the stable version. `counted` tells that it has enough requests to need a proof."""

    segment: str
    checks: tuple[CheckReading, ...] = ()
    counted: bool = False

    @property
    def proven(self) -> bool:
        """Whether every required check is proven good here."""
        return all(check.verdict is Verdict.PASS for check in self.checks if check.required)


@dataclass(frozen=True, slots=True)
class SegmentsReading:
    """All segments of one attempt (its shadow has a reading of its own), told apart by `label`.

    Fail: a segment is proven to be harmed. Pass: every counted segment is proven good. NoData: none is counted yet. NotMeasurable: no such
    counters, or too many segments. `worst` is the segment that looks worst; `harm` is an e-value of them all: at 1/alpha harm is proven.
    `named` are the segments that e-BH names. `required`: some check that looks at segments is.
    """

    label: str
    verdict: Verdict = Verdict.NO_DATA
    segments: tuple[SegmentReading, ...] = ()
    required: bool = False
    worst: str = ""
    harm: float = 1.0
    named: tuple[str, ...] = ()
    detail: str = ""
    """For people: what is lacking."""

    @property
    def holds(self) -> bool:
        """Whether nothing may rise meanwhile."""
        return self.verdict is Verdict.FAIL or (self.required and self.verdict is not Verdict.PASS)

    @property
    def failed(self) -> CheckReading | None:
        """The check that the worst segment failed, if harm is proven."""
        read = [check for one in self.segments if one.segment == self.worst for check in one.checks]
        return next((check for check in read if check.verdict is Verdict.FAIL), None)


@dataclass(frozen=True, slots=True)
class GuardReading:
    """One absolute guard on one arm. `missing` is the part of `failures` that are requests without an answer."""

    metric: Metric
    fired: bool
    requests: int = 0
    failures: int = 0
    missing: int = 0
    max_rate: float = 0.0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class MirrorReading:
    """Copies in the present shadow stage, by the gateway's counters: of `requests` of the stable version `expected` copies were due, and
    `arrived` were sent to the candidate."""

    requests: int
    expected: float
    arrived: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known from metrics about one attempt at one instant."""

    attempt: str = ""
    """The attempt that was measured: evidence of another one says nothing about the present candidate."""
    stage: int = -1
    """Index of the stage that `stage_fresh_seconds` and `stage_requests` speak about."""
    entered: float | None = None
    """When that stage was entered: a stage that began anew since is another one. None: not known."""
    as_of: float | None = None
    """Time of the newest sample judged, or None."""
    verdict: Verdict = Verdict.NO_DATA
    """The checks joined: Fail when the combined harm evidence reached 1/alpha, Pass when every required check is proven good."""
    checks: tuple[CheckReading, ...] = ()
    candidate_guards: tuple[GuardReading, ...] = ()
    stable_guards: tuple[GuardReading, ...] = ()
    stage_fresh_seconds: float = 0.0
    """Time with fresh evidence in the current stage; what minDuration counts."""
    stage_requests: int = 0
    """Candidate requests (answered or missing) in the current stage; what minRequests counts."""
    harm: float = 1.0
    """Weighted mean of the checks' harm e-values; rolls back at 1/alpha."""
    notes: tuple[str, ...] = field(default=())
    fairness: FairnessReading | None = None
    """How the candidate treats groups of people; None unless the policy asks."""
    segments: SegmentsReading | None = None
    """How segments of users fare, each by itself; None unless a check asks."""
    mirror: MirrorReading | None = None
    """None outside shadow, and where the metrics cannot tell."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What the guards say of the version that all users get, while nothing is compared with it."""

    revision: str
    as_of: float | None = None
    """Time of the newest sample counted, or None."""
    guards: tuple[GuardReading, ...] = ()
    traffic: Traffic | None = None
    """Of the last 60 seconds; None if they hold too few samples."""
