"""What is missing in writing: each piece that a policy requires and the AIModel does not have, by name."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from headgate.api.aimodel import AIModelSpec
from headgate.api.base import line
from headgate.api.dossier import LineageStep, Requirements
from headgate.api.gates import Dossier
from headgate.api.vocabulary import Piece
from headgate.governance.approvals import short
from headgate.governance.persons import person

_PINNED = re.compile(r"@sha256:[0-9a-f]{64}$")
_EMPTY = Requirements()


def use_case_lacks(spec: AIModelSpec, required: Dossier) -> tuple[str, ...]:
    """What the UseCase gate misses: who answers for the model, and what it is for."""
    lacking: list[str] = []
    if Piece.OWNERS in required.pieces:
        lacking += _owners(spec)
    if Piece.REQUIREMENTS in required.pieces:
        lacking += _sections(spec.requirements or _EMPTY)
    return tuple(map(line, lacking))


def deployment_lacks(spec: AIModelSpec, required: Dossier) -> tuple[str, ...]:
    """What the Deployment gate misses: where this version comes from, and what shows that it works."""
    lacking: list[str] = []
    if Piece.LINEAGE in required.pieces:
        lacking += _broken_links(spec.lineage, spec.artifact.digest)
    if Piece.PINNED_IMAGES in required.pieces:
        lacking += _unpinned(spec.serving.deployment.template)
    given = {one.type for one in spec.evidence}
    lacking += [f"spec.evidence has none of type {kind}" for kind in required.evidence if kind not in given]
    return tuple(map(line, lacking))


def _owners(spec: AIModelSpec) -> Iterator[str]:
    named = {"business": spec.owners.business, "technical": spec.owners.technical, "operations": spec.owners.operations}
    for side, owner in named.items():
        if owner is None or not person(owner.user):
            yield f"spec.owners.{side} names nobody"


def _sections(written: Requirements) -> Iterator[str]:
    scope, limits = written.technical_scope, written.constraints
    there = {
        "businessContext": written.business_context,
        "technicalScope.includes": any(map(str.strip, scope.includes)),
        "technicalScope.excludes (what is out of scope)": any(map(str.strip, scope.excludes)),
        "dataLandscape": written.data_landscape,
        "successMetrics (with thresholds)": written.success_metrics,
        "constraints": limits.compute or limits.latency or limits.compliance or limits.environment,
    }
    for section, said in there.items():
        if not (said.strip() if isinstance(said, str) else said):
            yield f"spec.requirements.{section} is empty"


def _broken_links(steps: tuple[LineageStep, ...], artifact: str) -> Iterator[str]:
    if not steps:
        yield "spec.lineage is empty: one step for each component, from the data to the artifact"
        return
    for number, (step, following) in enumerate(pairwise(steps)):
        if step.output != following.input:
            yield (
                f"spec.lineage does not link: {step.component} ({number}) gives {short(step.output)}, "
                f"and {following.component} takes {short(following.input)}"
            )
    if steps[-1].output != artifact:
        yield f"spec.lineage ends with {short(steps[-1].output)}, and the artifact that is served is {short(artifact)}"


def _unpinned(template: dict[str, Any]) -> Iterator[str]:
    pod = template.get("spec")
    for kind in ("initContainers", "containers"):
        for container in (pod.get(kind) if isinstance(pod, dict) else None) or ():
            image = container.get("image") if isinstance(container, dict) else None
            if not isinstance(image, str) or not _PINNED.search(image):
                name = container.get("name") if isinstance(container, dict) else None
                yield f"the image of container {name} is not pinned: write {str(image or '').partition('@')[0]}@sha256:..."
