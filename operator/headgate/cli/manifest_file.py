"""Manifests in files, and where in them things stand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from headgate.cli.refused import Refused

Place = tuple[str | int, ...]
"""Keys and positions that lead to a value, from the top of its document."""

_MOST_NODES = 200_000
"""Of one document: aliases of aliases make a small file large."""


class OnceEach(yaml.SafeLoader):
    """A key that is written twice is two statements: which one was meant, and which one was signed?"""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((k for k, key in enumerate(keys) if not isinstance(key, list) and key in keys[:k]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"the key {keys[twice]} is written twice", node.value[twice][0].start_mark)
        return super().construct_mapping(node, deep)


class Unreadable(ValueError):  # noqa: N818  said of a file, as Refused is of a request
    """Not YAML, or not in the way that can be trusted. `line` counts from 1, 0 if it is not known."""

    def __init__(self, line: int, words: str) -> None:
        super().__init__(words)
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file, and the line on which each of its parts begins."""

    body: Any
    lines: Mapping[Place, int]

    def line(self, place: Place) -> int:
        """Of what is there, or of the nearest that it would be in."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)


def documents_in(text: str) -> tuple[Document, ...]:
    """All documents that are not empty. Raises Unreadable."""
    loader = OnceEach(text)
    found: list[Document] = []
    try:
        while loader.check_node():
            node = loader.get_node()
            assert node is not None, "one was announced"
            # Before it is constructed: that takes merge keys out of the nodes.
            lines = dict(_lines(node))
            body = loader.construct_document(node)
            if body is not None:
                found.append(Document(body, lines))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(mark.line + 1 if mark else 0, " ".join(str(error.problem or error.context or error).split())) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable(getattr(error, "line", 0), " ".join(str(error).split()) or "it is nested too deeply") from error
    finally:
        loader.dispose()
    return tuple(found)


def _lines(top: yaml.Node) -> Iterator[tuple[Place, int]]:
    waiting: list[tuple[Place, yaml.Node, int]] = [((), top, top.start_mark.line + 1)]
    for _ in range(_MOST_NODES):
        if not waiting:
            return
        place, node, line = waiting.pop()
        yield place, line
        if isinstance(node, yaml.MappingNode):
            # The key's line: a value may begin on the next one.
            waiting += [((*place, str(key.value)), value, key.start_mark.line + 1) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            waiting += [((*place, k), item, item.start_mark.line + 1) for k, item in enumerate(node.value)]
    raise Unreadable(top.start_mark.line + 1, f"the document has more than {_MOST_NODES:,} parts")


def manifest_in(file: Path, kind: str) -> dict[str, Any]:
    """The first object of `kind` in a file of YAML documents. Raises Refused."""
    found = next((one.body for one in _documents(file) if isinstance(one.body, dict) and one.body.get("kind") == kind), None)
    if found is None:
        raise Refused(f"{file} holds no {kind}")
    manifest: dict[str, Any] = found
    return manifest


def manifests_in(file: Path, api_version: str, kind: str) -> tuple[dict[str, Any], ...]:
    """The objects of one kind in a file. Raises Refused for what is no YAML, and for a file without any."""
    bodies = (one.body for one in _documents(file) if isinstance(one.body, dict))
    found = tuple(body for body in bodies if (body.get("apiVersion"), body.get("kind")) == (api_version, kind))
    if not found:
        raise Refused(f"{file} holds no {kind}")
    return found


def _documents(file: Path) -> tuple[Document, ...]:
    try:
        return documents_in(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file} cannot be read: {error}") from error
    except Unreadable as error:
        raise Refused(f"{file}:{error.line}: it cannot be read: {error}") from error
