"""What the candidate's pods run otherwise than those of the live version. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headgate.cli.view import ModelView

Template = Mapping[str, Any]


def difference(view: ModelView) -> tuple[str, ...]:
    """One line for each thing that differs; a line that says so where there is nothing to compare with."""
    candidate, stable = view.status.candidate, view.status.stable
    if candidate is None:
        return ()
    if stable is None:
        return ("nothing is live: it would be the first version",)
    lines = [f"version {stable.version} (revision {stable.revision}) -> {candidate.version} (revision {candidate.revision})"]
    lines += [f"content {stable.content} -> {candidate.content}"] if stable.content != candidate.content else ["the content is the same"]
    if candidate.gate is not None and stable.tier is not None and stable.tier is not candidate.gate.tier:
        lines.append(f"tier {stable.tier} -> {candidate.gate.tier}")
    before, after = (view.templates.get(version.revision) for version in (stable, candidate))
    if before is None or after is None:
        return (*lines, "what their pods run was not compared: a Deployment is not there, or you may not read Deployments")
    return (*lines, *_templates(_unnamed(before, stable.revision), _unnamed(after, candidate.revision)))


def _unnamed(template: Template, revision: str) -> Template:
    """Without the revision in the names of copied ConfigMaps: each version has its own."""
    written: Template = json.loads(json.dumps(template).replace(revision, "REVISION"))
    return written


def _templates(before: Template, after: Template) -> Iterator[str]:
    old, new = _containers(before), _containers(after)
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            yield f"container {name} {'is new' if name in new else 'is gone'}"
            continue
        yield from _container(name, old[name], new[name])
    if (before.get("spec") or {}).get("volumes") != (after.get("spec") or {}).get("volumes"):
        yield "volumes differ"


def _containers(template: Template) -> dict[str, Template]:
    spec = template.get("spec") or {}
    return {one["name"]: one for kind in ("initContainers", "containers") for one in spec.get(kind) or ()}


def _container(name: str, before: Template, after: Template) -> Iterator[str]:
    for field in ("image", "command", "args", "workingDir", "lifecycle", "volumeMounts", "resources"):
        if before.get(field) != after.get(field):
            yield f"{field} of {name}: {_short(before.get(field))} -> {_short(after.get(field))}"
    old, new = ({one["name"]: one for one in side.get("env") or ()} for side in (before, after))
    changed = sorted(variable for variable in {*old, *new} if old.get(variable) != new.get(variable))
    if changed:
        yield f"environment of {name}: {', '.join(changed)}"
    if before.get("envFrom") != after.get("envFrom"):
        yield f"sources of the environment of {name}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 200 else text[:197] + "..."
