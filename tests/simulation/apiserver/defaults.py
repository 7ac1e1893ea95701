"""What the API server fills into objects of its own kinds. Only fields that the kinds' users here leave out."""

from typing import Any

Object = dict[str, Any]


def nothing(body: Object) -> Object:
    return body


def deployment(body: Object) -> Object:
    spec = dict(body.get("spec") or {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = dict(spec.get("strategy") or {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"maxUnavailable": "25%", "maxSurge": "25%", **(strategy.get("rollingUpdate") or {})}
    spec["strategy"] = strategy
    template = dict(spec.get("template") or {})
    template["metadata"] = dict(template.get("metadata") or {})
    template["spec"] = _pod_spec(template.get("spec") or {})
    spec["template"] = template
    return {**body, "spec": spec, "status": body.get("status") or {}}


def pod(body: Object) -> Object:
    spec = {"enableServiceLinks": True, "preemptionPolicy": "PreemptLowerPriority", "priority": 0, **_pod_spec(body.get("spec") or {})}
    return {**body, "spec": spec, "status": {"phase": "Pending", "qosClass": "BestEffort", **(body.get("status") or {})}}


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


def service(body: Object) -> Object:
    spec = {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "internalTrafficPolicy": "Cluster",
        **(body.get("spec") or {}),
    }
    spec["ports"] = [{"protocol": "TCP", "targetPort": port.get("port"), **port} for port in spec.get("ports") or ()]
    return {**body, "spec": spec, "status": {"loadBalancer": {}, **(body.get("status") or {})}}


def secret(body: Object) -> Object:
    return {"type": "Opaque", **body}


def namespace(body: Object) -> Object:
    metadata = body["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    return {
        **body,
        "metadata": {**metadata, "labels": labels},
        "spec": {"finalizers": ["kubernetes"], **(body.get("spec") or {})},
        "status": {"phase": "Active", **(body.get("status") or {})},
    }


def event(body: Object) -> Object:
    nulls = {"deprecatedSource": {}, "deprecatedFirstTimestamp": None, "deprecatedLastTimestamp": None}
    return {**nulls, **body}
