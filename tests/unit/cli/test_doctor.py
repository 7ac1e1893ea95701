"""doctor: each check, as it should be and failing; what is gathered, and what a right that is lacking hides."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import yaml
from tests.unit.cli.cluster_in_memory import CANDIDATE, IN_CANARY, LIVE, READINGS, ClusterInMemory, headgate, pointed_at

from headgate import __version__
from headgate.api.crd import RESOURCES
from headgate.api.replay import CopiesStatus
from headgate.api.status import AIModelStatus
from headgate.api.vocabulary import Profile
from headgate.cli.doctor.asking import ask
from headgate.cli.doctor.check import Asked, Check, Level
from headgate.cli.doctor.doctor import examined
from headgate.cli.doctor.facts import Bindings, Facts, Model, Operator, Policies, Prometheus, Right, Series
from headgate.cli.doctor.gathering import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES, GATEWAY_CLASSES, SUBJECT_ACCESS_REVIEWS
from headgate.cli.doctor.governance import needed_rights
from headgate.cli.doctor.installation import first_difference
from headgate.evidence.view import MirrorReading
from headgate.kube.admission import BINDINGS, POLICIES, REQUIRED
from headgate.kube.errors import Forbidden, Invalid
from headgate.kube.interface import About, Object
from headgate.kube.resources import (
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    GATEWAYS,
    HTTP_ROUTES,
    LEASES,
    ROLLOUT_POLICIES,
    TRUST_STORES,
    Resource,
)
from headgate.prometheus.client import PrometheusClient

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OPERATOR = Operator(__version__, 2, 2, "system:serviceaccount:headgate-system:headgate", {"HEADGATE_TRUST_STORE_REQUIRED": "true"})
NAMES = [f"headgate-{short}" for short in (*REQUIRED, "freezes", "trust-stores")]


DENIES: dict[str, Any] = {"failurePolicy": "Fail", "validations": [{"expression": "false"}]}


def policy(name: str, **spec: Any) -> Object:
    return {"metadata": {"name": name, "creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": DENIES | spec}


CHANGED = {"HEADGATE_ADMISSION_DIGESTS": json.dumps({"ValidatingAdmissionPolicy/headgate-audit": "0" * 64})}
"""What the operator was told of the chart's policies is not what is there."""


def binding(name: str, **spec: Any) -> Object:
    made = {"policyName": name, "validationActions": ["Deny"], **spec}
    return {"metadata": {"name": name, "creationTimestamp": "2026-11-01T00:00:00Z"}, "spec": made}


