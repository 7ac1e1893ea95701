"""How a live model that drifts asks for a new version of itself. Headgate asks; it trains nothing."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, model_validator

from headgate.api.base import GROUP, Label, Model, Opaque

_ONE_WAY = "retraining takes jobTemplate (a Job in the model's namespace) or receiver (a CloudEvent), one of the two"
_NO_PODS = "jobTemplate must have spec.template, a pod template, as a CronJob's jobTemplate has"
_MARKED = f"labels {GROUP}/… of jobTemplate are Headgate's own: leave them off"


def _with_pods(template: dict[str, Any]) -> dict[str, Any]:
    spec = template.get("spec")
    pods = spec.get("template") if isinstance(spec, dict) else None
    if not isinstance(pods, dict):
        raise ValueError(_NO_PODS)
    for part in (template, pods):
        metadata = part.get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        if isinstance(labels, dict) and any(str(label).startswith(f"{GROUP}/") for label in labels):
            raise ValueError(_MARKED)
    return template


class Retraining(Model):
    """Exactly one way. There is at most one open request for a model."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    job_template: Annotated[Opaque, AfterValidator(_with_pods)] | None = None
    """As in a CronJob: {metadata: {labels, annotations}, spec: a Job's}. Made in the model's namespace, with the model, its live revision,
    priority and reason as environment variables. The API server validates it when it is made."""
    receiver: Label | None = None
    """The name of one of the policy's notifications, whose `to` is cloudEvents: it gets an event of type headgate.dev.RetrainingRequested.
    Addresses are the policy's, so that nobody makes Headgate call another one."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.job_template is None) == (self.receiver is None):
            raise ValueError(_ONE_WAY)
        return self
