"""The cluster as commands see it: the only place of the command line that does input and output."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from headgate.api.trust_store import TRUST_STORE
from headgate.api.vocabulary import LiteracyRule
from headgate.cli.kubeconfig import current_namespace
from headgate.cli.refused import Refused
from headgate.cli.starting.taken import Surroundings
from headgate.cli.view import ModelView, view_of
from headgate.evidence.readings import config_map_name
from headgate.governance.literacy import LITERACY
from headgate.kube import audit_segments
from headgate.kube.errors import Conflict, Forbidden, KubeError, NotFound
from headgate.kube.interface import InformedApi, Object, PagedApi
from headgate.kube.labels import revision_name
from headgate.kube.resources import (
    AIMODELS,
    CONFIG_MAPS,
    DEPLOYMENTS,
    GOVERNANCE_APPROVALS,
    HORIZONTAL_POD_AUTOSCALERS,
    HTTP_ROUTES,
    PODS,
    ROLLOUT_POLICIES,
    SERVICES,
    TRUST_STORES,
    Resource,
)
from headgate.kube.unmanaged import Sighting, UnmanagedSearch, UnusableSignatures
from headgate.rollout.decision import POLICY_KEY

SELF_SUBJECT_REVIEWS = Resource("authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False)
FIELD_MANAGER = "headgate-cli"
_MOST_OF_ONE_NAME = 20
_NOT_INSTALLED = "this cluster does not know AIModels: is Headgate installed?"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the cluster and as whom. A namespace of None is that of the kubeconfig."""

    namespace: str | None = None
    context: str | None = None
    user: str | None = None

    @property
    def where(self) -> str:
        return self.namespace or current_namespace(self.context)


@dataclass(frozen=True, slots=True)
class LiteracyObjects:
    """What says who needs training: whether the policy requires literacy, and what the caller may read of its namespace."""

    namespace: str
    required: bool
    store: Object | None
    assessments: Object | None


