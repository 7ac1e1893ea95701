"""Says a recorded conversation again to the simulated server, and tells where its answers differ from the real one's.

Not compared, because they are the server's own to choose: times, uids and resourceVersions (the recorded ones are used, so that what
is written and what is not shows), how often the same cause is told, the random part of generated names, continue tokens, cluster
addresses. Of managedFields, the time and the members `.`: whether a mapping in between was new to its Go struct is not in the
published schemas, and nothing reads it.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from tests.simulation.apiserver.kinds import recorded_kinds
from tests.simulation.apiserver.requests import Request, Response
from tests.simulation.apiserver.server import ApiServer
from tests.simulation.apiserver.status import Cause, RefusedError, denied, invalid
from tests.simulation.recording import Change, Exchange, Line

from headgate.kube.resources import Resource

Object = dict[str, Any]

_MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
_TIMES = ("creationTimestamp", "deletionTimestamp")
_DENIED = re.compile(r"ValidatingAdmissionPolicy '([^']*)' with binding '([^']*)' denied request: (.*)", re.DOTALL)
_RULES = ("value must be an absolute path and start with '/'",)
_BY_KIND = {(kind.resource.api_version, kind.resource.kind): kind.resource for kind in recorded_kinds().values()}


class Replay:
    """One conversation with a fresh server."""

    def __init__(self) -> None:
        self._uid = ""
        self._tokens: dict[str, str] = {}
        self._expected: Exchange | None = None
        self.server = ApiServer(lambda: _MOMENT, uids=lambda: self._uid, known=recorded_kinds())
        self.server.remove(*_default_namespace())
        self.server.admission.append(self._admit)

    def differences(self, lines: Iterable[Line]) -> Iterator[str]:
        """A line for each answer that is not the recorded one."""
        begun = False
        for line in lines:
            if isinstance(line, Change):
                self._see(line)
                continue
            if not begun:
                self.server.compact()
                begun = True
            found = list(_unlike(_plain(line.status, line.answer), self._answer(line), ""))
            if found:
                yield f"{line}\n    " + "\n    ".join(found)

    def _see(self, change: Change) -> None:
        resource = _resource_of(change.object)
        if change.type != "DELETED":
            self.server.restore(resource, change.object)
            return
        metadata = change.object["metadata"]
        self.server.advance(change.version - 1)
        self.server.remove(resource, metadata["name"], metadata.get("namespace") or "")

    def _answer(self, line: Exchange) -> Any:
        query = dict(line.query)
        if "continue" in query:
            query["continue"] = self._tokens.get(query["continue"], query["continue"])
        request = Request(line.method, line.path, query, line.body, line.content_type, line.user)
        answer = line.answer if isinstance(line.answer, dict) else {}
        self._uid = (answer.get("metadata") or {}).get("uid") or ""
        self._expected = line
        self.server.advance(line.version - (0 if line.method == "GET" else 1))
        if query.get("watch") == "true":
            return _plain(200, self.server.watch(request).take())
        response = self.server.handle(request)
        self._learn(answer, response)
        return _plain(response.status, response.body)

    def _learn(self, recorded: Object, response: Response) -> None:
        """The token by which the real server was asked to go on, and ours."""
        theirs = (recorded.get("metadata") or {}).get("continue")
        if theirs and isinstance(response.body, dict):
            self._tokens[theirs] = (response.body.get("metadata") or {}).get("continue") or ""

    def _admit(self, request: Request, old: Object | None, new: Object | None) -> RefusedError | None:
        """Policies are the cluster's, and CEL is not the simulated server's: what they refused then, they refuse here."""
        answer = self._expected.answer if self._expected else None
        if not isinstance(answer, dict) or answer.get("reason") != "Invalid":
            return None
        body = new or old or {}
        resource, name = _resource_of(body), body["metadata"]["name"]
        match = _DENIED.search(answer["message"])
        if match is not None:
            return denied(resource, name, policy=match[1], binding=match[2], message=match[3])
        causes = [Cause(cause["field"], cause["reason"], cause["message"]) for cause in answer["details"]["causes"]]
        return invalid(resource, name, causes) if all(_is_rule(cause) for cause in causes) else None


def _is_rule(cause: Cause) -> bool:
    """Of the CEL rules, those that are broken in a recording."""
    return cause.message.removeprefix("Invalid value: ").startswith(_RULES)


def _default_namespace() -> tuple[Resource, str]:
    return _BY_KIND["v1", "Namespace"], "default"


def _resource_of(body: Object) -> Resource:
    return _BY_KIND[body["apiVersion"], body["kind"]]


def _plain(status: int, answer: Any) -> Any:
    return {"status": status, "answer": _compared(answer)}


def _compared(value: Any) -> Any:
    if isinstance(value, list):
        return [_compared(item) for item in value]
    if not isinstance(value, dict):
        return _worded(value) if isinstance(value, str) else value
    result = {key: _compared(item) for key, item in value.items()}
    if isinstance(value.get("metadata"), dict):
        result["metadata"] = _metadata(result["metadata"])
    if result.get("type") == "BOOKMARK":
        result["object"]["metadata"].pop("resourceVersion", None)
    if result.get("causes"):
        result["causes"] = [cause for index, cause in enumerate(result["causes"]) if cause not in result["causes"][:index]]
    spec = result.get("spec")
    if isinstance(spec, dict) and "clusterIPs" in spec:
        result["spec"] = {**spec, "clusterIP": "chosen", "clusterIPs": ["chosen"]}
    return result


def _metadata(metadata: Object) -> Object:
    result = dict(metadata)
    for key in _TIMES:
        if result.get(key):
            result[key] = "some time"
    if result.get("generateName"):
        result["name"] = result["generateName"] + "*"
    if "continue" in result:
        result["continue"] = "token"
    if "managedFields" in result:
        entries = [{**entry, "time": "", "fieldsV1": _without_self(entry.get("fieldsV1") or {})} for entry in result["managedFields"]]
        result["managedFields"] = sorted(entries, key=lambda entry: (entry["manager"], entry["operation"], entry.get("subresource", "")))
    return result


def _without_self(fields: Object) -> Object:
    return {key: _without_self(below) for key, below in fields.items() if key != "."}


def _worded(text: str) -> str:
    text = re.sub(r"too old resource version: \d+ \(\d+\)", "too old resource version", text)
    return re.sub(r" at \d{4}-\d\d-\d\dT[\d:]+Z", " at some time", text)


def _unlike(real: Any, ours: Any, path: str) -> Iterator[str]:
    if isinstance(real, dict) and isinstance(ours, dict):
        for key in sorted({*real, *ours}):
            place = f"{path}.{key}" if path else key
            if key not in ours:
                yield f"{place}: missing, the real one says {real[key]!r:.300}"
            elif key not in real:
                yield f"{place}: {ours[key]!r:.300}, the real one says nothing"
            else:
                yield from _unlike(real[key], ours[key], place)
    elif isinstance(real, list) and isinstance(ours, list) and len(real) == len(ours):
        for index, (theirs, mine) in enumerate(zip(real, ours, strict=True)):
            yield from _unlike(theirs, mine, f"{path}[{index}]")
    elif real != ours or type(real) is not type(ours):
        yield f"{path}: {ours!r:.400}, the real one says {real!r:.400}"
