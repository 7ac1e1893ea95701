"""What makes two versions the same: the content that approvals bind to, and the revision that gets a Deployment of its own."""

from collections.abc import Mapping
from typing import Any

from headgate.api.aimodel import AIModelSpec
from headgate.api.digests import sha256
from headgate.api.remembering import while_it_lives
from headgate.api.status import RevisionStatus
from headgate.rollout.configuration import Reference, content_of

_CONTENT_FIELDS = ("name", "image", "command", "args", "env", "envFrom")
_CONTENT_IF_SET = ("workingDir", "lifecycle")
"""As the user wrote them: the hook that lets requests finish is put into Deployments only. Left out where they say nothing, so that digests
of models without them stay what they were."""
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_MOST_CONFIGURATIONS = 4
_RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"


def revision_of(spec: AIModelSpec, configuration: Mapping[Reference, str]) -> RevisionStatus:
    """The revision that `spec` asks for, given the digests of what its pod template refers to.

    Content is the artifact with each container's image, commands, arguments, environment and working directory, the data of the ConfigMaps
    it refers to, its Secrets by name (or keyed hash), and its other volumes, but for those that begin empty. The revision adds the rest of
    the pod template and the port. A `kubectl rollout restart` annotation belongs to neither. Raises KeyError if the digest of a ConfigMap
    is not given.
    """
    known, digests = _known_revisions(spec), tuple(configuration.items())
    found = known.get(digests)
    if found is None:
        if len(known) >= _MOST_CONFIGURATIONS:
            known.clear()
        found = known[digests] = _worked_out(spec, configuration)
    return found


@while_it_lives
def _known_revisions(_: AIModelSpec) -> dict[tuple[tuple[Reference, str], ...], RevisionStatus]:
    """Of one spec, by the digests: as long as neither changes it is asked for at every decision."""
    return {}


def _worked_out(spec: AIModelSpec, configuration: Mapping[Reference, str]) -> RevisionStatus:
    template = spec.serving.deployment.template
    content = {"artifact": spec.artifact.model_dump(mode="json"), "containers": _containers(template)}
    if taken := content_of(template, configuration):
        content["configuration"] = taken
    digest = sha256(content)
    revision = sha256({"content": digest, "port": spec.serving.deployment.port, "template": _without_restart(template)})
    return RevisionStatus(revision=revision.removeprefix("sha256:")[:8], version=spec.version, content=digest)


@while_it_lives
def baseline_of(spec: AIModelSpec) -> AIModelSpec | None:
    """The spec as it was when the baseline was live; None without one."""
    pinned = spec.serving.baseline
    if pinned is None:
        return None
    serving = spec.serving.model_copy(update={"deployment": pinned.deployment})
    return spec.model_copy(update={"version": pinned.version, "artifact": pinned.artifact, "serving": serving})


def description_of(spec: AIModelSpec, configuration: Mapping[Reference, str], revision: str) -> AIModelSpec | None:
    """The spec, or the one of its baseline: whichever describes `revision`. None if neither does. Raises KeyError as `revision_of`."""
    written = (one for one in (spec, baseline_of(spec)) if one is not None)
    return next((one for one in written if revision_of(one, configuration).revision == revision), None)


def _containers(template: dict[str, Any]) -> list[dict[str, Any]]:
    pod = template.get("spec") or {}
    listed = [*(pod.get("initContainers") or ()), *(pod.get("containers") or ())]
    return [_content(container) for container in listed if isinstance(container, dict)]


def _content(container: dict[str, Any]) -> dict[str, Any]:
    always = {key: container[key] for key in _CONTENT_FIELDS if key in container}
    return always | {key: container[key] for key in _CONTENT_IF_SET if container.get(key)} | _probe_commands(container)


def _probe_commands(container: dict[str, Any]) -> dict[str, Any]:
    """A probe that runs a command may do anything. How often one asks, and by which port, is no content."""
    probes = {name: container[name] for name in _PROBES if isinstance(container.get(name), dict)}
    return {name: probe["exec"] for name, probe in probes.items() if probe.get("exec")}


def _without_restart(template: dict[str, Any]) -> dict[str, Any]:
    metadata = template.get("metadata") or {}
    annotations = {k: v for k, v in (metadata.get("annotations") or {}).items() if k != _RESTARTED_AT}
    rest = {k: v for k, v in metadata.items() if k != "annotations"}
    return template | {"metadata": rest | ({"annotations": annotations} if annotations else {})}
