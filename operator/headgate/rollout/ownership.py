"""What becomes of a model's objects when the AIModel is deleted."""

from headgate.api.aimodel import AIModelSpec, DeletionPolicy
from headgate.api.status import AIModelStatus


def deletion_policy(spec: AIModelSpec | None, status: AIModelStatus) -> DeletionPolicy:
    """As the spec says; left out or unreadable: Orphan once users are served, Delete before.

    Garbage collection takes everything that carries an owner reference at once, whoever is served by it, also while the operator is
    away. So under Orphan nothing of the model carries one, and under Delete everything does.
    """
    if spec is not None and spec.deletion_policy is not None:
        return spec.deletion_policy
    served = status.stable is not None or (status.candidate is not None and status.candidate.exposed is not None)
    return DeletionPolicy.ORPHAN if served else DeletionPolicy.DELETE
