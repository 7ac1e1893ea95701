"""When a version may move upward: weekly windows in a time zone, and freezes."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from headgate.api.base import ATOMIC, Line, Model, Time, rules


class Day(StrEnum):
    """Days of the week, Monday first."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


_BEGIN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_END = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
_EMPTY = 'from and to must differ: a whole day is from: "00:00" to: "24:00"'


class Window(Model):
    """Hours of the day, by the clock on the wall of the time zone. `to` before `from` is on the next day; `days` are those it begins on."""

    model_config = ConfigDict(json_schema_extra=rules(("self.from != self.to", _EMPTY)))

    days: Annotated[tuple[Day, ...], Field(min_length=1, max_length=7, json_schema_extra=ATOMIC)] = tuple(Day)
    begin: Annotated[str, Field(alias="from", pattern=_BEGIN, max_length=5)]
    end: Annotated[str, Field(alias="to", pattern=_END, max_length=5)]

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.begin == self.end:
            raise ValueError(_EMPTY)
        return self

    @property
    def begin_minute(self) -> int:
        """Minutes after midnight."""
        return _minutes(self.begin)

    @property
    def end_minute(self) -> int:
        return _minutes(self.end)


_BACKWARDS = "from must be before to"


class Freeze(Model):
    """Nothing rises between two instants, whatever the windows say."""

    model_config = ConfigDict(json_schema_extra=rules(("self.from < self.to", _BACKWARDS)))

    begin: Annotated[Time, Field(alias="from")]
    end: Annotated[Time, Field(alias="to")]
    reason: Annotated[Line, Field(min_length=1)]

    @model_validator(mode="after")
    def _has_length(self) -> Self:
        if self.begin >= self.end:
            raise ValueError(_BACKWARDS)
        return self


class Windows(Model):
    """Upward moves happen only inside a window and outside every freeze. Nothing here delays taking traffic off a version.

    timeZone: a name of the IANA database like Europe/Berlin. allow: without windows, any time will do.
    """

    time_zone: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}$", max_length=64)] = "UTC"
    allow: Annotated[tuple[Window, ...], Field(max_length=16, json_schema_extra=ATOMIC)] = ()
    freezes: Annotated[tuple[Freeze, ...], Field(max_length=32, json_schema_extra=ATOMIC)] = ()


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