def lease(seconds_ago: float = 1.0, holder: str = "headgate-abc") -> Object:
    renewed = f"{NOW - timedelta(seconds=seconds_ago):%Y-%m-%dT%H:%M:%S.%fZ}"
    return {"metadata": {"name": "headgate"}, "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15, "renewTime": renewed}}


def trust_store(until: str = "2027-01-01T00:00:00Z") -> Object:
    dana = {"name": "dana", "usernames": ["dana@bank.example"], "roles": ["fairness-audit"], "trainingValidUntil": until}
    return {"metadata": {"name": "headgate"}, "spec": {"persons": [dana]}}


def gateway(programmed: str = "True") -> Object:
    conditions = [{"type": "Programmed", "status": programmed}]
    return {
        "metadata": {"name": "public", "namespace": "gateways"},
        "spec": {"gatewayClassName": "eg"},
        "status": {"conditions": conditions},
    }


def gateway_class(*features: Any) -> Object:
    return {"metadata": {"name": "eg"}, "status": {"supportedFeatures": list(features)}}


def routes(*versions: str) -> Object:
    metadata = {"name": "httproutes", "annotations": {"gateway.networking.k8s.io/bundle-version": "v1.4.0"}}
    return {"metadata": metadata, "spec": {"versions": [{"name": version, "served": True} for version in versions]}}


MODEL = Model("lending", "credit-scorer", AIModelStatus.model_validate(LIVE), (("gateways", "public"),), Profile.ENVOY_GATEWAY)
ENVOY = {"envoy_cluster_upstream_rq": 3, "envoy_cluster_upstream_rq_total": 2, "envoy_cluster_upstream_rq_time_bucket": 40}
PLACE = ("lending", "credit-scorer")
MEASURED = Prometheus("http://prometheus:9090", 0.3, 5.0, {PLACE: Series(ENVOY, 3, 0)})
RULES = {
    "apiGroups": ["headgate.dev"],
    "resources": ["governanceapprovals"],
    "resourceNames": ["deployment.fairness-audit"],
    "verbs": ["approve"],
}


def role(name: str, *rules: Mapping[str, Any]) -> Object:
    return {"metadata": {"name": name}, "rules": list(rules)}


def bound(name: str, *subjects: Mapping[str, Any]) -> Object:
    return {"metadata": {"name": name}, "roleRef": {"kind": "ClusterRole", "name": name}, "subjects": list(subjects)}


def group(name: str) -> dict[str, str]:
    return {"kind": "Group", "name": name}


EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
ADMINS = Bindings(
    (role("cluster-admin", EVERYTHING), role("approver", RULES)),
    (),
    (bound("cluster-admin", group("system:masters")), bound("approver", {"kind": "User", "name": "dana@bank.example"})),
)
HEALTHY = Facts(
    now=NOW,
    command_version=__version__,
    operator_namespace="headgate-system",
    about=Asked(About("v1.36.3", NOW)),
    definitions={f"{resource.plural}.headgate.dev": Asked(resource.manifest()) for resource in RESOURCES},
    operator=Asked(OPERATOR),
    lease=Asked(lease()),
    admission_policies=Asked(tuple(map(policy, NAMES))),
    admission_bindings=Asked(tuple(map(binding, NAMES))),
    refused_rights=Asked(()),
    rbac=Asked(ADMINS),
    trust_store=Asked(trust_store()),
    models=Asked((MODEL,)),
    policies=Asked(Policies({"standard": 15}, ("standard",), ("standard",))),
    prometheus=Asked(MEASURED),
    gateway_definition=Asked(routes("v1", "v1beta1")),
    gateways=Asked((gateway(),)),
    gateway_classes=Asked((gateway_class({"name": "HTTPRouteRequestMirror"}, {"name": "HTTPRouteRequestPercentageMirror"}),)),
    mirror_refused={"percent": Asked(""), "fraction": Asked("")},
)


def found(facts: Facts, topic: str) -> Check:
    """The worst check of a topic."""
    return max((check for check in examined(facts) if check.topic == topic), key=lambda check: list(Level).index(check.level))


def test_an_installation_as_it_should_be_has_nothing_to_do() -> None:
    assert [check for check in examined(HEALTHY) if check.level is not Level.OK or check.todo] == []


def definition(version: str = "v1alpha1", *, served: bool = True, without: str = "") -> Asked[Object]:
    body = RESOURCES[0].manifest()
    (only,) = body["spec"]["versions"]
    only["name"], only["served"] = version, served
    if without:
        del only["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"][without]
    return Asked(body)


def defined(asked: Asked[Object]) -> dict[str, Any]:
    return {"definitions": {**HEALTHY.definitions, "aimodels.headgate.dev": asked}}


def operated(**changes: Any) -> dict[str, Any]:
    return {"operator": Asked(replace(OPERATOR, **changes))}


def bindings(**changes: Any) -> dict[str, Any]:
    return {"admission_bindings": Asked((binding(NAMES[0], **changes), *map(binding, NAMES[1:])))}


def policies(**changes: Any) -> dict[str, Any]:
    return {"admission_policies": Asked((policy(NAMES[0], **changes), *map(policy, NAMES[1:])))}


def measured(**changes: Any) -> dict[str, Any]:
    return {"prometheus": Asked(replace(MEASURED, **changes))}


def shadowed(requests: int, expected: int, arrived: int) -> dict[str, Any]:
    """The model has a candidate, which got so many copies of requests."""
    return {"models": Asked((replace(MODEL, copies=CopiesStatus(requests=requests, expected=expected, arrived=arrived)),))}


def holding(rule: Mapping[str, Any], *subjects: Mapping[str, Any]) -> dict[str, Any]:
    more = Bindings((*ADMINS.cluster_roles, role("more", rule)), (), (*ADMINS.cluster_role_bindings, bound("more", *subjects)))
    return {"rbac": Asked(more)}


ROLES = {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["escalate"]}
SWITCH = {"apiGroups": ["admissionregistration.k8s.io"], "resources": ["validatingadmissionpolicies"], "verbs": ["delete"]}
APPROVE = {"apiGroups": ["headgate.dev"], "resources": ["*"], "verbs": ["*"]}
GONE: Asked[Any] = Asked(problem="not found", missing=True)
SHUT: Asked[Any] = Asked(problem="dana may not")
AIMODEL = "definition of AIModel"


@pytest.mark.parametrize(
    ("topic", "changes", "level", "words"),
    [
        ("cluster version", {"about": Asked(About("v1.28.4", NOW))}, Level.FAIL, "has no ValidatingAdmissionPolicies in v1"),
        ("cluster version", {"about": Asked(About("v1.99.0", NOW))}, Level.WARN, "newer than what this release was tested on"),
        ("cluster version", {"about": SHUT}, Level.WARN, "it could not be looked at: dana may not"),
        (AIMODEL, defined(GONE), Level.FAIL, "there is no CustomResourceDefinition aimodels.headgate.dev"),
        (AIMODEL, defined(SHUT), Level.WARN, "dana may not"),
        (AIMODEL, defined(definition(served=False)), Level.FAIL, "does not serve v1alpha1"),
        (AIMODEL, defined(definition("v1")), Level.FAIL, "does not serve v1alpha1"),
        (AIMODEL, defined(definition(without="mode")), Level.FAIL, "properties.spec.properties.mode is missing there"),
        (AIMODEL, defined(definition(without="mode")) | operated(version="9.9.9"), Level.WARN, "not that of this command"),
        ("operator", {"operator": GONE}, Level.FAIL, "there is no Deployment of the operator in namespace headgate-system"),
        ("operator", {"operator": SHUT}, Level.WARN, "dana may not"),
        ("operator", operated(ready=0), Level.FAIL, "none of its 2 pods is ready"),
        ("operator", operated(ready=1), Level.WARN, "1 of 2 pods are ready"),
        ("operator", operated(ready=1, wanted=1), Level.WARN, "it has one pod"),
        ("versions", operated(version="9.9.9"), Level.WARN, "the operator 9.9.9"),
        ("versions", operated(version=""), Level.WARN, "is not known"),
        ("leader", {"lease": GONE}, Level.FAIL, "nobody ever led"),
        ("leader", {"lease": SHUT}, Level.WARN, "dana may not"),
        ("leader", {"lease": Asked(lease(holder=""))}, Level.FAIL, "nobody holds the lease"),
        ("leader", {"lease": Asked(lease(60))}, Level.FAIL, "has not renewed it for 60 s"),
        ("clock of the leader", {"lease": Asked(lease(-10))}, Level.WARN, "ahead of the API server's"),
        ("clock of the leader", {"lease": Asked(lease(-60))}, Level.FAIL, "ahead of the API server's"),
        ("clock of this machine", {"about": Asked(About("v1.36.3", NOW - timedelta(seconds=90)))}, Level.WARN, "90 s ahead of"),
        ("clock of this machine", {"about": Asked(About("v1.36.3", NOW + timedelta(seconds=90)))}, Level.WARN, "90 s behind"),
        ("admission policies", {"admission_policies": Asked(())}, Level.FAIL, "headgate-approvals is missing"),
        ("admission policies", {"admission_policies": SHUT}, Level.WARN, "dana may not"),
        ("admission policies", {"admission_bindings": SHUT}, Level.WARN, "dana may not"),
        ("admission policies", policies(validations=[]), Level.FAIL, "headgate-approvals has no validations"),
        ("admission policies", operated(environment=CHANGED), Level.FAIL, "headgate-audit is not as this release of the chart installs it"),
        ("admission policies", policies(failurePolicy="Ignore"), Level.FAIL, "lets requests pass when it fails"),
        ("admission policies", bindings(validationActions=["Audit"]), Level.FAIL, "no ValidatingAdmissionPolicyBinding denies by"),
        ("admission policies", operated(environment={"HEADGATE_ADMISSION_PREFIX": "mine"}), Level.FAIL, "mine-approvals is missing"),
        (
            "admission policies",
            bindings(matchResources={"namespaceSelector": {"matchLabels": {"a": "b"}}}),
            Level.FAIL,
            "namespaceSelector",
        ),
        ("admission policies", bindings(matchResources={"objectSelector": {"matchLabels": {"a": "b"}}}), Level.FAIL, "objectSelector"),
        ("admission policies", policies(matchConstraints={"excludeResourceRules": [{}]}), Level.FAIL, "excludeResourceRules"),
        (
            "admission of freezes and trust",
            {"admission_policies": Asked(tuple(map(policy, NAMES[:-1])))},
            Level.WARN,
            "headgate-trust-stores is missing",
        ),
        (
            "admission of freezes and trust",
            {"admission_bindings": Asked(tuple(map(binding, NAMES[:-1])))},
            Level.WARN,
            "no ValidatingAdmissionPolicyBinding denies by headgate-trust-stores",
        ),
        ("trust store", {"trust_store": GONE}, Level.FAIL, "the chart requires one, and there is none"),
        ("trust store", {"trust_store": GONE} | operated(environment={}), Level.WARN, "--as makes anybody anybody"),
        ("trust store", {"trust_store": SHUT}, Level.WARN, "dana may not"),
        ("trust store", {"trust_store": Asked({"spec": {"persons": [{}]}})}, Level.FAIL, "it cannot be read: spec.persons.0.name"),
        ("trust store", {"trust_store": Asked(trust_store("2026-01-01T00:00:00Z"))}, Level.WARN, "the training of dana is over"),
        ("trust store", operated(environment={}), Level.WARN, "it is not required"),
        ("policies", {"policies": SHUT}, Level.WARN, "dana may not"),
        ("policies", {"policies": Asked(Policies(unread=("old",)))}, Level.FAIL, "old cannot be read by this release"),
        ("operator's rights", {"refused_rights": SHUT}, Level.WARN, "dana may not"),
        (
            "operator's rights",
            {"refused_rights": Asked((Right("patch", "apps", "deployments"), Right("get", "", "secrets", "a", "b")))},
            Level.FAIL,
            "may not patch deployments.apps in all namespaces; get secrets/b in namespace a",
        ),
        ("subjects", {"rbac": SHUT}, Level.WARN, "dana may not"),
        (
            "wildcards",
            holding(APPROVE, group("devs")),
            Level.WARN,
            "(the trust store still says which persons count): Group devs (by more)",
        ),
        ("wildcards", holding(APPROVE, group("system:authenticated")), Level.WARN, "Group system:authenticated"),
        (
            "wildcards",
            holding(EVERYTHING, {"kind": "ServiceAccount", "namespace": "ci", "name": "deployer"}),
            Level.WARN,
            "system:serviceaccount:ci:deployer",
        ),
        (
            "impersonate",
            holding({"apiGroups": [""], "resources": ["users"], "verbs": ["impersonate"]}, {"kind": "User", "name": "zoe"}),
            Level.WARN,
            "User zoe (by more)",
        ),
        ("escalate and bind", holding(ROLES, group("devs")), Level.WARN, "may give themselves every role: Group devs"),
        ("admission", holding(SWITCH, group("devs")), Level.WARN, "may switch the admission policies off: Group devs"),
        ("Prometheus", {"prometheus": GONE}, Level.WARN, "no address is given"),
        ("Prometheus", {"prometheus": Asked(problem="connection refused")}, Level.FAIL, "it does not answer: connection refused"),
        ("clock of Prometheus", measured(skew=-40.0), Level.WARN, "40 s behind"),
        ("scrape interval", measured(scrape_seconds=None), Level.WARN, "no counter was scraped twice"),
        ("scrape interval", measured(scrape_seconds=60.0), Level.FAIL, "scrapes are 60 s apart"),
        ("scrape interval", measured(scrape_seconds=20.0), Level.WARN, "needs 15 s"),
        ("scrape interval", measured() | {"policies": Asked(Policies({"hasty": 3}))}, Level.WARN, "hasty look more often than that"),
        ("counters", {"models": SHUT}, Level.WARN, "dana may not"),
        (
            "counters",
            measured(series={PLACE: Series({"envoy_cluster_upstream_rq": 3}, 1, 0)}),
            Level.WARN,
            "no envoy_cluster_upstream_rq_total, envoy_cluster_upstream_rq_time_bucket of lending/credit-scorer",
        ),
        ("labels", measured(series={PLACE: Series(ENVOY, 0, 4)}), Level.WARN, "without the labels headgate_model and headgate_revision"),
        ("Gateway API", {"gateway_definition": GONE}, Level.FAIL, "does not know HTTPRoutes"),
        ("Gateway API", {"gateway_definition": SHUT}, Level.WARN, "dana may not"),
        ("Gateway API", {"gateway_definition": Asked(routes("v1beta1"))}, Level.FAIL, "are served in v1beta1, not in v1"),
        ("gateways", {"gateways": SHUT}, Level.WARN, "dana may not"),
        ("gateways", {"gateways": Asked(())}, Level.FAIL, "models attach to gateways/public, which is not there"),
        ("gateways", {"gateways": Asked((gateway("False"),))}, Level.FAIL, "gateways/public is not programmed"),
        ("copies by fraction", {"mirror_refused": {"fraction": Asked("unknown field")}}, Level.FAIL, "unknown field; standard shadow by"),
        ("copies by fraction", {"mirror_refused": {"fraction": SHUT}}, Level.WARN, "dana may not"),
        (
            "copies by fraction",
            {"mirror_refused": {"fraction": Asked("unknown field")}, "policies": Asked(Policies())},
            Level.WARN,
            "does not take them: unknown field",
        ),
        ("gateway features", {"gateway_classes": SHUT}, Level.WARN, "dana may not"),
        ("gateway features", {"gateway_classes": Asked((gateway_class(),))}, Level.WARN, "does not say what it supports"),
        ("gateway features", {"gateway_classes": Asked((gateway_class("HTTPRoutePortRedirect"),))}, Level.FAIL, "does not copy requests"),
        ("gateway features", {"gateway_classes": Asked((gateway_class("HTTPRouteRequestMirror"),))}, Level.WARN, "all requests or none"),
        ("copies that arrived", {"models": SHUT}, Level.WARN, "dana may not"),
        ("copies that arrived", shadowed(1000, 1000, 0), Level.WARN, "lending/credit-scorer got 0 of 1,000"),
        ("copies that arrived", shadowed(1000, 1000, 890), Level.WARN, "lending/credit-scorer got 890 of 1,000"),
        ("copies that arrived", shadowed(1000, 100, 1000), Level.WARN, "lending/credit-scorer got 1,000 of 100"),
    ],
)
def test_each_check_failing(topic: str, changes: dict[str, Any], level: Level, words: str) -> None:
    check = found(replace(HEALTHY, **changes), topic)
    assert check.level is level, check
    assert words in check.said
    assert check.todo


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((1000, 1000, 995), "of all 1 candidates that are or were in shadow"),
        ((1000, 1000, 910), "of all 1 candidates that are or were in shadow"),
        ((1000, 100, 55), "of all 1 candidates that are or were in shadow"),
        ((1000, 100, 145), "of all 1 candidates that are or were in shadow"),
        ((99, 99, 0), "nothing is known"),
        ((0, 0, 0), "nothing is known"),
    ],
)
def test_chance_and_few_requests_are_no_fault_of_a_gateway(counts: tuple[int, int, int], words: str) -> None:
    check = found(replace(HEALTHY, **shadowed(*counts)), "copies that arrived")
    assert (check.level, check.todo) == (Level.OK, "")
    assert words in check.said


