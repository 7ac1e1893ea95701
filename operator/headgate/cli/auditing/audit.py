"""`headgate audit`: what was decided about a model, taken out of the cluster, and proof that nobody changed it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from zipfile import BadZipFile, ZipFile, is_zipfile

import typer

from headgate.api.digests import canonical
from headgate.cli.auditing.bundle import altered, bundle
from headgate.cli.auditing.history import History
from headgate.cli.cluster import Access, Cluster, run
from headgate.cli.options import AS_USER, CONTEXT, EXIT_CODES, MODEL_NAME, NAMESPACE, OPERATOR_NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.screen import complain, warn
from headgate.governance.audit_chain import Anchor, read, verify
from headgate.governance.audit_seal import anchor_of
from headgate.governance.controls import ENTRIES
from headgate.kube.audit_segments import head_of, lines_of

audit = typer.Typer(help="Take the audit of a model out of the cluster, and verify it.", no_args_is_help=True)

BUNDLE = Annotated[
    Path | None,
    typer.Option("--bundle", dir_okay=False, help="Write entries, approvals, verdicts and a report as zip.", show_default=False),
]
ANCHOR_OUT = Annotated[
    Path | None,
    typer.Option("--anchor", dir_okay=False, help="Write the signed head into this file: keep it elsewhere.", show_default=False),
]
ANCHOR_IN = Annotated[
    Path | None, typer.Option("--anchor", exists=True, dir_okay=False, help="A signed head that was kept.", show_default=False)
]
FILE = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, metavar="[FILE]", help="An export or a bundle. Default: the cluster.", show_default=False),
]
OF_MODEL = Annotated[str | None, typer.Option("--model", help="Whose audit in the cluster, if there is no FILE.", show_default=False)]


@audit.command(epilog=EXIT_CODES)
def export(
    model: MODEL_NAME,
    bundle_file: BUNDLE = None,
    anchor: ANCHOR_OUT = None,
    output: OUTPUT = Format.TEXT,
    operator_namespace: OPERATOR_NAMESPACE = "headgate-system",
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
) -> None:
    """Print all entries of MODEL as JSON lines and the signed head as the last one, or write a bundle for auditors. With -o json or yaml
    they are one document, which `verify` does not read."""
    access = Access(namespace, context, as_user)
    history = run(access, lambda cluster: _history(cluster, model, access.where, operator_namespace))
    findings = verify(history.lines, history.model, _signed(history.head))
    for finding in findings:
        warn(finding)
    _write(anchor, canonical(history.head) + b"\n")
    if output.is_document:
        typer.echo(rendered({"model": history.model, "entries": history.entries, "head": history.head, "findings": findings}, output))
    elif bundle_file is None:
        typer.echo(history.document, nl=False)
    if bundle_file is not None:
        _write(bundle_file, bundle(history, findings))
        typer.echo(f"{len(history.lines)} entries of {history.model}: {bundle_file}", err=True)


@audit.command(name="verify", epilog=EXIT_CODES)
def verify_audit(
    file: FILE = None,
    anchor: ANCHOR_IN = None,
    model: OF_MODEL = None,
    output: OUTPUT = Format.TEXT,
    operator_namespace: OPERATOR_NAMESPACE = "headgate-system",
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
) -> None:
    """Find every entry that was changed, lost, exchanged or put in, in an export or in the cluster, as far as the anchor reaches."""
    if (file is None) == (model is None):
        raise Refused("name a FILE that was exported, or a model of the cluster with --model")
    if file is not None:
        history, differing = _read(file)
    else:
        access = Access(namespace, context, as_user)
        history, differing = run(access, lambda cluster: _history(cluster, str(model), access.where, operator_namespace)), ()
    kept = _anchor(anchor) if anchor is not None else None
    findings = (*_findings(history, kept), *differing)
    if output.is_document:
        reached = kept.sequence if kept else None
        said = {"model": history.model, "entries": len(history.lines), "anchor": reached, "verified": not findings, "findings": findings}
        typer.echo(rendered(said, output))
    else:
        _say(history, kept, findings)
    if findings:
        raise typer.Exit(1)


def _say(history: History, kept: Anchor | None, findings: tuple[str, ...]) -> None:
    for finding in findings:
        complain(finding)
    if not findings:
        anchored = f"up to entry {kept.sequence} it is the one that the anchor names" if kept else ""
        reach = anchored or "without an anchor, a cut end would not be seen"
        typer.echo(f"{len(history.lines)} entries of {history.model} follow one another; {reach}")


def _findings(history: History, kept: Anchor | None) -> tuple[str, ...]:
    signed = _signed(history.head)
    found = [*verify(history.lines, history.model, signed)]
    if signed is None:
        found.append("the signed head is missing, or was changed")
    if kept is not None:
        found += [finding for finding in verify(history.lines, history.model, kept) if finding not in found]
    if signed is not None and kept is not None and signed.key != kept.key:
        found.append("the head is signed by another key than the anchor: was the Secret headgate-audit-key replaced?")
    if signed is not None and signed.sequence < len(history.lines):
        found.append(f"entries after {signed.sequence} are not covered by the signed head")
    return tuple(found)


async def _history(cluster: Cluster, model: str, namespace: str, operator_namespace: str) -> History:
    segments = await cluster.audit(model, namespace, operator_namespace)
    decisions = await cluster.decisions(model, namespace)
    return History(f"{namespace}/{model}", tuple(lines_of(segments)), head_of(segments) or {}, decisions)


def _signed(head: dict[str, Any]) -> Anchor | None:
    try:
        return anchor_of(head)
    except ValueError:
        return None


def _read(file: Path) -> tuple[History, tuple[str, ...]]:
    """What was exported, and which files of a bundle do not follow from it. Raises Refused for what is no export."""
    if not is_zipfile(file):
        return _exported(file, lambda: file.read_text(encoding="utf-8")), ()
    try:
        with ZipFile(file) as zipped:
            history = _exported(file, lambda: zipped.read(ENTRIES).decode())
            return history, tuple(altered(zipped, history, verify(history.lines, history.model, _signed(history.head))))
    except (OSError, ValueError, KeyError, AttributeError, BadZipFile) as error:
        raise Refused(f"{file} is no bundle of an audit: {error}") from error


def _exported(file: Path, text_of: Callable[[], str]) -> History:
    try:
        text = text_of()
        # Not splitlines: sentences of people may hold what Unicode takes for the end of a line.
        *lines, last = text.removesuffix("\n").split("\n")
        head = json.loads(last)["head"]
        model = str(head["model"])
    except (OSError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise Refused(f"{file} is no export of an audit: its last line is no signed head") from error
    first = read(lines[0]) if lines else None
    return History(str(first["model"]) if first is not None else model, tuple(lines), head)


def _anchor(file: Path) -> Anchor:
    try:
        return anchor_of(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise Refused(f"{file} cannot be used as an anchor: {error}") from error


def _write(file: Path | None, content: bytes) -> None:
    if file is not None:
        try:
            file.write_bytes(content)
        except OSError as error:
            raise Refused(f"cannot be written: {error}") from error
