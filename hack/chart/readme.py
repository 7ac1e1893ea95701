"""The table of values in the chart's README, made from the comments of values.yaml: `python -m chart.readme` writes it.

values.yaml has one form: `## Heading` begins a part, and `# …` lines directly above a key say what it is for. A key below which others
are described needs no words of its own.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).resolve().parents[2] / "charts" / "headgate"
_BEGIN, _END = "<!-- values: made by hack/chart/readme.py -->\n", "<!-- end of values -->\n"


class UndescribedError(Exception):
    """A value has no comment."""


@dataclass(frozen=True)
class Value:
    """One line of the table. `default` is the value as JSON."""

    path: str
    default: str
    words: str


def parts(text: str) -> dict[str, list[Value]]:
    """The values by heading, in the order of the file. Raises UndescribedError."""
    lines = text.splitlines()
    headings = {number: line.removeprefix("## ") for number, line in enumerate(lines) if line.startswith("## ")}
    found: dict[str, list[Value]] = {heading: [] for heading in headings.values()}
    for number, value in _values(yaml.compose(text), lines, ""):
        found[headings[max(place for place in headings if place < number)]].append(value)
    return found


def _values(node: Any, lines: list[str], prefix: str) -> Iterator[tuple[int, Value]]:
    for key, value in node.value:
        path, number = f"{prefix}{key.value}", key.start_mark.line
        words = _comment(lines, number)
        if words:
            yield number, Value(path, json.dumps(_plain(value), ensure_ascii=False), words)
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(value, lines, f"{path}.")
        else:
            raise UndescribedError(f"values.yaml, line {number + 1}: {path} has no comment above it that says what it is for")


def _comment(lines: list[str], number: int) -> str:
    words: list[str] = []
    while number > 0 and (line := lines[number - 1].strip()).startswith("# "):
        words.insert(0, line.removeprefix("# "))
        number -= 1
    return " ".join(words)


def _plain(node: Any) -> Any:
    return yaml.safe_load(yaml.serialize(node))


def table(text: str) -> str:
    """The Markdown between the marks of the README."""
    written = []
    for heading, values in parts(text).items():
        rows = [f"| `{value.path}` | `{_cell(value.default)}` | {_cell(value.words)} |" for value in values]
        written.append("\n".join([f"### {heading}", "", "| value | default | meaning |", "|---|---|---|", *rows]))
    return "\n\n".join(written) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def readme(chart: Path = CHART) -> str:
    """The README with its table made anew."""
    text = (chart / "README.md").read_text(encoding="utf-8")
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table((chart / 'values.yaml').read_text(encoding='utf-8'))}\n{_END}{after}"


if __name__ == "__main__":
    (CHART / "README.md").write_text(readme(), encoding="utf-8")
    sys.exit(0)