def test_the_leaders_clock_is_told_of_after_every_renewal() -> None:
    for seconds_ago in (-1.0, 0.0, 3.0):
        check = found(replace(HEALTHY, lease=Asked(lease(seconds_ago))), "clock of the leader")
        assert (check.level, check.said) == (Level.OK, "within 2 s of the API server's")


def test_kubernetes_own_and_the_operator_are_no_news() -> None:
    quiet = holding(
        EVERYTHING,
        group("system:masters"),
        {"kind": "User", "name": "system:kube-controller-manager"},
        {"kind": "ServiceAccount", "namespace": "kube-system", "name": "namespace-controller"},
        {"kind": "ServiceAccount", "namespace": "headgate-system", "name": "headgate"},
    )
    assert found(replace(HEALTHY, **quiet), "wildcards").level is Level.OK


def test_an_http_model_needs_buckets_or_a_native_histogram() -> None:
    model = replace(MODEL, profile=Profile.HTTP)
    for names, level in (
        (("http_requests_total", "http_request_duration_seconds"), Level.OK),
        (("http_requests_total", "http_request_duration_seconds_bucket"), Level.OK),
        (("http_requests_total",), Level.WARN),
        (("http_request_duration_seconds_bucket",), Level.WARN),
    ):
        series = {PLACE: Series(dict.fromkeys(names, 1), 3, 0)}
        assert found(replace(HEALTHY, models=Asked((model,)), **measured(series=series)), "counters").level is level


