"""How doctor's facts are gathered. Whatever cannot be asked becomes a fact of its own: one lacking right hides nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from headgate import __version__
from headgate.api.base import GROUP
from headgate.api.crd import RESOURCES
from headgate.api.policy import RolloutPolicySpec
from headgate.api.replay import CopiesStatus
from headgate.api.status import AIModelStatus, CandidateStatus
from headgate.api.trust_store import TRUST_STORE
from headgate.api.vocabulary import Profile
from headgate.cli.cluster import FIELD_MANAGER
from headgate.cli.doctor.asking import ask
from headgate.cli.doctor.check import Asked
from headgate.cli.doctor.facts import Bindings, Facts, Model, Objects, Operator, Policies, Prometheus, Right, parents_of
from headgate.cli.doctor.governance import needed_rights
from headgate.cli.view import view_of
from headgate.evidence.readings import config_map_name
from headgate.kube.admission import BINDINGS, POLICIES
from headgate.kube.errors import Invalid, KubeError, NotFound
from headgate.kube.interface import About, InformedApi, Object
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
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
from headgate.rollout.copying import counted

GATEWAY_CLASSES = Resource("gateway.networking.k8s.io", "v1", "gatewayclasses", "GatewayClass", namespaced=False)
SUBJECT_ACCESS_REVIEWS = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", namespaced=False)
_RBAC = "rbac.authorization.k8s.io"
CLUSTER_ROLES = Resource(_RBAC, "v1", "clusterroles", "ClusterRole", namespaced=False)
ROLES = Resource(_RBAC, "v1", "roles", "Role")
CLUSTER_ROLE_BINDINGS = Resource(_RBAC, "v1", "clusterrolebindings", "ClusterRoleBinding", namespaced=False)
ROLE_BINDINGS = Resource(_RBAC, "v1", "rolebindings", "RoleBinding")

_OPERATOR_LABELS = "app.kubernetes.io/name=headgate"
_CONTAINER = "operator"
_LEASE = "headgate"
_SHARES: dict[str, dict[str, Any]] = {"percent": {"percent": 10}, "fraction": {"fraction": {"numerator": 5, "denominator": 1000}}}

T = TypeVar("T")


async def gather(
    api: InformedApi,
    *,
    operator_namespace: str,
    namespace: str | None,
    prometheus: Callable[[], PrometheusClient] | None,
    address: str,
) -> Facts:
    """`namespace`: of the models to look at, None for all. `prometheus`: opens a client for `address`, None without one."""
    about, now = await _about(api)
    operator = await _asked(_operator(api, operator_namespace))
    policies = await _asked(api.list(ROLLOUT_POLICIES))
    specs = _specs(policies.value.items if policies.value else ())
    models = await _asked(_models(api, namespace, specs))
    policy_namespace = (operator.value.setting("POLICY_NAMESPACE") if operator.value else "") or operator_namespace
    return Facts(
        now=now,
        command_version=__version__,
        operator_namespace=operator_namespace,
        about=about,
        definitions={name: await _asked(api.get(CUSTOM_RESOURCE_DEFINITIONS, name)) for name in _definitions()},
        operator=operator,
        lease=await _asked(api.get(LEASES, _LEASE, operator_namespace)),
        admission_policies=await _asked(_all(api, POLICIES)),
        admission_bindings=await _asked(_all(api, BINDINGS)),
        refused_rights=await _refused(api, operator, operator_namespace),
        rbac=await _asked(_rbac(api)),
        trust_store=await _asked(api.get(TRUST_STORES, TRUST_STORE, policy_namespace)),
        models=models,
        policies=Asked(_wishes(specs)) if policies.value else Asked(problem=policies.problem),
        prometheus=await _prometheus(prometheus, address, models.value or ()),
        gateway_definition=await _asked(api.get(CUSTOM_RESOURCE_DEFINITIONS, HTTP_ROUTES.qualified)),
        gateways=await _asked(_all(api, GATEWAYS)),
        gateway_classes=await _asked(_all(api, GATEWAY_CLASSES)),
        mirror_refused={form: await _mirror_refused(api, operator_namespace, share) for form, share in _SHARES.items()},
    )


async def _asked(question: Awaitable[T]) -> Asked[T]:
    try:
        return Asked(await question)
    except KubeError as error:
        return Asked(problem=str(error), missing=isinstance(error, NotFound))


async def _about(api: InformedApi) -> tuple[Asked[About], datetime]:
    before = datetime.now(UTC)
    about = await _asked(api.about())
    return about, before + (datetime.now(UTC) - before) / 2


def _definitions() -> list[str]:
    return [f"{resource.plural}.{GROUP}" for resource in RESOURCES]


async def _all(api: InformedApi, resource: Resource) -> Objects:
    return (await api.list(resource)).items


async def _operator(api: InformedApi, namespace: str) -> Operator:
    """Raises NotFound if there is none. Other Deployments of the chart run other containers."""
    listing = await api.list(DEPLOYMENTS, namespace, labels=_OPERATOR_LABELS)
    for body in listing.items:
        pod = body["spec"]["template"]["spec"]
        container = next((one for one in pod["containers"] if one["name"] == _CONTAINER), None)
        if container is not None:
            return Operator(
                version=str((body["metadata"].get("labels") or {}).get("app.kubernetes.io/version") or ""),
                wanted=int(body["spec"].get("replicas", 1)),
                ready=int((body.get("status") or {}).get("readyReplicas") or 0),
                user=f"system:serviceaccount:{namespace}:{pod.get('serviceAccountName') or 'default'}",
                environment={one["name"]: one["value"] for one in container.get("env") or () if one.get("value")},
            )
    raise NotFound(f"no Deployment in {namespace} has a container {_CONTAINER} of headgate", status=404, reason="NotFound")


async def _models(api: InformedApi, namespace: str | None, specs: dict[str, RolloutPolicySpec | None]) -> tuple[Model, ...]:
    models = [(body, _model(body, specs)) for body in (await api.list(AIMODELS, namespace)).items]
    return tuple([replace(model, copies=await _copies(api, body, model.status.candidate)) for body, model in models])


async def _copies(api: InformedApi, body: Object, candidate: CandidateStatus | None) -> CopiesStatus | None:
    """Of the candidate's last shadow stage, or of the one that it is in; None where nothing is known, or the evidence may not be read."""
    if candidate is None or candidate.copies is not None or candidate.stage is None or not candidate.stage.mirror:
        return candidate.copies if candidate is not None else None
    metadata = body["metadata"]
    published = await _asked(api.get(CONFIG_MAPS, config_map_name(metadata["name"]), metadata["namespace"]))
    evidence = view_of(body, published.value).present_evidence
    return counted(evidence.mirror) if evidence is not None else None


