"""What every field of the three resources has in common: spelling, bounds, and how schema extras are declared."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

GROUP = "headgate.dev"
VERSION = "v1alpha1"

Opaque = Annotated[dict[str, Any], Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""An object whose fields another API defines and validates."""

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
MODEL_NAME = r"^[a-z]([-a-z0-9]{0,48}[a-z0-9])?$"
DIGEST = r"^sha256:[0-9a-f]{64}$"
METRIC_NAME = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
SIGNATURE = r"^[A-Za-z0-9+/]{85}[AQgw]==$"
"""64 bytes in base64, in the one way they can be written."""
PUBLIC_KEY = r"^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"
"""An Ed25519 SubjectPublicKeyInfo in base64: the one line between the marks of a PEM file."""

Label = Annotated[str, Field(pattern=DNS_LABEL, max_length=63)]
ModelName = Annotated[str, Field(pattern=MODEL_NAME, max_length=50)]
ObjectName = Annotated[str, Field(min_length=1, max_length=253)]
Digest = Annotated[str, Field(pattern=DIGEST, max_length=71)]
RevisionName = Annotated[str, Field(pattern=r"^[0-9a-f]{8}$", max_length=8)]
Line = Annotated[str, Field(max_length=256)]
Text = Annotated[str, Field(max_length=1024)]
MetricLabel = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=63)]
User = Annotated[str, Field(min_length=1, max_length=256)]
Count = Annotated[int, Field(ge=0, le=2_147_483_647)]
PLACE_LABELS = ("namespace", "headgate_model", "headgate_revision", "pod", "instance", "job")
"""Labels of metrics that say where something was counted: they tell nothing else apart."""
AttemptNumber = Annotated[int, Field(ge=1, le=2_147_483_647)]


def line(words: str) -> Line:
    """`words`, cut to what a Line holds."""
    return words if len(words) <= 256 else words[:253] + "..."


def _utc(value: datetime) -> datetime:
    return value if value.tzinfo is UTC else value.astimezone(UTC)


Time = Annotated[
    AwareDatetime,
    AfterValidator(_utc),
    PlainSerializer(lambda value: value.isoformat(timespec="microseconds").replace("+00:00", "Z"), when_used="json"),
]
"""An instant, UTC, written as RFC 3339 with microseconds: a restart must not move a stage's start by a rounding."""


class Model(BaseModel):
    """Frozen, camelCase in YAML, unknown fields refused with the field's name."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


class StatusModel(Model):
    """Fields that the operator writes. A field it does not know comes from another version of itself and is dropped."""

    model_config = ConfigDict(extra="ignore")


def rules(*pairs: tuple[str, str]) -> dict[str, Any]:
    """CEL rules of an object or field: (rule, message) pairs, as the schema extra the API server evaluates."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message} for rule, message in pairs]}


def list_map(*keys: str) -> dict[str, Any]:
    """A list merged by key."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def each_once(field: str) -> AfterValidator:
    """For a list that list_map() merges by `field`: two items of one key are refused, as the API server does."""

    def refuse_twins(items: tuple[BaseModel, ...]) -> tuple[BaseModel, ...]:
        keys = [getattr(item, field) for item in items]
        for key in keys:
            if keys.count(key) > 1:
                raise ValueError(f"{field} {key} is listed twice: once is enough")
        return items

    return AfterValidator(refuse_twins)


ATOMIC = {"x-kubernetes-list-type": "atomic"}
