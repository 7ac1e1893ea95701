"""`headgate lint`: models, policies, approvals and trust stores in files, checked together without a cluster."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from headgate.cli.governing.classify import TABLE, chosen_table
from headgate.cli.linting.decisions import decision_findings
from headgate.cli.linting.findings import Finding, Severity
from headgate.cli.linting.manifests import Written, collected
from headgate.cli.linting.models import model_findings
from headgate.cli.linting.people import people_findings
from headgate.cli.linting.sources import STANDARD_INPUT, read, sources
from headgate.cli.linting.tiers import Circumstances
from headgate.cli.options import Format, rendered
from headgate.cli.screen import prose
from headgate.governance.classification import TableState

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


class LintFormat(StrEnum):
    """How to print findings."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    GITHUB = "github"


PATHS = Annotated[list[str], typer.Argument(metavar="PATH", help="Files, directories, or - for standard input.", show_default=False)]
ENVIRONMENT = Annotated[
    str, typer.Option("--environment", help="Of the cluster they are for: approvals are bound to it. Default: that of each signature.")
]
STRICT = Annotated[bool, typer.Option("--strict", help="Warnings fail as well.")]
LINT_OUTPUT = Annotated[
    LintFormat, typer.Option("--output", "-o", help="text for people and editors, github for annotations, json or yaml for programs.")
]


def lint(
    paths: PATHS,
    environment: ENVIRONMENT = "",
    table: TABLE = None,
    strict: STRICT = False,
    output: LINT_OUTPUT = LintFormat.TEXT,
) -> None:
    """Check models, policies, approvals and trust stores in files together, without a cluster. Other kinds are passed over.

    Exit codes: 0 no errors, 1 errors (with --strict also warnings), 2 wrong usage, or nothing of headgate.dev in these files.
    """
    for path in paths:
        if path != STANDARD_INPUT and not Path(path).exists():
            raise typer.BadParameter(f"there is no {path}")
    objects, findings = _read(paths)
    if not objects and not findings:
        raise typer.BadParameter(f"there is nothing of headgate.dev in {', '.join(paths)}")
    found = sorted([*findings, *_checked(objects, TableState(chosen_table(table)), environment)], key=lambda one: (one.file, one.line))
    counts = {severity: sum(one.severity is severity for one in found) for severity in Severity}
    _print(found, counts, len(objects), output)
    if counts[Severity.ERROR] or (strict and counts[Severity.WARNING]):
        raise typer.Exit(1)


def _read(paths: list[str]) -> tuple[list[Written], list[Finding]]:
    objects, findings = list[Written](), list[Finding]()
    for source in sources(paths):
        there, wrong = read(source)
        objects += there
        findings += wrong
    return objects, findings


def _checked(objects: list[Written], table: TableState, environment: str) -> list[Finding]:
    by = Circumstances(table, environment, datetime.now(UTC))
    collection, findings = collected(objects)
    return [
        *findings,
        *model_findings(collection, by),
        *people_findings(collection, by),
        *decision_findings(collection, by),
    ]


def _print(found: list[Finding], counts: dict[Severity, int], objects: int, output: LintFormat) -> None:
    if output in (LintFormat.JSON, LintFormat.YAML):
        told: dict[str, Any] = {"objects": objects, **{f"{severity}s": number for severity, number in counts.items()}}
        typer.echo(rendered(told | {"findings": [one.document() for one in found]}, Format(output.value)))
        return
    lines = prose()
    for one in found:
        if output is LintFormat.GITHUB:
            typer.echo(one.annotation())
        else:
            lines.print(one.text(), style=_COLOURS[one.severity])
    summary = ", ".join(f"{number} {severity}{'' if number == 1 else 's'}" for severity, number in counts.items() if number)
    typer.echo(f"{objects} object{'' if objects == 1 else 's'}: {summary or 'nothing to complain about'}", err=True)
