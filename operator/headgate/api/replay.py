"""Replay: the same requests go to both versions in shadow, and their answers are compared. What a policy asks for, what a model gives
for it, and what came of it."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Count, Digest, Line, Model, ObjectName, StatusModel, Text, rules
from headgate.api.digests import sha256
from headgate.api.quantities import Duration, Probability, RelativeMargin

Pointer = Annotated[str, Field(pattern=r"^(/([^/~]|~[01])*)*$", max_length=128)]
"""A JSON pointer (RFC 6901) into an answer; empty for the whole of it."""
Decimal = Annotated[str, Field(pattern=r"^-?[0-9]{1,9}(\.[0-9]{1,9})?$", max_length=20)]
"""A number written as a string, because Kubernetes APIs carry no floats."""
_Positive = Annotated[str, Field(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$", max_length=20)]

_LEAST_PAIRS = "minPairs must not be above maxPairs"
_NO_TIME = "timeout is too short for maxPairs at pairsPerSecond: raise timeout, or lower maxPairs"
_MIN_PAIRS, _MAX_PAIRS, _RATE, _TIMEOUT = 200, 1000, 10, Duration(1800)
_MAX_OR = f"self.?maxPairs.orValue({_MAX_PAIRS})"
CONFIDENCE = 0.95
"""Of the interval about the agreement, both sides together."""


class ReplayLimits(Model):
    """What the comparison of answers must show before automated-checks counts: the lower end of the 95 % interval about the agreement
    reaches minAgreement, with at least minPairs compared, and at most maxContractViolations answers break the model's contract."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (f"self.?minPairs.orValue({_MIN_PAIRS}) <= {_MAX_OR}", _LEAST_PAIRS),
            (f"self.?timeout.orValue(duration('{_TIMEOUT}')).getSeconds() >= {_MAX_OR} / self.?pairsPerSecond.orValue({_RATE})", _NO_TIME),
        )
    )

    min_agreement: Probability
    min_pairs: Annotated[int, Field(ge=10, le=100_000)] = _MIN_PAIRS
    max_pairs: Annotated[int, Field(ge=10, le=100_000)] = _MAX_PAIRS
    """Of a larger set, so many requests are taken, evenly spread."""
    max_contract_violations: Annotated[int, Field(ge=0, le=100_000)] = 0
    """By answers of the candidate."""
    max_validation_gap: RelativeMargin | None = None
    """How far the candidate's share of right classes may lie from the one of its validation, in either direction; needs labels."""
    pairs_per_second: Annotated[int, Field(ge=1, le=1000)] = _RATE
    timeout: Duration = _TIMEOUT

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.min_pairs > self.max_pairs:
            raise ValueError(_LEAST_PAIRS)
        if self.max_pairs // self.pairs_per_second > self.timeout:
            raise ValueError(_NO_TIME)
        # The lower end of the interval about n agreements of n.
        if ((1 - CONFIDENCE) / 2) ** (1 / self.max_pairs) < self.min_agreement:
            raise ValueError(f"{self.max_pairs} pairs cannot show an agreement of {self.min_agreement}, even if all agree: raise maxPairs")
        return self


class ConfigMapSource(Model):
    """A ConfigMap of the model's namespace."""

    name: ObjectName
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = "requests.jsonl"


class ClaimSource(Model):
    """A file of a PersistentVolumeClaim of the model's namespace."""

    claim_name: ObjectName
    path: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+(/[-._a-zA-Z0-9]+)*$", max_length=512)] = "requests.jsonl"


class HttpSource(Model):
    """A file that is served without credentials, for example by a logger of requests inside the cluster."""

    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$", max_length=1024)]


_ONE_SOURCE = "a golden set has exactly one of configMap, persistentVolumeClaim and http"


class GoldenSet(Model):
    """Where the requests come from: JSON lines, each {"body": …} and, if needed, id, path, method, headers and label (the right class)."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("[has(self.configMap), has(self.persistentVolumeClaim), has(self.http)].filter(x, x).size() == 1", _ONE_SOURCE)
        )
    )

    config_map: ConfigMapSource | None = None
    persistent_volume_claim: ClaimSource | None = None
    http: HttpSource | None = None
    digest: Digest | None = None
    """Of the file's bytes. If given, no other set is taken."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if [self.config_map, self.persistent_volume_claim, self.http].count(None) != 2:
            raise ValueError(_ONE_SOURCE)
        return self


class Likeness(StrEnum):
    """Class: equal values. Number: within a tolerance. Argmax: the same place of the greatest number, in a list or an object."""

    CLASS = "Class"
    NUMBER = "Number"
    ARGMAX = "Argmax"


_TOLERANCE = "a Number needs absolute or relative, and nothing else takes them: numbers are never quite equal"


