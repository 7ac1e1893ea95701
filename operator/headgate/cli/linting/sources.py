"""Which files there are, and which of them are for somebody else to make sense of."""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from headgate.api.base import GROUP
from headgate.cli.linting.findings import Finding, Severity
from headgate.cli.linting.manifests import Written, objects_in
from headgate.cli.manifest_file import Unreadable, documents_in
from headgate.cli.refused import Refused

STANDARD_INPUT = "-"
_ENDINGS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_ACTION = re.compile(r"\{\{-?\s*[\w.$\"(/*]")
_TEMPLATE = "a Helm template, which was not checked: lint what it renders to, by helm template CHART | kubectl headgate lint -"
_PATCH = "a patch of a kustomization, which was not checked: lint what it builds, by kubectl kustomize DIRECTORY | kubectl headgate lint -"


@dataclass(frozen=True, slots=True)
class Source:
    """One file with something of Headgate in it."""

    name: str
    text: str
    aside: str = ""
    """Why it cannot be checked as it is, in words; empty if it can."""


def sources(paths: Iterable[str]) -> Iterator[Source]:
    """Files by name, directories with all below them. Files that do not mention headgate.dev are left out. Raises Refused."""
    seen: set[Path] = set()
    for path in paths:
        if path == STANDARD_INPUT:
            yield Source("standard input", sys.stdin.read())
            continue
        top = Path(path)
        for file in _below(top) if top.is_dir() else (top,):
            if file.resolve() not in seen:
                seen.add(file.resolve())
                yield from _source(file)


def _source(file: Path) -> Iterator[Source]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    if f"{GROUP}/" in text:
        aside = _PATCH if file.resolve() in _patches(file.parent) else _TEMPLATE if _of_chart(file) and _ACTION.search(text) else ""
        yield Source(str(file), text, aside)


def read(source: Source) -> tuple[list[Written], list[Finding]]:
    """The objects of a file, or why it cannot be read."""
    if source.aside:
        return [], [_about(source, Severity.NOTE, "skipped", 1, source.aside)]
    try:
        return list(objects_in(source.name, documents_in(source.text))), []
    except Unreadable as error:
        if _ACTION.search(source.text):
            return [], [_about(source, Severity.NOTE, "skipped", 1, _TEMPLATE)]
        return [], [_about(source, Severity.ERROR, "yaml", max(1, error.line), f"it cannot be read: {error}")]


def _about(source: Source, severity: Severity, rule: str, line: int, message: str) -> Finding:
    return Finding(severity, rule, source.name, line, "", message)


def _below(top: Path) -> Iterator[Path]:
    """Without what begins with a dot: that is for tools."""
    for file in sorted(top.rglob("*")):
        inside = file.relative_to(top).parts
        if file.suffix in _ENDINGS and file.is_file() and not any(part.startswith(".") for part in inside):
            yield file


def _of_chart(file: Path) -> bool:
    return any(parent.name == "templates" and (parent.parent / "Chart.yaml").is_file() for parent in file.resolve().parents)


def _patches(directory: Path) -> set[Path]:
    """Files that a kustomization beside them uses as patches: each is a part of an object."""
    named: set[Path] = set()
    for name in _KUSTOMIZATIONS:
        try:
            found = yaml.safe_load((directory / name).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if isinstance(found, dict):
            listed = [*(found.get("patches") or ()), *(found.get("patchesStrategicMerge") or ())]
            paths = (one.get("path") if isinstance(one, dict) else one for one in listed)
            named |= {(directory / path).resolve() for path in paths if isinstance(path, str) and "\n" not in path}
    return named
