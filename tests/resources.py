"""The resources as users write them, and what must be refused: by the models in Python and by the API server alike."""

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
Document = dict[str, Any]

EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))


def example(path: str) -> Document:
    """One document of examples/."""
    loaded: Document = yaml.safe_load((ROOT / "examples" / path).read_text())
    return loaded


AIMODEL = example("models/credit-scorer.yaml")
POLICY = example("policies/standard.yaml")
APPROVE = example("approvals/approve-fairness-audit.yaml")
SIGNED = example("approvals/signed-fairness-audit.yaml")
HALT = example("approvals/halt.yaml")
BREAK_GLASS = example("approvals/break-glass.yaml")
TRUST_STORE = example("trust/headgate.yaml")


class _Absent:
    """A field to take away."""


ABSENT = _Absent()
Place = tuple[str | int, ...]


def changed(document: Document, *changes: tuple[Place, Any]) -> Document:
    """A copy of `document` with each path below spec set to its value, or taken away."""
    result = copy.deepcopy(document)
    for path, value in changes:
        place = result["spec"]
        for step in path[:-1]:
            place = place[step]
        if value is ABSENT:
            del place[path[-1]]
        else:
            place[path[-1]] = value
    return result


@dataclass(frozen=True)
class Refusal:
    """A document that must not be accepted. `says` stands in the error of both sides (`server` if the API server words it otherwise)."""

    name: str
    document: Document
    says: str
    server: str = ""

    def __str__(self) -> str:
        return self.name


def _model(name: str, path: Place, value: Any, says: str, server: str = "") -> Refusal:
    return Refusal(f"AIModel {name}", changed(AIMODEL, (path, value)), says, server)


def _policy(name: str, path: Place, value: Any, says: str, server: str = "") -> Refusal:
    return Refusal(f"RolloutPolicy {name}", changed(POLICY, (path, value)), says, server)


def _decision(name: str, document: Document, says: str, *changes: tuple[Place, Any], server: str = "") -> Refusal:
    return Refusal(f"GovernanceApproval {name}", changed(document, *changes), says, server)


def _trust(name: str, path: Place, value: Any, says: str, server: str = "") -> Refusal:
    return Refusal(f"TrustStore {name}", changed(TRUST_STORE, (path, value)), says, server)


_STAGES: list[Document] = POLICY["spec"]["stages"]
_SHADOW, _CANARY, _FULL = _STAGES[0], _STAGES[1], _STAGES[-1]
_BACKWARDS = {"from": "2026-12-20T00:00:00Z", "to": "2026-12-19T00:00:00Z", "reason": "year end"}
_FAIR = {"minDisparateImpact": "0.8"}
_ASKED = {"minAgreement": "0.9"}
_REPLAY: Document = {"goldenSet": {"configMap": {"name": "golden"}}, "compare": [{"pointer": "/decision"}]}
_CASE: Document = {
    "developmentCosts": 500_000,
    "infrastructurePerYear": 60_000,
    "operationPerYear": 90_000,
    "revenueImpactPerYear": 250_000,
    "costSavingsPerYear": 200_000,
}
_SCORE: Document = {"name": "csat", "dimension": "Adoption", "bad": "1", "good": "5", "stated": {"value": "4.2", "asOf": "2026-10-01"}}
_TEMPLATE: Place = ("serving", "deployment", "template")