class Comparison(Model):
    """One place of the answers that must be alike. Of a Number, either tolerance is enough; relative is to the stable version's."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (f"(self.?kind.orValue('{Likeness.CLASS}') == 'Number') == (has(self.absolute) || has(self.relative))", _TOLERANCE)
        )
    )

    pointer: Pointer
    kind: Likeness = Likeness.CLASS
    absolute: _Positive | None = None
    relative: RelativeMargin | None = None

    @model_validator(mode="after")
    def _tolerance(self) -> Self:
        if (self.kind is Likeness.NUMBER) != (self.absolute is not None or self.relative is not None):
            raise ValueError(_TOLERANCE)
        return self


class JsonType(StrEnum):
    """As JSON Schema names them."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class Expectation(Model):
    """What every answer must have at one place: a value that is not null, of this type, a number within these bounds."""

    pointer: Pointer
    type: JsonType | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None


class Replay(Model):
    """With which requests versions of this model are compared in shadow, and what makes two answers alike. Two answers agree if they are
    alike in every place; the first Class or Argmax is the decision of which flips are counted. It is part of what people approve."""

    golden_set: GoldenSet
    path: Annotated[str, Field(pattern=r"^/[^\s]*$", max_length=1024)] = "/"
    """Of requests that name none."""
    compare: Annotated[tuple[Comparison, ...], Field(min_length=1, max_length=8, json_schema_extra=ATOMIC)]
    contract: Annotated[tuple[Expectation, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    request_timeout: Duration = Duration(10)
    validated: Probability | None = None
    """The share of right classes that validation found, for policies with maxValidationGap."""

    @property
    def decision(self) -> Comparison | None:
        """The comparison that names a class."""
        return next((one for one in self.compare if one.kind is not Likeness.NUMBER), None)

    @property
    def digest(self) -> str:
        """Of all that is written. Fields of a later release do not change it as long as they keep their defaults."""
        return sha256(self.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude_none=True))


PLAN_VARIABLE = "HEADGATE_REPLAY_PLAN"
"""The environment variable in which a run finds its plan, as JSON."""
UNUSABLE_EXIT = 3
"""Its exit code where trying again is of no use: something has to be repaired first."""
GOLDEN_MOUNT = "/golden"
"""Where it finds the ConfigMap or volume with the golden set."""


class ReplayPlan(Model):
    """What one run is told. `stable` and `candidate` are the addresses of their Services. Without `stable` the requests bring the answers
    that the candidate's are compared with."""

    stable: Line | None = None
    candidate: Line
    replay: Replay
    limits: ReplayLimits


class ClassFlips(StatusModel):
    """One class of the decision: how often either version chose it, and how often only one of them did."""

    name: Annotated[str, Field(max_length=64)]
    stable: Count
    candidate: Count
    lost: Count
    """Pairs in which only the stable version chose it."""
    gained: Count
    """Pairs in which only the candidate chose it."""


class ReplayLatency(StatusModel):
    """In milliseconds, of pairs that both answered, one version right after the other."""

    pairs: Count
    slower: Count
    """Pairs in which the candidate took longer."""
    stable_p50: Decimal
    candidate_p50: Decimal
    stable_p95: Decimal
    candidate_p95: Decimal


class ReplayReport(StatusModel):
    """What one run found. Pairs are requests that the stable version answered as its contract says; where the candidate did not, the pair
    disagrees."""

    golden_set: Digest
    requests: Count
    pairs: Count
    agreed: Count
    stable_failures: Count = 0
    """Requests without a good answer (2xx) of the stable version."""
    candidate_failures: Count = 0
    stable_violations: Count = 0
    candidate_violations: Count = 0
    """Good answers that break the contract."""
    violation: Line = ""
    """The candidate's first one."""
    kappa: Decimal | None = None
    """Cohen's, of the decision: agreement beyond what the two versions' shares of classes bring by chance."""
    ac1: Decimal | None = None
    """Gwet's, which does not collapse where one class is rare."""
    classes: Annotated[tuple[ClassFlips, ...], Field(max_length=6, json_schema_extra=ATOMIC)] = ()
    """Those with most flips."""
    labelled: Count = 0
    """Pairs whose right class is known."""
    stable_right: Count = 0
    candidate_right: Count = 0
    only_stable_right: Count = 0
    only_candidate_right: Count = 0
    validated: Decimal | None = None
    """The share of right classes that validation found, as the model said."""
    latency: ReplayLatency | None = None


class ReplayPhase(StrEnum):
    """How far the comparison of answers is."""

    WAITING = "Waiting"
    RUNNING = "Running"
    FAILED = "Failed"
    DONE = "Done"


class ReplayStatus(StatusModel):
    """The comparison of an attempt's answers. Once done it stays, whatever becomes of the Job."""

    asked: Digest
    """Of spec.serving.replay as it was asked."""
    job: ObjectName
    phase: ReplayPhase
    message: Text = ""
    """Why it waits or failed."""
    report: ReplayReport | None = None


class CopiesStatus(StatusModel):
    """Mirrored requests over the shadow stage, by the gateway's counters: the stable version's requests, how many copies of them were due,
    and how many were sent to the candidate."""

    requests: Count
    expected: Count
    arrived: Count
