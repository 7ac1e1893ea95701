"""Records of arrays: what the judge remembers of many comparisons side by side."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Arrays:
    """Base of frozen dataclasses whose fields are float arrays, or such records, with common leading axes.

    Records are equal when every number is: a restart must change no bit.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        pairs = ((getattr(self, name), getattr(other, name)) for name in self._names())
        return all(a == b if isinstance(a, Arrays) else np.array_equal(a, b) for a, b in pairs)

    def to_json(self) -> dict[str, Any]:
        """Plain lists of finite numbers; `from_json` gives back every bit."""
        return {name: _plain(getattr(self, name)) for name in self._names()}

    def part(self, index: int | NDArray[np.intp]) -> Self:
        """What is at `index` of the first leading axis; at many, in their order."""
        values = {name: getattr(self, name) for name in self._names()}
        return type(self)(**{name: value.part(index) if isinstance(value, Arrays) else value[index] for name, value in values.items()})

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError where `data` is not of this record."""
        return cls(**{field.name: _array(field.type, data[field.name]) for field in fields(cls)})  # type: ignore[arg-type]

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]


def _plain(value: Any) -> Any:
    return value.to_json() if isinstance(value, Arrays) else value.tolist()


def _array(kind: Any, value: Any) -> Any:
    return kind.from_json(value) if isinstance(kind, type) and issubclass(kind, Arrays) else np.asarray(value, dtype=np.float64)


_Record = TypeVar("_Record", bound=Arrays)


def joined(records: Sequence[_Record], join: Callable[[list[Floats]], Floats]) -> _Record:
    """One record of many, each field joined like the others: np.concatenate, or np.stack along an axis."""
    first = records[0]
    values = {name: [getattr(record, name) for record in records] for name in first._names()}
    return type(first)(**{name: joined(each, join) if isinstance(each[0], Arrays) else join(each) for name, each in values.items()})