class Cluster:
    """What commands ask of an API server. Every method raises KubeError."""

    def __init__(self, api: PagedApi) -> None:
        self._api = api

    async def models(self, namespace: str | None, labels: str = "") -> tuple[ModelView, ...]:
        """All models of a namespace, or of all of them for None, without their evidence. `labels`: a selector."""
        try:
            listing = await self._api.list(AIMODELS, namespace, labels=labels)
        except NotFound as error:
            raise Refused(_NOT_INSTALLED) from error
        return tuple(view_of(item) for item in sorted(listing.items, key=_place))

    async def model(self, name: str, namespace: str) -> ModelView:
        """One model with its evidence. Raises Refused if there is none."""
        return view_of(await self.stored(name, namespace), await self._readable(CONFIG_MAPS, config_map_name(name), namespace))

    async def stored(self, name: str, namespace: str) -> Object:
        """One model as it is stored. Raises Refused if there is none."""
        try:
            return await self._api.get(AIMODELS, name, namespace)
        except NotFound as error:
            # An unknown kind is answered without a Status object, so without a reason.
            if error.reason == "NotFound":
                raise Refused(f"there is no AIModel {name} in namespace {namespace} (-n chooses another one)") from error
            raise Refused(_NOT_INSTALLED) from error

    async def kept(self, name: str, namespace: str) -> Object | None:
        """One ConfigMap; None if there is none, or the caller may not read it."""
        return await self._readable(CONFIG_MAPS, name, namespace)

    async def edit(self, model: Object, patch: Object) -> None:
        """Merge `patch` into `model`. Conflict if it changed since it was read."""
        metadata = model["metadata"]
        resting = {"metadata": {"resourceVersion": metadata["resourceVersion"]}, **patch}
        await self._api.patch(AIMODELS, metadata["name"], metadata["namespace"], resting, field_manager=FIELD_MANAGER)

    async def model_to_approve(self, name: str, namespace: str) -> ModelView:
        """One model with its evidence, the policy that its attempt runs on, and what its pods run. Raises Refused if there is none."""
        view = await self.model(name, namespace)
        candidate, stable = view.status.candidate, view.status.stable
        if candidate is None or view.gate is None:
            return view
        copy = await self._readable(CONFIG_MAPS, candidate.policy_copy, namespace) or {}
        templates = {}
        for revision in {candidate.revision, *((stable.revision,) if stable else ())}:
            deployment = await self._readable(DEPLOYMENTS, revision_name(name, revision), namespace)
            if deployment is not None:
                templates[revision] = deployment["spec"]["template"]
        return replace(view, policy=(copy.get("data") or {}).get(POLICY_KEY), templates=templates)

    async def decisions(self, model: str, namespace: str) -> tuple[Object, ...]:
        """All GovernanceApprovals about one model, oldest first."""
        listing = await self._api.list(GOVERNANCE_APPROVALS, namespace, fields=f"spec.model={model}")
        found = [item for item in listing.items if (item.get("spec") or {}).get("model") == model]
        return tuple(sorted(found, key=lambda item: (item["metadata"].get("creationTimestamp") or "", item["metadata"]["name"])))

    async def policy(self, name: str) -> Object:
        """The RolloutPolicy called `name`, or `namespace/name`. Raises Refused unless there is exactly one."""
        namespace, _, plain = name.rpartition("/")
        try:
            listing = await self._api.list(ROLLOUT_POLICIES, namespace or None)
        except NotFound as error:
            raise Refused(_NOT_INSTALLED) from error
        found = [item for item in listing.items if item["metadata"]["name"] == plain]
        if len(found) == 1:
            return found[0]
        if not found:
            raise Refused(f"there is no RolloutPolicy {name or 'that the model names'} (--policy chooses another one, or a file)")
        places = ", ".join(sorted("/".join(_place(item)) for item in found))
        raise Refused(f"there are several RolloutPolicies {plain}: choose one of {places} with --policy")

    async def literacy(self, view: ModelView) -> LiteracyObjects | None:
        """By the policy that the model's attempt runs on, or else the one that it names. None if the caller cannot read that one."""
        try:
            policy = await self.policy(str((view.spec.get("policy") or {}).get("name") or ""))
        except (Refused, Forbidden):
            return None
        namespace, spec, candidate = policy["metadata"].get("namespace") or "", policy.get("spec") or {}, view.status.candidate
        copy = await self._readable(CONFIG_MAPS, candidate.policy_copy, view.namespace) if candidate is not None else None
        if copy is not None:
            spec = json.loads((copy.get("data") or {}).get(POLICY_KEY) or "{}")
        return LiteracyObjects(
            namespace,
            (spec.get("gates") or {}).get("literacy") == LiteracyRule.REQUIRED,
            await self._readable(TRUST_STORES, TRUST_STORE, namespace),
            await self._readable(CONFIG_MAPS, LITERACY, namespace),
        )

    async def unmanaged(self, namespace: str | None, operator_namespace: str) -> Sighting:
        """AI that no AIModel owns, in one namespace, or in all for None. Raises Refused for a table of signatures that cannot be used."""
        try:
            return await UnmanagedSearch(self._api, operator_namespace, namespace).look()
        except UnusableSignatures as error:
            raise Refused(str(error)) from error

    async def _readable(self, resource: Resource, name: str, namespace: str) -> Object | None:
        """Approvers need not be allowed to read ConfigMaps and Deployments: without them there are no counts, no statement and no
        difference, but everything else."""
        try:
            return await self._api.get(resource, name, namespace)
        except KubeError as error:
            if error.status in (403, 404):
                return None
            raise

    async def audit(self, name: str, namespace: str, operator_namespace: str) -> tuple[Object, ...]:
        """The segments of one model's audit, oldest first. Raises Refused if there are none."""
        listing = await self._api.list(CONFIG_MAPS, operator_namespace, labels=audit_segments.selector(namespace, name))
        found = sorted((one for one in listing.items if audit_segments.number_of(one)), key=audit_segments.number_of)
        if not found:
            raise Refused(
                f"namespace {operator_namespace} has no audit of {namespace}/{name}: is it the operator's (--operator-namespace), "
                "and is there such a model (-n)?"
            )
        return tuple(found)

    async def surroundings(self, name: str, namespace: str) -> Surroundings:
        """A Deployment and what may belong to it, as far as it may be read. Raises Refused if there is none."""
        try:
            deployment = await self._api.get(DEPLOYMENTS, name, namespace)
        except NotFound as error:
            raise Refused(f"there is no Deployment {name} in namespace {namespace} (-n chooses another one)") from error
        labels = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
        return Surroundings(
            deployment,
            services=await self._listed(SERVICES, namespace),
            autoscalers=await self._listed(HORIZONTAL_POD_AUTOSCALERS, namespace),
            routes=await self._listed(HTTP_ROUTES, namespace),
            pods=await self._listed(PODS, namespace, ",".join(f"{key}={value}" for key, value in labels.items())),
        )

    async def _listed(self, resource: Resource, namespace: str, labels: str = "") -> tuple[Object, ...]:
        """None of them where the user may not list them, or the cluster does not know them."""
        try:
            return (await self._api.list(resource, namespace, labels=labels)).items
        except (Forbidden, NotFound):
            return ()

    async def whoami(self) -> str:
        """The user name that admission will see."""
        review = await self._api.create(SELF_SUBJECT_REVIEWS, {"metadata": {}}, field_manager=FIELD_MANAGER)
        name = ((review.get("status") or {}).get("userInfo") or {}).get("username")
        if not name:
            raise Refused("the API server does not say who you are, so nothing can be decided in your name")
        return str(name)

    async def record(self, body: Object, stands: Callable[[Object], bool]) -> tuple[Object, bool]:
        """Create a GovernanceApproval; (object, whether it is new).

        If the name is taken by a decision for which `stands`, that one is returned; if by one that has had its time, the next free
        of `<name>-2`, `<name>-3` is used.
        """
        wanted = body["metadata"]
        for number in range(1, _MOST_OF_ONE_NAME):
            name = wanted["name"] if number == 1 else f"{wanted['name']}-{number}"
            try:
                return await self._create(body | {"metadata": wanted | {"name": name}}), True
            except Conflict as error:
                if error.reason != "AlreadyExists":
                    raise
            existing = await self._api.get(GOVERNANCE_APPROVALS, name, wanted["namespace"])
            if stands(existing):
                return existing, False
        raise Refused(f"{wanted['name']} has been decided {_MOST_OF_ONE_NAME - 1} times: say something new in the rationale")

    async def _create(self, body: Object) -> Object:
        return await self._api.create(GOVERNANCE_APPROVALS, body, field_manager=FIELD_MANAGER)


def _place(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace") or "", item["metadata"]["name"]


async def open_client(access: Access) -> Any:
    """An async context manager that is a PagedApi. Imported late: `--help` and usage errors need no cluster."""
    from headgate.kube.client import KubeClient
    from headgate.kube.wire import Impersonation

    impersonation = Impersonation(access.user) if access.user else None
    return await KubeClient.connect(context=access.context, impersonation=impersonation)


def run(access: Access, work: Callable[[Cluster], Awaitable[T]]) -> T:
    """Do `work` against the cluster. Raises Refused with the server's words for whatever it refuses."""
    return run_with_api(access, lambda api: work(Cluster(api)))


def run_with_api(access: Access, work: Callable[[InformedApi], Awaitable[T]]) -> T:
    """As `run`, for work that looks at more than models and decisions."""

    async def connected() -> T:
        async with await open_client(access) as client:
            return await work(client)

    try:
        return asyncio.run(connected())
    except KubeError as error:
        raise Refused(str(error)) from error
