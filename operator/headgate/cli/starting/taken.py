"""What an existing Deployment, and what stands around it, says about a model. Pure."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from headgate.kube.interface import Object

_DEFAULTS: Mapping[str, Any] = {
    "dnsPolicy": "ClusterFirst",
    "restartPolicy": "Always",
    "schedulerName": "default-scheduler",
    "securityContext": {},
    "terminationGracePeriodSeconds": 30,
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "resources": {},
}
"""What API servers fill in: nobody wrote it, so nobody should have to read it."""
_OF_TOOLS = ("kubectl.kubernetes.io/", "deployment.kubernetes.io/")
_RULE = ("name", "matches", "filters", "timeouts")
_PARENT = ("name", "namespace", "sectionName", "port")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A Deployment and what in its namespace may belong to it."""

    deployment: Object
    services: Sequence[Object] = ()
    autoscalers: Sequence[Object] = ()
    routes: Sequence[Object] = ()
    pods: Sequence[Object] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """Parts of an AIModel's spec, and in words what people have to know about them."""

    deployment: dict[str, Any]
    traffic: dict[str, Any] | None
    notes: tuple[str, ...]


def taken_from(around: Surroundings) -> Taken:
    """`traffic` is None if no route leads to the Deployment."""
    body, notes = around.deployment, list[str]()
    template, selected = _template(body, around.pods, notes)
    services = [one for one in around.services if _selects(one, body)]
    deployment: dict[str, Any] = {"port": _port(body, services, notes), "template": template}
    autoscaler = next((one for one in around.autoscalers if _scales(one, body)), None)
    if autoscaler is not None:
        spec = autoscaler["spec"]
        metrics = {"metrics": spec["metrics"]} if spec.get("metrics") else {}
        deployment["autoscaling"] = {"minReplicas": spec.get("minReplicas", 1), "maxReplicas": spec["maxReplicas"], **metrics}
        name = autoscaler["metadata"]["name"]
        notes.append(f"bounds and metrics are those of HorizontalPodAutoscaler {name}; each version gets one of its own")
    else:
        deployment["replicas"] = max(1, int(body["spec"].get("replicas", 1)))
    if selected:
        said = ", ".join(f"{key}={value}" for key, value in selected.items())
        notes.append(
            f"the pods' labels {said} were left out: Services that select by them would send users to every version, past the weights"
        )
    return Taken(deployment, _traffic(around, services, notes), tuple(notes))


def _template(deployment: Object, pods: Sequence[Object], notes: list[str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The pod template as a person would write it, and the labels that it lost."""
    template = deepcopy(deployment["spec"]["template"])
    metadata, selector = template.get("metadata") or {}, (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in selector}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if not key.startswith(_OF_TOOLS)}
    pod = _plain(template["spec"])
    # The old name of serviceAccountName, which the API server writes beside it.
    pod.pop("serviceAccount", None)
    for kind in ("initContainers", "containers"):
        for container in pod.get(kind) or ():
            container["image"] = _pinned(container, pods, notes)
    kept = {key: value for key, value in (("labels", labels), ("annotations", annotations)) if value}
    return ({"metadata": kept} if kept else {}) | {"spec": pod}, dict(selector)


def _plain(part: Any) -> Any:
    if isinstance(part, list):
        return [_plain(one) for one in part]
    if isinstance(part, dict):
        return {
            key: _plain(value) for key, value in part.items() if value is not None and (key not in _DEFAULTS or _DEFAULTS[key] != value)
        }
    return part


def _pinned(container: Mapping[str, Any], pods: Sequence[Object], notes: list[str]) -> str:
    """With the digest that runs, where all pods agree on one."""
    image = str(container.get("image") or "")
    if "@" in image:
        return image
    running = {
        status["imageID"].rpartition("@")[2]
        for pod in pods
        for status in (pod.get("status") or {}).get("containerStatuses") or ()
        if status.get("name") == container.get("name") and "@sha256:" in (status.get("imageID") or "")
    }
    if len(running) != 1:
        notes.append(f"the image {image} is not pinned by digest: people should approve what will run")
        return image
    notes.append(f"the image {image} is pinned to the digest that runs now")
    return f"{image}@{running.pop()}"


def _selects(service: Object, deployment: Object) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    labels = (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return bool(selector) and selector.items() <= labels.items()


def _scales(autoscaler: Object, deployment: Object) -> bool:
    target = (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}
    return target.get("kind") == "Deployment" and target.get("name") == deployment["metadata"]["name"]


def _port(deployment: Object, services: Sequence[Object], notes: list[str]) -> int:
    """Where the container listens: what a Service sends to, else its first port."""
    ports = [port for one in deployment["spec"]["template"]["spec"]["containers"] for port in one.get("ports") or ()]
    named = {port["name"]: int(port["containerPort"]) for port in ports if port.get("name")}
    for service in services:
        for port in service["spec"].get("ports") or ():
            target = port.get("targetPort", port.get("port"))
            found = named.get(target) if isinstance(target, str) else target
            if isinstance(found, int):
                return found
    if ports:
        return int(ports[0]["containerPort"])
    notes.append("no port is named anywhere: 8080 is a guess")
    return 8080


def _traffic(around: Surroundings, services: Sequence[Object], notes: list[str]) -> dict[str, Any] | None:
    names = {service["metadata"]["name"] for service in services}
    for route in around.routes:
        spec = route.get("spec") or {}
        rules = [rule for rule in spec.get("rules") or () if names & {one.get("name") for one in rule.get("backendRefs") or ()}]
        if not rules:
            continue
        notes.append(
            f"hosts and rules are those of HTTPRoute {route['metadata']['name']}, which goes on answering for them until it is deleted: "
            "delete it once the model is Live"
        )
        parents = [{key: ref[key] for key in _PARENT if key in ref} for ref in spec.get("parentRefs") or ()]
        hostnames = {"hostnames": spec["hostnames"]} if spec.get("hostnames") else {}
        return {"parentRefs": parents, **hostnames, "rules": [{key: rule[key] for key in _RULE if key in rule} for rule in rules]}
    notes.append("no HTTPRoute leads to it: write into spec.traffic how users reach it")
    return None