MODEL_REFUSALS = (
    _model("without tier and classification", ("classification",), {}, "say what the model decides about"),
    _model("unknown decision type", ("classification", "decisions"), "Sometimes", "decisions"),
    _model("practice in words", ("classification", "practices"), ["social scoring"], "practices"),
    _model("unknown tier", ("classification", "declaredTier"), "Moderate", "declaredTier"),
    _model("unknown scope", ("policy", "scope"), "Cluster", "scope"),
    _model("without a policy", ("policy",), ABSENT, "policy"),
    _model("policy name with capitals", ("policy", "name"), "Standard", "policy.name"),
    _model("digest of another kind", ("artifact", "digest"), "md5:0123", "digest"),
    _model("without a template", _TEMPLATE, ABSENT, "template"),
    _model("too many replicas", ("serving", "deployment", "replicas"), 1001, "replicas"),
    _model(
        "replicas beside autoscaling",
        ("serving", "deployment", "autoscaling"),
        {"maxReplicas": 4},
        "give replicas (a fixed size) or autoscaling, not both",
    ),
    _model("autoscaling without a limit", ("serving", "deployment"), {"template": {}, "autoscaling": {}}, "maxReplicas"),
    _model(
        "autoscaling upside down",
        ("serving", "deployment"),
        {"template": {}, "autoscaling": {"minReplicas": 5, "maxReplicas": 4}},
        "minReplicas must not be above maxReplicas",
    ),
    _model(
        "autoscaling to nothing",
        ("serving", "deployment"),
        {"template": {}, "autoscaling": {"minReplicas": 0, "maxReplicas": 4}},
        "minReplicas",
    ),
    _model(
        "autoscaling without room",
        ("serving",),
        {"capacity": {"mode": "Proportional"}, "deployment": {"template": {}, "autoscaling": {"maxReplicas": 4}}},
        "capacity.mode Proportional needs replicas",
    ),
    _model("replay of nothing", ("serving", "replay"), {**_REPLAY, "goldenSet": {}}, "exactly one of configMap"),
    _model(
        "replay of two sets",
        ("serving", "replay"),
        {**_REPLAY, "goldenSet": {"configMap": {"name": "golden"}, "http": {"url": "http://logs/set.jsonl"}}},
        "exactly one of configMap",
    ),
    _model("replay by another way", ("serving", "replay"), {**_REPLAY, "goldenSet": {"http": {"url": "ftp://logs"}}}, "url"),
    _model(
        "replay of a file elsewhere",
        ("serving", "replay"),
        {**_REPLAY, "goldenSet": {"persistentVolumeClaim": {"claimName": "c", "path": "/etc"}}},
        "path",
    ),
    _model("replay that compares nothing", ("serving", "replay"), {**_REPLAY, "compare": []}, "compare"),
    _model("scorecard of nothing", ("monitoring",), {"scorecard": {"indicators": []}}, "indicators"),
    _model(
        "score between equal ends", ("monitoring",), {"scorecard": {"indicators": [{**_SCORE, "good": "1.0"}]}}, "bad and good must differ"
    ),
    _model("score of nothing", ("monitoring",), {"scorecard": {"indicators": [{**_SCORE, "stated": None}]}}, "give figure"),
    _model(
        "score from two sources",
        ("monitoring",),
        {"scorecard": {"indicators": [{**_SCORE, "figure": {"watch": "Value", "statistic": "valuePerYear"}}]}},
        "give figure",
    ),
    _model("score twice", ("monitoring",), {"scorecard": {"indicators": [_SCORE, _SCORE]}}, "listed twice", "Duplicate value"),
    _model("gauges without a word on what they are", ("monitoring",), {"driftGauges": {"profile": "TrustyAI"}}, "reads"),
    _model("gauges of an unknown product", ("monitoring",), {"driftGauges": {"profile": "X", "reads": "PValue"}}, "profile"),
    _model(
        "gauges of a product without names of its own",
        ("monitoring",),
        {"driftGauges": {"profile": "NannyML", "reads": "Distance", "metrics": ["drift"]}},
        "give metrics, modelLabel and featureLabel",
    ),
    _model(
        "limits of a p-value",
        ("monitoring",),
        {"driftGauges": {"profile": "TrustyAI", "reads": "PValue", "limits": {"drifting": "0.1"}}},
        "limits are for distances",
    ),
    _model("value case without its costs", ("valueCase",), {k: v for k, v in _CASE.items() if k != "developmentCosts"}, "developmentCosts"),
    _model("value case with a cost below nothing", ("valueCase",), {**_CASE, "operationPerYear": -1}, "operationPerYear"),
    _model("value case in words", ("valueCase",), {**_CASE, "costSavingsPerYear": "much"}, "costSavingsPerYear"),
    _model("value case with a broken amount", ("valueCase",), {**_CASE, "revenueImpactPerYear": 1.5}, "revenueImpactPerYear"),
    _model("value case of no year", ("valueCase",), {**_CASE, "years": 0}, "years"),
    _model("value case with a rate that is no percentage", ("valueCase",), {**_CASE, "discountRate": "0.1"}, "discountRate"),
    _model("value case with a rate of a hundred", ("valueCase",), {**_CASE, "discountRate": "100%"}, "discountRate"),
    _model("value case without discount", ("valueCase",), {**_CASE, "discountRate": "0%"}, "write a"),
    _model("value case that counts something else", ("valueCase",), {**_CASE, "counted": "Clicks"}, "counted"),
    _model("replay with a path for a pointer", ("serving", "replay"), {**_REPLAY, "compare": [{"pointer": "decision"}]}, "pointer"),
    _model(
        "number without tolerance",
        ("serving", "replay"),
        {**_REPLAY, "compare": [{"pointer": "/s", "kind": "Number"}]},
        "absolute or relative",
    ),
    _model(
        "class with tolerance", ("serving", "replay"), {**_REPLAY, "compare": [{"pointer": "/s", "relative": "5%"}]}, "absolute or relative"
    ),
    _model("contract of an unknown type", ("serving", "replay"), {**_REPLAY, "contract": [{"pointer": "/s", "type": "float"}]}, "type"),
    _model("unknown capacity", ("serving", "capacity"), {"mode": "Elastic"}, "capacity.mode"),
    _model("no replicas", ("serving", "deployment", "replicas"), 0, "replicas"),
    _model("port out of range", ("serving", "deployment", "port"), 70_000, "port"),
    _model("drain in words", ("serving", "drain"), "2 weeks", "drain"),
    _model("drain of nothing", ("serving", "drain"), "0s", "like 14d, 1h30m or 90s"),
    _model("drain beyond ten years", ("serving", "drain"), "3651d", "at most 3650d"),
    _model("unknown side effects", ("serving", "sideEffects"), "Few", "sideEffects"),
    _model("without a gateway", ("traffic", "parentRefs"), [], "parentRefs"),
    _model("without a technical owner", ("owners", "technical"), ABSENT, "technical"),
    _model("hostname with a space", ("traffic", "hostnames"), ["credit models"], "hostnames"),
    _model("request timeout without unit", ("traffic", "rules", 0, "timeouts", "request"), "30", "request"),
    _model("unknown mode", ("mode",), "Watch", "mode"),
    _model("unknown deletion policy", ("deletionPolicy",), "Keep", "deletionPolicy"),
    _model("baseline without a template", ("serving", "baseline"), {"version": "v0"}, "baseline"),
    _model("evidence without digest", ("evidence",), [{"type": "fairness", "uri": "s3://x"}], "digest"),
    _model("lineage without output", ("lineage",), [{"component": "a", "componentVersion": "1", "input": f"sha256:{'a' * 64}"}], "output"),
    _model("version too long", ("version",), "1" * 64, "version"),
)

