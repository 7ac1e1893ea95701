"""The ConfigMap by which an application learns whether people are to look at the model's decisions."""

from headgate.kube.interface import Object
from headgate.kube.labels import MODEL, Owner, object_metadata
from headgate.kube.resources import CONFIG_MAPS
from headgate.review.modes import ReviewMode


def review_mode_name(model: str) -> str:
    return f"{model}-review-mode"


def review_mode_map(namespace: str, model: str, mode: ReviewMode, since: str, why: str, owner: Owner) -> Object:
    """`since` as RFC 3339. Mounted as a volume, a change arrives within about a minute; without the object the mode is LowConfidence."""
    return {
        "apiVersion": CONFIG_MAPS.api_version,
        "kind": CONFIG_MAPS.kind,
        "metadata": object_metadata(review_mode_name(model), namespace, owner, {MODEL: model}),
        "data": {"mode": str(mode), "since": since, "why": why},
    }
