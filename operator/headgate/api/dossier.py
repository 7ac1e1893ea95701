"""What a model's team puts in writing beside the model: requirements, where it comes from, and proof that it works."""

from typing import Annotated

from pydantic import Field

from headgate.api.base import ATOMIC, Digest, Line, Model, Text, Time

Prose = Annotated[str, Field(max_length=4096)]


class TechnicalScope(Model):
    """What it is to do, and what it is not."""

    includes: Annotated[tuple[Line, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    excludes: Annotated[tuple[Line, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    """Out of scope."""


class SuccessMetric(Model):
    """A number that says whether it was worth it."""

    name: Line
    threshold: Line
    """Like `AUC >= 0.80` or `-15 % manual reviews`."""


class Constraints(Model):
    """Within what it has to work."""

    compute: Line = ""
    latency: Line = ""
    compliance: Line = ""
    environment: Line = ""


class Requirements(Model):
    """The requirements document in five sections. People approve it as part of the use case; a changed one is another use case."""

    business_context: Prose = ""
    technical_scope: TechnicalScope = TechnicalScope()
    data_landscape: Prose = ""
    success_metrics: Annotated[tuple[SuccessMetric, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()
    constraints: Constraints = Constraints()


class LineageStep(Model):
    """One run of one component of the pipeline, from data towards the artifact that is served."""

    component: Annotated[str, Field(min_length=1, max_length=128)]
    """Like ingestion, validation, feature-engineering, training, model-validation."""
    component_version: Annotated[str, Field(min_length=1, max_length=63)]
    input: Digest
    output: Digest
    """The input of the next step; of the last one, the digest of spec.artifact."""
    uri: Text = ""
    timestamp: Time | None = None


class Evidence(Model):
    """A document that shows something about the model. `type` is what policies ask for, like performance, fairness or model-card."""

    type: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", max_length=63)]
    uri: Annotated[str, Field(min_length=1, max_length=1024)]
    digest: Digest
