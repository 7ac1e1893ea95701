"""The reasons, from the one enum of them, with what the troubleshooting page says of each."""

import re
from pathlib import Path

from docs.markdown import made, table
from headgate.api import reasons
from headgate.api.reasons import Reason

ADVICE = Path(__file__).resolve().parents[2] / "docs/troubleshooting.md"


def pages() -> dict[str, str]:
    """The text of each page by its name.."""
    told = meanings(ADVICE.read_text(encoding="utf-8"))
    parts = [
        "Why something is as it is: `reason` of conditions and events, label of metrics. [What to do about each]"
        "(../troubleshooting.md#reasons) is told elsewhere. People write alerts on these words, so they do not change."
    ]
    for heading, members in _parts():
        parts += [f"## {heading}", table(("reason", "means"), ((f"`{reason}`", told.get(reason, "")) for reason in members))]
    return {"reasons.md": made("Reasons", "operator/headgate/api/reasons.py and docs/troubleshooting.md", *parts)}


def meanings(page: str) -> dict[str, str]:
    """What each reason means, from the table of the page, with links that fit a page one directory below."""
    section = page.split("## Reasons", 1)[1].split("\n## ", 1)[0]
    rows = (re.split(r"(?<!\\)\|", line) for line in section.splitlines() if line.startswith("| `"))
    return {cells[1].strip(" `"): re.sub(r"\]\((?![a-z]+:|#)", "](../", cells[2].strip()) for cells in rows}


def _parts() -> list[tuple[str, list[str]]]:
    """The members as the source groups them, by the comment above each group."""
    source = Path(reasons.__file__).read_text(encoding="utf-8")
    found: list[tuple[str, list[str]]] = []
    for line in source.splitlines():
        if heading := re.fullmatch(r"    # (.+)", line):
            found.append((heading[1], []))
        elif member := re.fullmatch(r'    [A-Z_]+ = "(\w+)"', line):
            found[-1][1].append(Reason(member[1]).value)
    return found