_SPLIT_TWICE = [
    {"metric": "errors", "maxIncrease": "1pp", "segments": {"label": "group"}},
    {"metric": "rejections", "maxIncrease": "1pp", "segments": {"label": "region"}},
]
POLICY_REFUSALS = (
    _policy("without stages", ("stages",), [], "stages"),
    _policy("stage of two kinds", ("stages", 1, "mirrorPercent"), 5, "exactly one of mirrorPercent"),
    _policy("stage of no kind", ("stages", 1, "trafficPercent"), ABSENT, "exactly one of mirrorPercent"),
    _policy("percentage above 100", ("stages", 1, "trafficPercent"), 101, "in steps of 0.1"),
    _policy("negative percentage", ("stages", 1, "trafficPercent"), -5, "in steps of 0.1"),
    _policy("percentage too fine", ("stages", 1, "trafficPercent"), "5.25", "in steps of 0.1"),
    _policy("percentage with a sign", ("stages", 1, "trafficPercent"), "5%", "in steps of 0.1"),
    _policy("traffic of nothing", ("stages", 1, "trafficPercent"), 0, "must be above 0"),
    _policy("mirror of nothing", ("stages", 0, "mirrorPercent"), "0.0", "must be above 0"),
    _policy("everything held back", ("stages",), [{**_FULL, "holdbackPercent": 100}], "holdbackPercent below 100"),
    _policy("longer than its longest", ("stages", 1, "minDuration"), "15d", "maxDuration"),
    _policy("too short to judge", ("stages", 1, "minDuration"), "179s", "2 x", "2 x analysis.warmup + 4 x analysis.interval"),
    _policy("two stages of one name", ("stages", 2, "name"), "canary", "stage names must be different"),
    _policy("without a full stage", ("stages",), [_SHADOW, _CANARY], "holdbackPercent"),
    _policy("full stage first", ("stages",), [_FULL, _CANARY], "last stage"),
    _policy("shadow in the middle", ("stages",), [_CANARY, _SHADOW, _FULL], "shadow is one stage, and the first"),
    _policy("weights that fall", ("stages", 2, "trafficPercent"), 4, "more traffic than the one before"),
    _policy("weights that stay", ("stages", 3, "trafficPercent"), 25, "more traffic than the one before"),
    _policy("full stage no higher", ("stages", 3, "trafficPercent"), 99, "more traffic than the one before"),
    _policy("check of pod failures", ("checks", 0, "metric"), "podFailures", "use it as a guard"),
    _policy("errors in milliseconds", ("checks", 0, "maxIncrease"), "50ms", "latency takes a quantile and a limit in ms"),
    _policy("latency in points", ("checks", 2, "maxIncrease"), "1pp", "latency takes a quantile and a limit in ms"),
    _policy("latency without quantile", ("checks", 2, "quantile"), ABSENT, "latency takes a quantile"),
    _policy("check without a limit", ("checks", 0, "maxIncrease"), ABSENT, "exactly one of maxIncrease"),
    _policy("check with both limits", ("checks", 3, "maxIncrease"), "5%", "exactly one of maxIncrease"),
    _policy("fewer errors", ("checks", 0), {"metric": "errors", "maxDecrease": "5%"}, "only value and conversions take maxDecrease"),
    _policy("value in points", ("checks", 3, "maxDecrease"), "5pp", "value takes a limit in %"),
    _policy("value in milliseconds", ("checks", 3), {"metric": "value", "maxIncrease": "5ms"}, "the other metrics take neither"),
    _policy("value without anything left", ("checks", 3, "maxDecrease"), "100%", "must be below 100"),
    _policy("value of a quantile", ("checks", 3, "quantile"), "0.95", "the other metrics take neither"),
    _policy("summary that is none", ("checks", 3, "summary"), 'a"}', "summary"),
    _policy("summary of errors", ("checks", 0, "summary"), "headgate_value", "only value and conversions take summary"),
    _policy("limit of nothing", ("checks", 0, "maxIncrease"), "0.00pp", "0.5pp, 5% or 50ms"),
    _policy("limit without unit", ("checks", 0, "maxIncrease"), "0.5", "maxIncrease"),
    _policy("quantile of one", ("checks", 2, "quantile"), "1.0", "quantile"),
    _policy("alpha of nothing", ("analysis", "alpha"), "0.0", 'like "0.05"'),
    _policy("observing by half", ("analysis", "observe"), "Sometimes", "observe"),
    _policy("segments by pod", ("checks", 0, "segments"), {"label": "pod"}, "label must tell users apart"),
    _policy("segments by code", ("checks", 0, "segments"), {"label": "code"}, "label must tell users apart"),
    _policy("segments by a label that is none", ("checks", 0, "segments"), {"label": "per-son"}, "label"),
    _policy("segments without a label", ("checks", 0, "segments"), {"most": 4}, "label"),
    _policy("too many segments", ("checks", 0, "segments"), {"label": "group", "most": 17}, "most"),
    _policy("users split in two ways", ("checks",), _SPLIT_TWICE, "must all write the same ones"),
    _policy("two checks of one metric", ("checks", 1, "metric"), "errors", "listed twice", "Duplicate value"),
    _policy("guard on latency", ("guards", 0, "metric"), "latency", "a guard is"),
    _policy("guard on value", ("guards", 0, "metric"), "value", "a guard is"),
    _policy("guard of two kinds", ("guards", 0, "maxRestarts"), 3, "a guard is"),
    _policy("relative guard", ("guards", 0, "maxRate"), "20%", "maxRate"),
    _policy("pod guard without window", ("guards", 1, "window"), ABSENT, "a guard is"),
    _policy("unknown role", ("gates", "deployment", "low", 0, "role"), "chief", "role"),
    _policy("quorum of nobody", ("gates", "deployment", "low", 0, "count"), 0, "count"),
    _policy("quorum of everybody", ("gates", "deployment", "low", 0, "count"), 5, "count"),
    _policy("gate without roles", ("gates", "deployment", "low"), [], "low"),
    _policy("role twice", ("gates", "deployment", "low", 1, "role"), "technical-validation", "listed twice", "Duplicate value"),
    _policy("continuation of nothing", ("gates", "useCase"), ABSENT, "give useCase as well"),
    _policy("use case checked by a machine", ("gates", "useCase", "low", 0, "role"), "automated-checks", "not of a use case"),
    _policy("use case without people", ("gates", "useCase", "medium"), [], "medium"),
    _policy("unknown expiry", ("gates", "continuation", "onExpiry"), "Forget", "onExpiry"),
    _policy("unknown piece of writing", ("gates", "dossier"), {"low": {"pieces": ["Poem"]}}, "pieces"),
    _policy("window without length", ("windows",), {"allow": [{"from": "09:00", "to": "09:00"}]}, "from and to must differ"),
    _policy("window at an hour that no clock shows", ("windows",), {"allow": [{"from": "24:00", "to": "09:00"}]}, "from"),
    _policy("window on an unknown day", ("windows",), {"allow": [{"days": ["Monday"], "from": "09:00", "to": "16:00"}]}, "days"),
    _policy("window without days", ("windows",), {"allow": [{"days": [], "from": "09:00", "to": "16:00"}]}, "days"),
    _policy("zone by offset", ("windows",), {"timeZone": "+01:00"}, "timeZone"),
    _policy("freeze that ends before it begins", ("windows",), {"freezes": [_BACKWARDS]}, "from must be before to"),
    _policy("freeze without a reason", ("windows",), {"freezes": [{**_BACKWARDS, "reason": ""}]}, "reason"),
    _policy("freeze without time zone", ("windows",), {"freezes": [{**_BACKWARDS, "to": "2027-12-20T00:00:00"}]}, "to"),
    _policy("fairness without a limit", ("triggers",), {"fairness": {}}, "minDisparateImpact"),
    _policy("fairness of more than equal", ("triggers",), {"fairness": {"minDisparateImpact": "1.2"}}, "minDisparateImpact"),
    _policy("fairness by one label", ("triggers",), {"fairness": {**_FAIR, "groupLabel": "outcome"}}, "must be two labels"),
    _policy("fairness by pod", ("triggers",), {"fairness": {**_FAIR, "groupLabel": "pod"}}, "must not be labels by which pods"),
    _policy("fairness that forbids nothing", ("triggers",), {"fairness": {**_FAIR, "maxParityDifference": "100pp"}}, "below 100pp"),
    _policy("fairness without a good outcome", ("triggers",), {"fairness": {**_FAIR, "favourable": []}}, "favourable"),
    _policy("fairness of few", ("triggers",), {"fairness": {**_FAIR, "minDecisions": 9}}, "minDecisions"),
    _policy("fairness with a metric that is none", ("triggers",), {"fairness": {**_FAIR, "metric": 'a"}'}}, "metric"),
    _policy("replay without a limit", ("stages", 0, "replay"), {}, "minAgreement"),
    _policy("replay with users", ("stages", 1, "replay"), _ASKED, "only a shadow stage"),
    _policy("replay of too few", ("stages", 0, "replay"), {**_ASKED, "maxPairs": 100}, "minPairs must not be above maxPairs"),
    _policy("replay without time", ("stages", 0, "replay"), {**_ASKED, "timeout": "99s"}, "timeout is too short"),
    _policy("unknown profile", ("metrics", "profile"), "magic", "profile"),
)

