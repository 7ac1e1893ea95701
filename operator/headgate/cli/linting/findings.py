"""What is wrong with manifests, where, and how badly."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Error: it will be refused, or a version can never go live. Warning: it is probably not what was meant. Note: it was not checked."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. `rule` is its kind, stable, for searching; `about` names the object, empty for a file."""

    severity: Severity
    rule: str
    file: str
    line: int
    about: str
    message: str

    @property
    def sentence(self) -> str:
        return f"{self.about}: {self.message}" if self.about else self.message

    def text(self) -> str:
        """As compilers say it, so that editors can follow."""
        return f"{self.file}:{self.line}: {self.severity}: {self.sentence} [{self.rule}]"

    def annotation(self) -> str:
        """As GitHub shows it beside the line of a pull request."""
        kind = "notice" if self.severity is Severity.NOTE else self.severity.value
        return f"::{kind} file={_value(self.file)},line={self.line},title={_value(self.rule)}::{_escaped(self.sentence)}"

    def document(self) -> dict[str, Any]:
        return {
            "severity": self.severity.value,
            "rule": self.rule,
            "file": self.file,
            "line": self.line,
            "object": self.about,
            "message": self.message,
        }


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _value(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
