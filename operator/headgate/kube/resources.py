"""The kinds Headgate touches, and where the API server keeps them."""

from dataclasses import dataclass, replace
from functools import lru_cache
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of the API. `group` is empty for the core group."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    only_metadata: bool = False
    """Asked for without spec, data and status: whoever reads little should not load much."""

    @property
    def api_version(self) -> str:
        """As objects spell it: `apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As RBAC and kubectl spell it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def metadata(self) -> "Resource":
        """The same kind, of which only metadata is read."""
        return replace(self, only_metadata=True)

    @lru_cache(maxsize=4096)  # noqa: B019  resources are constants
    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path. Without namespace: all namespaces. Raises ValueError for a namespaced object without its namespace."""
        if name is not None and self.namespaced and not namespace:
            raise ValueError(f"{self.qualified} {name}: a namespace is needed")
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts += [self.plural, *([name] if name is not None else []), *([subresource] if subresource else [])]
        return "/" + "/".join(quote(part, safe="") for part in parts)


AIMODELS = Resource("headgate.dev", "v1alpha1", "aimodels", "AIModel")
ROLLOUT_POLICIES = Resource("headgate.dev", "v1alpha1", "rolloutpolicies", "RolloutPolicy")
GOVERNANCE_APPROVALS = Resource("headgate.dev", "v1alpha1", "governanceapprovals", "GovernanceApproval")
TRUST_STORES = Resource("headgate.dev", "v1alpha1", "truststores", "TrustStore")

DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
HORIZONTAL_POD_AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
SERVICES = Resource("", "v1", "services", "Service")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets", "StatefulSet")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
PODS = Resource("", "v1", "pods", "Pod")
JOBS = Resource("batch", "v1", "jobs", "Job")
CRON_JOBS = Resource("batch", "v1", "cronjobs", "CronJob")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)

HTTP_ROUTES = Resource("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute")
GATEWAYS = Resource("gateway.networking.k8s.io", "v1", "gateways", "Gateway")

INFERENCE_SERVICES = Resource("serving.kserve.io", "v1beta1", "inferenceservices", "InferenceService")
SERVICE_ENTRIES = Resource("networking.istio.io", "v1", "serviceentries", "ServiceEntry")
CILIUM_NETWORK_POLICIES = Resource("cilium.io", "v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy")
CALICO_NETWORK_POLICIES = Resource("projectcalico.org", "v3", "networkpolicies", "NetworkPolicy")

CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)

LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