APPROVAL_REFUSALS = (
    _decision("unknown decision", APPROVE, "decision", (("decision",), "Maybe")),
    _decision("gate decision without subject", APPROVE, "need gate, role and subject", (("subject",), ABSENT)),
    _decision("gate decision without role", APPROVE, "need gate, role and subject", (("role",), ABSENT)),
    _decision("gate decision with target", APPROVE, "target", (("target",), HALT["spec"]["target"])),
    _decision("unknown role", APPROVE, "role", (("role",), "chief")),
    _decision("unknown gate", APPROVE, "gate", (("gate",), "Door")),
    _decision("computed role", APPROVE, "never approved by a person", (("role",), "automated-checks")),
    _decision("approval without end", APPROVE, "need expiresAt", (("expiresAt",), ABSENT)),
    _decision("end without time zone", APPROVE, "expiresAt", (("expiresAt",), "2027-02-19T00:00:00")),
    _decision("short subject", APPROVE, "subject", (("subject",), "sha256:77ab01c2")),
    _decision("without rationale", APPROVE, "rationale", (("rationale",), "")),
    _decision("without approver", APPROVE, "approver", (("approver",), ABSENT)),
    _decision("halt without target", HALT, "need target", (("target",), ABSENT)),
    _decision("halt with a role", HALT, "Approve, Reject and Revoke need gate, role and subject", (("role",), "fairness-audit")),
    _decision("halt to a revision", HALT, "decision Rollback only", (("toRevision",), "0a1b2c3d")),
    _decision("halt with a signature", HALT, "in person", (("signature",), SIGNED["spec"]["signature"])),
    _decision("halt in somebody's place", HALT, "in person", (("onBehalfOf",), "dana@bank.example")),
    _decision("rejection with conditions", APPROVE, "decision Approve only", (("decision",), "Reject"), (("conditions",), ["x"])),
    _decision("break-glass without end", BREAK_GLASS, "need expiresAt", (("expiresAt",), ABSENT)),
    _decision("signature of another length", SIGNED, "value", (("signature", "value"), "AAAA")),
    _decision("signature of another version", SIGNED, "statementVersion", (("signature", "statementVersion"), 2)),
    _decision("target without attempt", HALT, "attempt", (("target", "attempt"), ABSENT)),
    _decision("attempt zero", HALT, "attempt", (("target", "attempt"), 0)),
)

_KEY: Place = ("persons", 0, "keys", 0)
_SHORT_KEY = "MCowBQYDK2VwAyEAAAAA"

TRUST_REFUSALS = (
    _trust("person without training", ("persons", 0, "trainingValidUntil"), ABSENT, "trainingValidUntil"),
    _trust("person without username", ("persons", 0, "usernames"), [], "usernames"),
    _trust("person twice", ("persons", 1, "name"), "dana", "listed twice", "Duplicate value"),
    _trust("unknown role", ("persons", 0, "roles"), ["chief"], "roles"),
    _trust("key of another kind", (*_KEY, "publicKey"), _SHORT_KEY, "publicKey"),
    _trust("key that ends before it begins", (*_KEY, "validUntil"), "2025-01-01T00:00:00Z", "validUntil must come after"),
    _trust("delegation to oneself", ("delegations", 0, "to"), "dana", "nobody delegates to themselves"),
    _trust("delegation without end", ("delegations", 0, "until"), ABSENT, "until"),
)

REFUSALS = (*MODEL_REFUSALS, *POLICY_REFUSALS, *APPROVAL_REFUSALS, *TRUST_REFUSALS)
