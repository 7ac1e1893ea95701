"""Two answers to one request: does each keep the model's contract, and are they alike?"""

import json
from dataclasses import dataclass
from typing import Any

from headgate.api.replay import Comparison, Expectation, JsonType, Likeness, Replay

NO_ANSWER = "(none)"
"""The class of an answer that has none."""
LONGEST_NAME = 64


class _Missing:
    """What a pointer finds where there is nothing."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one version sent back after `seconds`. `status` is 0 where nothing came; `problem` says what happened instead."""

    status: int
    body: bytes = b""
    seconds: float = 0.0
    problem: str = ""

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Read:
    """An answer as its contract has it. `violation` says what it breaks, empty if nothing; `document` is MISSING if it is no JSON."""

    answer: Answer
    document: Any
    violation: str

    @property
    def sound(self) -> bool:
        """Whether there is something to compare."""
        return self.answer.good and not self.violation


def read(answer: Answer, replay: Replay) -> Read:
    """A failed answer keeps or breaks no contract: it is counted as a failure."""
    if not answer.good:
        return Read(answer, MISSING, "")
    try:
        document = json.loads(answer.body)
    except ValueError:
        return Read(answer, MISSING, "it is no JSON")
    needed = [words for one in replay.contract if (words := _broken(document, one))]
    uncompared = [words for one in replay.compare if (words := _incomparable(document, one))]
    return Read(answer, document, next(iter((*needed, *uncompared)), ""))


def resolve(document: Any, pointer: str) -> Any:
    """What stands at the JSON pointer (RFC 6901); MISSING if nothing does."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdecimal() and str(int(name)) == name and int(name) < len(document):
            document = document[int(name)]
        else:
            return MISSING
    return document


def agree(stable: Read, candidate: Read, replay: Replay) -> bool:
    """Whether two answers are alike in every place. An unsound one is like no other."""
    if not (stable.sound and candidate.sound):
        return False
    return all(_alike(resolve(stable.document, one.pointer), resolve(candidate.document, one.pointer), one) for one in replay.compare)


def class_of(found: Read, decision: Comparison) -> str:
    """The class that an answer decides for, NO_ANSWER if it is unsound."""
    if not found.sound:
        return NO_ANSWER
    value = resolve(found.document, decision.pointer)
    return class_name(_greatest(value) if decision.kind is Likeness.ARGMAX else value)


def class_name(value: Any) -> str:
    """How a class is called in reports: a string as it is, anything else as JSON."""
    name = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _broken(document: Any, expected: Expectation) -> str:
    value = resolve(document, expected.pointer)
    where = expected.pointer or "the answer"
    if value is MISSING or value is None:
        return f"{where} is missing"
    if expected.type is not None and not _is(value, expected.type):
        return f"{where} is no {expected.type}"
    if expected.minimum is None and expected.maximum is None:
        return ""
    if not _is(value, JsonType.NUMBER):
        return f"{where} is no number"
    if expected.minimum is not None and value < float(expected.minimum):
        return f"{where} is {value:g}, below {expected.minimum}"
    if expected.maximum is not None and value > float(expected.maximum):
        return f"{where} is {value:g}, above {expected.maximum}"
    return ""


def _incomparable(document: Any, asked: Comparison) -> str:
    value = resolve(document, asked.pointer)
    where = asked.pointer or "the answer"
    if value is MISSING:
        return f"{where} is missing"
    if asked.kind is Likeness.NUMBER and not _is(value, JsonType.NUMBER):
        return f"{where} is no number"
    if asked.kind is Likeness.ARGMAX and _greatest(value) is MISSING:
        return f"{where} is no list and no object of numbers"
    return ""


def _is(value: Any, kind: JsonType) -> bool:
    """As in JSON Schema: true is no number, 1.0 is an integer. NaN and infinity, which are no JSON, are no numbers."""
    match kind:
        case JsonType.STRING:
            return isinstance(value, str)
        case JsonType.BOOLEAN:
            return isinstance(value, bool)
        case JsonType.ARRAY:
            return isinstance(value, list)
        case JsonType.OBJECT:
            return isinstance(value, dict)
        case JsonType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e300
        case JsonType.INTEGER:
            return _is(value, JsonType.NUMBER) and value == int(value)


def _alike(stable: Any, candidate: Any, asked: Comparison) -> bool:
    match asked.kind:
        case Likeness.CLASS:
            # 1 == True in Python, and not in JSON.
            return json.dumps(stable, sort_keys=True) == json.dumps(candidate, sort_keys=True)
        case Likeness.ARGMAX:
            return bool(_greatest(stable) == _greatest(candidate))
        case Likeness.NUMBER:
            absolute = float(asked.absolute) if asked.absolute is not None else 0.0
            relative = asked.relative.fraction if asked.relative is not None else 0.0
            # Written tolerances are decimal: 0.30 and 0.31 are 0.01 apart for whoever wrote 0.01.
            return bool(abs(candidate - stable) <= max(absolute, relative * abs(stable)) * (1 + 1e-9) + 1e-12)


def _greatest(value: Any) -> Any:
    """The place of the greatest number: the first of equals in a list, the first by name in an object; MISSING if there is none."""
    entries = list(enumerate(value)) if isinstance(value, list) else sorted(value.items()) if isinstance(value, dict) else []
    if not entries or not all(_is(number, JsonType.NUMBER) for _, number in entries):
        return MISSING
    return max(entries, key=lambda entry: entry[1])[0]
