"""Typed quantities as users write them: `14d`, `0.5pp`, `5%`, `50ms`. Strings in YAML, exact values in Python.

The schema patterns are published with the types, so that the API server refuses what the operator could not read.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

DURATION_PATTERN = r"^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
_LONGEST = 3_650 * 86_400
_DURATION_EXAMPLE = "write days, hours, minutes and seconds above zero, at most 3650d, like 14d, 1h30m or 90s"
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


def _rule(rule: str, message: str) -> dict[str, Any]:
    """What the schema's own words cannot say, as the API server evaluates it."""
    return {"x-kubernetes-validations": [{"rule": rule, "message": message}]}


class Duration(int):
    """A positive length of time in whole seconds, written `14d`, `1d12h`, `90s`. `str()` gives the shortest spelling back."""

    @classmethod
    def parse(cls, value: object) -> "Duration":
        """Raises ValueError, saying what to write, unless `value` is a Duration or a well-formed string above zero, at most ten years."""
        if isinstance(value, Duration):
            return value
        if isinstance(value, str) and value and re.match(DURATION_PATTERN, value):
            seconds = sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"([0-9]+)([dhms])", value))
            if 0 < seconds <= _LONGEST:
                return cls(seconds)
        raise ValueError(f"{value!r} is not a duration: {_DURATION_EXAMPLE}")

    def __str__(self) -> str:
        rest, parts = int(self), ""
        for unit, seconds in _SECONDS.items():
            count, rest = divmod(rest, seconds)
            parts += f"{count}{unit}" if count else ""
        return parts or "0s"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "format": "duration", "pattern": DURATION_PATTERN, "minLength": 2, "maxLength": 16} | _rule(
            f"self > duration('0s') && self <= duration('{_LONGEST}s')", _DURATION_EXAMPLE
        )


class Unit(StrEnum):
    """pp: absolute percentage points; %: relative to the stable version; ms: milliseconds."""

    POINTS = "pp"
    RELATIVE = "%"
    MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True)
class Margin:
    """How much worse a candidate may be. `value` is in `unit`: Margin(0.5, POINTS) is half a percentage point."""

    value: float
    unit: Unit

    @property
    def fraction(self) -> float:
        """Share in 0..1 for pp and %. Raises ValueError for ms."""
        if self.unit is Unit.MILLISECONDS:
            raise ValueError(f"{self} is a time, not a share")
        return self.value / 100

    @property
    def seconds(self) -> float:
        """Raises ValueError unless the unit is ms."""
        if self.unit is not Unit.MILLISECONDS:
            raise ValueError(f"{self} is a share, not a time")
        return self.value / 1000

    def __str__(self) -> str:
        return f"{self.value:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class _Written:
    """How one family of margins is written: which units, with how many digits before the point, and what it is called."""

    units: tuple[Unit, ...]
    example: str
    digits: int = 5
    noun: str = "limit"

    @property
    def pattern(self) -> str:
        return rf"^[0-9]{{1,{self.digits}}}(\.[0-9]{{1,2}})?({'|'.join(self.units)})$"

    def parse(self, value: object) -> Margin:
        if isinstance(value, Margin) and value.unit in self.units:
            return value
        match = re.match(self.pattern, value) if isinstance(value, str) else None
        if match is None or float(match.string[: match.start(2)]) <= 0:
            raise ValueError(f"{value!r} is not a {self.noun} this field takes: write {self.example}")
        return Margin(float(match.string[: match.start(2)]), Unit(match.group(2)))

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse, serialization=core_schema.to_string_ser_schema())

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": self.pattern, "minLength": 2, "maxLength": 12} | _rule(
            "self.matches('[1-9]')", f"write a {self.noun} above zero: {self.example}"
        )


AnyMargin = Annotated[Margin, _Written((Unit.POINTS, Unit.RELATIVE, Unit.MILLISECONDS), "0.5pp, 5% or 50ms")]
ShareMargin = Annotated[Margin, _Written((Unit.POINTS, Unit.RELATIVE), "0.5pp or 5%")]
PointsMargin = Annotated[Margin, _Written((Unit.POINTS,), "percentage points like 20pp")]
Milliseconds = Annotated[Margin, _Written((Unit.MILLISECONDS,), "a time like 200ms")]
RelativeMargin = Annotated[Margin, _Written((Unit.RELATIVE,), "a percentage like 5%")]
Rate = Annotated[Margin, _Written((Unit.RELATIVE,), "a percentage below 100 like 10%", digits=2, noun="rate")]
"""Of interest."""


class Probability(float):
    """A number strictly between 0 and 1, written as a string (`"0.05"`), because Kubernetes APIs carry no floats."""

    PATTERN = r"^0?\.[0-9]{1,4}$"

    @classmethod
    def parse(cls, value: object) -> "Probability":
        """Raises ValueError, saying what to write, unless `value` is a Probability or such a string."""
        if isinstance(value, Probability):
            return value
        if isinstance(value, str) and re.match(cls.PATTERN, value) and 0 < float(value) < 1:
            return cls(float(value))
        raise ValueError(f'{value!r} is not a probability: write a quoted number between 0 and 1, like "0.05"')

    def __str__(self) -> str:
        return f"{float(self):g}"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(cls.parse, serialization=core_schema.to_string_ser_schema())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": cls.PATTERN, "maxLength": 6} | _rule(
            "self.matches('[1-9]')", 'write a quoted number above 0 and below 1, like "0.05"'
        )


_PERCENT_EXAMPLE = 'write 0 to 100 in steps of 0.1, fractions quoted, like 5 or "0.5"'
PERCENT_PATTERN = r"^(100(\.0)?|[0-9]{1,2}(\.[0-9])?)$"


@dataclass(frozen=True, slots=True)
class _Percent:
    """A percentage with a resolution of 0.1, written `5` or `"0.5"`, kept as an int in thousandths."""

    def parse(self, value: object) -> int:
        text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
        if not re.match(PERCENT_PATTERN, text):
            raise ValueError(f"{value!r} is not a percentage: {_PERCENT_EXAMPLE}")
        return round(float(text) * 10)

    @staticmethod
    def write(permille: int) -> int | str:
        return permille // 10 if permille % 10 == 0 else f"{permille / 10:.1f}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse, serialization=core_schema.plain_serializer_function_ser_schema(self.write)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-kubernetes-int-or-string": True, "maxLength": 5} | _rule(
            f"string(self).matches('{PERCENT_PATTERN}')".replace("\\", "\\\\"), _PERCENT_EXAMPLE
        )


Permille = Annotated[int, _Percent()]
"""Thousandths in Python, percent in YAML. Validate from YAML only: the Python value 5 read as YAML would be 5 %."""
