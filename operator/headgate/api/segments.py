"""Segments of users that a check looks at one by one."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import PLACE_LABELS, MetricLabel, Model, rules

SEGMENTS_MOST, SEGMENT_REQUESTS = 8, 100
_TAKEN = (*PLACE_LABELS, "code", "le")
_NO_SEGMENTS = "label must tell users apart, not pods, copies of samples, codes or buckets"


class Segments(Model):
    """Compare also each segment of users with the same segment at the stable version; the worst one decides.

    Segments are told apart by a label of the model servers' own counters, those of the metrics profile http: no gateway knows who asks.
    """

    model_config = ConfigDict(json_schema_extra=rules((f"!(self.label in {list(_TAKEN)})", _NO_SEGMENTS)))

    label: MetricLabel
    most: Annotated[int, Field(ge=2, le=16)] = SEGMENTS_MOST
    """A label with more values is not judged: it names persons or places, not segments."""
    min_requests: Annotated[int, Field(ge=1, le=100_000)] = SEGMENT_REQUESTS
    """Segments in which either version had fewer compared requests need no proof of being good. Harm to them counts all the same."""

    @model_validator(mode="after")
    def _tells_users_apart(self) -> Self:
        if self.label in _TAKEN:
            raise ValueError(_NO_SEGMENTS)
        return self
