"""What outlives a lost status: Deployments, what each of them is to the users, and which versions they hold."""

from dataclasses import dataclass

from headgate.api.status import RevisionStatus
from headgate.rollout.revisions import description_of, revision_of
from headgate.rollout.snapshot import Snapshot, WorkloadState

UNKNOWN_CONTENT = "sha256:" + "0" * 64
"""No content has this digest, so a version of unknown content is like no other."""


@dataclass(frozen=True, slots=True)
class Survivors:
    """Deployments that exist, by revision, and which of them is what."""

    found: dict[str, WorkloadState]
    stable: str | None
    candidate: str | None
    """One that lost its traffic already is none."""

    @property
    def attempt(self) -> int:
        """The latest that any of them says it is of; 0 without any."""
        return max((workload.attempt for workload in self.found.values()), default=0)


def survivors_of(snapshot: Snapshot) -> Survivors:
    """By their labels, and by who has users where several have the same one."""
    found = {revision: workload for revision, workload in sorted(snapshot.workloads.items()) if workload.exists and workload.role}
    route, blocked = snapshot.route, {entry.revision for entry in snapshot.route.blocked}

    def foremost(role: str, *, serving: bool = False) -> str | None:
        fitting = [r for r, w in found.items() if w.role == role and (not serving or route.weights.get(r))]
        return max(fitting, key=lambda r: (route.weights.get(r, 0), route.mirrored.get(r, 0), found[r].attempt), default=None)

    candidate = foremost("candidate")
    return Survivors(
        found=found,
        # A version that is being brought back still has the role of an earlier one for a moment.
        stable=foremost("stable") or foremost("previous", serving=True),
        candidate=candidate if candidate not in blocked else None,
    )


def identity_of(snapshot: Snapshot, survivors: Survivors, revision: str) -> RevisionStatus:
    """From the spec where it describes the revision: that is certain. Else as its Deployment says."""
    configuration = snapshot.configuration
    certain = configuration.known and configuration.problem is None
    described = description_of(snapshot.spec, configuration.digests, revision) if snapshot.spec and certain else None
    if described is not None:
        return revision_of(described, configuration.digests)
    said = survivors.found[revision].provenance
    return RevisionStatus(revision=revision, version=said.version or revision, content=said.content or UNKNOWN_CONTENT)
