"""What the API server fills into objects of its own kinds. Only fields that the kinds' users here leave out."""

from typing import Any

Object = dict[str, Any]


def nothing(spec: Object) -> Object:
    return spec


def deployment(spec: Object) -> Object:
    filled = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, **spec}
    strategy = {"type": "RollingUpdate", **(spec.get("strategy") or {})}
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%", **(strategy.get("rollingUpdate") or {})}
    template = dict(spec.get("template") or {})
    filled["strategy"] = strategy
    filled["template"] = {**template, "metadata": template.get("metadata") or {}, "spec": _pod_spec(template.get("spec") or {})}
    return filled


def pod(spec: Object) -> Object:
    return {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority", "priority": 0, **_pod_spec(spec)}


def _pod_spec(spec: Object) -> Object:
    filled = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        **spec,
    }
    for name in ("containers", "initContainers"):
        if isinstance(spec.get(name), list):
            filled[name] = [_container(item) for item in spec[name]]
    if "serviceAccountName" in spec:
        filled.setdefault("serviceAccount", spec["serviceAccountName"])
    return filled


def _container(container: Any) -> Any:
    if not isinstance(container, dict):
        return container
    image = str(container.get("image") or "")
    filled = {
        "resources": {},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "Always" if image and _is_latest(image) else "IfNotPresent",
        **container,
    }
    if container.get("ports"):
        filled["ports"] = [{"protocol": "TCP", **port} for port in container["ports"]]
    if container.get("env"):
        filled["env"] = [_variable(variable) for variable in container["env"]]
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        if container.get(probe):
            filled[probe] = _probe(container[probe])
    return filled


def _is_latest(image: str) -> bool:
    name = image.rpartition("/")[2]
    return "@" not in name and (":" not in name or name.endswith(":latest"))


def _variable(variable: Object) -> Object:
    source = (variable.get("valueFrom") or {}).get("fieldRef")
    if source:
        return {**variable, "valueFrom": {"fieldRef": {"apiVersion": "v1", **source}}}
    return {key: value for key, value in variable.items() if key != "value" or value != ""}


def _probe(probe: Object) -> Object:
    filled = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3, **probe}
    if "httpGet" in probe:
        filled["httpGet"] = {"path": "/", "scheme": "HTTP", **probe["httpGet"]}
    return filled


def service(spec: Object) -> Object:
    filled = {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        **spec,
    }
    filled["ports"] = [{"protocol": "TCP", "targetPort": port.get("port"), **port} for port in spec.get("ports") or ()]
    return filled


def namespace(spec: Object) -> Object:
    return {"finalizers": ["kubernetes"], **spec}