def _model(body: Object, specs: dict[str, RolloutPolicySpec | None]) -> Model:
    metadata, spec = body["metadata"], body.get("spec") or {}
    policy = specs.get(str((spec.get("policy") or {}).get("name") or ""))
    try:
        status = AIModelStatus.model_validate(body.get("status") or {})
    except ValidationError:
        status = AIModelStatus(retries={})
    profile = policy.metrics.profile if policy is not None else None
    return Model(metadata["namespace"], metadata["name"], status, parents_of(spec, metadata["namespace"]), profile)


def _specs(policies: Sequence[Object]) -> dict[str, RolloutPolicySpec | None]:
    """By name; None for one that cannot be read."""
    found: dict[str, RolloutPolicySpec | None] = {}
    for body in policies:
        try:
            found[body["metadata"]["name"]] = RolloutPolicySpec.model_validate(body.get("spec"))
        except ValidationError:
            found[body["metadata"]["name"]] = None
    return found


def _wishes(specs: dict[str, RolloutPolicySpec | None]) -> Policies:
    readable = {name: spec for name, spec in specs.items() if spec is not None}
    shadows = {name: [stage for stage in spec.stages if stage.is_shadow] for name, spec in readable.items()}
    return Policies(
        intervals={name: int(spec.analysis.interval) for name, spec in readable.items()},
        mirrors=tuple(name for name, stages in shadows.items() if stages),
        partial_mirrors=tuple(name for name, stages in shadows.items() if any((stage.mirror_percent or 0) < 1000 for stage in stages)),
        unread=tuple(name for name, spec in specs.items() if spec is None),
    )


async def _refused(api: InformedApi, operator: Asked[Operator], namespace: str) -> Asked[tuple[Right, ...]]:
    if operator.value is None:
        return Asked(problem="whose rights they would be is not known, because the operator was not found")
    wanted, user = needed_rights(operator.value, namespace), operator.value.user
    try:
        return Asked(tuple([right for right in wanted if not await _may(api, user, right)]))
    except KubeError as error:
        return Asked(problem=str(error))


async def _may(api: InformedApi, user: str, right: Right) -> bool:
    resource, _, subresource = right.resource.partition("/")
    wanted = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace,
        "name": right.name,
    }
    # As the API server would: an account's groups carry rights as well.
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{user.split(':')[2]}", "system:authenticated"]
    attributes = {key: value for key, value in wanted.items() if value}
    body: Object = {"metadata": {}, "spec": {"user": user, "groups": groups, "resourceAttributes": attributes}}
    review = await api.create(SUBJECT_ACCESS_REVIEWS, body, field_manager=FIELD_MANAGER)
    return bool((review.get("status") or {}).get("allowed"))


async def _rbac(api: InformedApi) -> Bindings:
    return Bindings(
        await _all(api, CLUSTER_ROLES), await _all(api, ROLES), await _all(api, CLUSTER_ROLE_BINDINGS), await _all(api, ROLE_BINDINGS)
    )


async def _prometheus(open_client: Callable[[], PrometheusClient] | None, address: str, models: Sequence[Model]) -> Asked[Prometheus]:
    if open_client is None:
        return Asked(problem="no address", missing=True)
    async with open_client() as client:
        return await ask(client, address, [one for one in models if isinstance(one.profile, Profile)])


async def _mirror_refused(api: InformedApi, namespace: str, share: dict[str, Any]) -> Asked[str]:
    """Asked by a route that is checked and not stored."""
    copy = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "headgate-doctor", "port": 80}, **share}}
    body = {
        "metadata": {"name": "headgate-doctor", "namespace": namespace},
        "spec": {"parentRefs": [{"name": "headgate-doctor"}], "rules": [{"filters": [copy], "backendRefs": []}]},
    }
    try:
        await api.create(HTTP_ROUTES, body, field_manager=FIELD_MANAGER, dry_run=True)
    except Invalid as error:
        return Asked(str(error))
    except KubeError as error:
        return Asked(problem=str(error))
    return Asked("")