def test_schemas_are_compared_by_what_they_say() -> None:
    assert first_difference({"a": {"b": 1}, "c": {}}, {"a": {"b": 1.0}, "d": [], "e": None}) == ""
    assert first_difference({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) == "a[0].b is another one there"
    assert first_difference({}, {"a": {"b": 1}}) == "a is there, and not in this release"


def test_rights_are_asked_for_where_the_operator_watches() -> None:
    watching = replace(OPERATOR, environment={"HEADGATE_WATCH_NAMESPACES": "lending,cards"})
    everywhere = [right for right in needed_rights(OPERATOR, "headgate-system") if right.resource == "deployments"]
    listed = [right for right in needed_rights(watching, "headgate-system") if right.resource == "deployments"]
    assert {right.namespace for right in everywhere} == {""}
    assert {right.namespace for right in listed} == {"lending", "cards"}


class Installed(ClusterInMemory):
    """A cluster with everything that the chart installs. `refused` are verbs and resources that the operator may not."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: set[tuple[str, str]] = set()
        self.routes_refused = ""
        for resource in RESOURCES:
            self.whole(CUSTOM_RESOURCE_DEFINITIONS, resource.manifest())
        self.whole(CUSTOM_RESOURCE_DEFINITIONS, {**routes("v1"), "metadata": {**routes()["metadata"], "name": HTTP_ROUTES.qualified}})
        for name in NAMES:
            self.whole(POLICIES, policy(name))
            self.whole(BINDINGS, binding(name))
        for one in ADMINS.cluster_roles:
            self.whole(CLUSTER_ROLES, one)
        for one in ADMINS.cluster_role_bindings:
            self.whole(CLUSTER_ROLE_BINDINGS, one)
        self.whole(GATEWAYS, gateway())
        self.whole(GATEWAY_CLASSES, gateway_class("HTTPRouteRequestMirror", "HTTPRouteRequestPercentageMirror"))
        self.whole(TRUST_STORES, {**trust_store("2100-01-01T00:00:00Z"), "metadata": {"name": "headgate", "namespace": "headgate-system"}})
        renewed = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        held = {"holderIdentity": "headgate-abc", "leaseDurationSeconds": 15, "renewTime": renewed}
        self.whole(LEASES, {"metadata": {"name": "headgate", "namespace": "headgate-system"}, "spec": held})
        stages = [{"name": "shadow", "mirrorPercent": 100, "minDuration": "1h", "maxDuration": "1d"}]
        stages.append({"name": "full", "holdbackPercent": 1, "minDuration": "1h", "maxDuration": "1d"})
        self.whole(ROLLOUT_POLICIES, {"metadata": {"name": "standard", "namespace": "headgate-system"}, "spec": {"stages": stages}})
        self.whole(DEPLOYMENTS, self.deployment())
        self.model(LIVE)

    def deployment(self) -> Object:
        container = {"name": "operator", "env": [{"name": "HEADGATE_TRUST_STORE_REQUIRED", "value": "true"}]}
        labels = {"app.kubernetes.io/name": "headgate", "app.kubernetes.io/version": __version__}
        pod = {"serviceAccountName": "headgate", "containers": [container]}
        return {
            "metadata": {"name": "headgate", "namespace": "headgate-system", "labels": labels},
            "spec": {"replicas": 2, "template": {"spec": pod}},
            "status": {"readyReplicas": 2},
        }

    def whole(self, resource: Resource, body: Object) -> None:
        self.put(resource, {**body, "metadata": {"namespace": "", **body["metadata"]}})

    async def about(self) -> About:
        return About("v1.36.3", datetime.now(UTC).replace(microsecond=0))

    async def create(self, resource: Resource, body: Mapping[str, Any], *, field_manager: str, dry_run: bool = False) -> Object:
        if resource is SUBJECT_ACCESS_REVIEWS:
            if resource.plural in self.denied:
                raise self.denied[resource.plural]
            asked = body["spec"]["resourceAttributes"]
            return {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.refused}}
        assert resource is HTTP_ROUTES
        assert dry_run, "doctor changes nothing"
        if self.routes_refused:
            raise Invalid(self.routes_refused, status=422)
        return dict(body)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    made = Installed()
    pointed_at(made, monkeypatch)
    monkeypatch.delenv("HEADGATE_PROMETHEUS_URL", raising=False)
    return made


def checked(*arguments: str, code: int = 0) -> dict[str, dict[str, str]]:
    done = headgate("doctor", "-o", "json", *arguments)
    assert done.exit_code == code, done.output
    return {check["check"]: check for check in json.loads(done.stdout)}


def test_everything_is_gathered_from_a_cluster(installed: Installed) -> None:
    told = checked()
    assert {check["check"] for check in told.values() if check["level"] != "OK"} == {"Prometheus"}
    assert told["leader"]["message"] == "headgate-abc leads"
    text = headgate("doctor")
    assert "To do: give the address with --prometheus" in text.stdout
    assert text.stderr.endswith(" OK, 1 WARN\n")
    assert {check["check"] for check in yaml.safe_load(headgate("doctor", "-o", "yaml").stdout)} == set(told)


def test_copies_are_told_of_in_shadow_by_the_evidence_and_later_by_the_status(installed: Installed) -> None:
    shadow = CANDIDATE["stage"] | {"index": 0, "name": "shadow", "mirror": 1000}
    installed.model(IN_CANARY | {"phase": "Shadow", "candidate": CANDIDATE | {"stage": shadow}})
    assert "nothing is known" in checked()["copies that arrived"]["message"], "no evidence yet"
    installed.readings(replace(READINGS, mirror=MirrorReading(requests=1000, expected=1000.0, arrived=400)))
    assert "lending/credit-scorer got 400 of 1,000" in checked()["copies that arrived"]["message"]
    copies = {"requests": 1000, "expected": 1000, "arrived": 3}
    installed.model(IN_CANARY | {"candidate": CANDIDATE | {"copies": copies}})
    assert "lending/credit-scorer got 3 of 1,000" in checked()["copies that arrived"]["message"]


def test_something_that_fails_is_exit_code_1(installed: Installed) -> None:
    installed.refused.add(("patch", "httproutes"))
    installed.routes_refused = "unknown field spec.rules[0].filters[0].requestMirror.fraction"
    told = checked(code=1)
    assert told["operator's rights"]["level"] == "FAIL"
    assert "patch httproutes.gateway.networking.k8s.io in all namespaces" in told["operator's rights"]["message"]
    assert "requestMirror.fraction" in told["copies by fraction"]["message"]


def test_what_may_not_be_asked_hides_nothing_else(installed: Installed) -> None:
    for plural in ("customresourcedefinitions", "leases", "truststores", "subjectaccessreviews"):
        installed.denied[plural] = Forbidden(f"dana may not see {plural}", status=403)
    told = checked()
    for topic in ("definition of AIModel", "leader", "trust store", "operator's rights", "Gateway API"):
        assert told[topic]["level"] == "WARN"
        assert "dana may not see" in told[topic]["message"]
    assert told["admission policies"]["level"] == "OK"


def answers(rows: dict[str, list[tuple[dict[str, str], float]]]) -> httpx.MockTransport:
    """Answers each question with the rows of the first key that it contains."""

    def answer(request: httpx.Request) -> httpx.Response:
        question = dict(httpx.QueryParams(request.content.decode()))["query"]
        found = next((value for key, value in rows.items() if key in question), [])
        result = [{"metric": labels, "value": [0, str(value)]} for labels, value in found]
        body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}, separators=(",", ":"))
        now = datetime.now(UTC)
        return httpx.Response(200, content=body, headers={"date": f"{now:%a, %d %b %Y %H:%M:%S} GMT"})

    return httpx.MockTransport(answer)


async def asked(transport: httpx.MockTransport) -> Asked[Prometheus]:
    async with PrometheusClient("http://prometheus", transport=transport) as client:
        return await ask(client, "http://prometheus", [MODEL])


def test_prometheus_is_asked_for_counters_labels_and_distances() -> None:
    cluster = "httproute/lending/credit-scorer/rule/0/backend/0"
    told = asyncio.run(
        asked(
            answers(
                {
                    "count by (__name__": [({"__name__": "envoy_cluster_upstream_rq", "envoy_cluster_name": cluster}, 4)],
                    'headgate_model=~"",': [],
                    "count by (namespace, headgate_model)": [({"namespace": "lending", "headgate_model": "credit-scorer"}, 3)],
                    "count by (namespace)": [({"namespace": "lending"}, 2)],
                    "count_over_time": [({}, 5.0)],
                }
            )
        )
    )
    assert told.value is not None
    assert told.value.series[PLACE] == Series({"envoy_cluster_upstream_rq": 4}, 3, 2)
    assert told.value.scrape_seconds == 5.0
    assert abs(told.value.skew or 0.0) < 2.0


def test_a_prometheus_that_does_not_answer_is_said_in_its_words() -> None:
    told = asyncio.run(asked(httpx.MockTransport(lambda _: httpx.Response(503, text="too busy"))))
    assert told.value is None
    assert "503: too busy" in told.problem
