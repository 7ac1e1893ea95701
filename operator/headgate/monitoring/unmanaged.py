"""Which workloads serve models, or send data to AI services. Only what matched is told: the name of a variable and a known address, never a
value, which may be a key."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from headgate.api.remembering import per_object
from headgate.monitoring.ai_signatures import Signature, Signatures

MOST_SIGNS = 16
_MOST_TEXT = 20_000
_HOST = re.compile(r"(?:(?:\*|[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\.){1,10}[a-z]{2,24}")
"""Egress rules may have `*` for a part."""
_WORDS = re.compile(r"[\s;&|()'\"]+")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Sign:
    """What a workload was recognised by. `host` is the address that was found, where it was one."""

    product: str
    where: str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """Something that uses AI and that no AIModel owns, with what says so; at most MOST_SIGNS of it."""

    namespace: str
    kind: str
    name: str
    signs: tuple[Sign, ...]


def signs_of_pod(spec: Mapping[str, Any], signatures: Signatures) -> tuple[Sign, ...]:
    """Of a pod's spec, as decoded JSON: whatever is in it of another form than the API's is passed over. Each sign once."""
    containers = [one for kind in _CONTAINERS for one in _list(spec.get(kind)) if isinstance(one, Mapping)]
    found = (sign for container in containers for sign in _of_container(container, signatures))
    return tuple(dict.fromkeys(found))[:MOST_SIGNS]


def signs_of_egress(spec: Any, signatures: Signatures) -> tuple[Sign, ...]:
    """Of an object that names the addresses that pods may reach: wherever they are in it."""
    found = (Sign(product, "its hosts", host) for text in _strings(spec) for product, host in _hosts(text, signatures))
    return tuple(dict.fromkeys(found))[:MOST_SIGNS]


def _of_container(container: Mapping[str, Any], signatures: Signatures) -> Iterator[Sign]:
    of = f"of container {container.get('name') or '?'}"
    image = str(container.get("image") or "")
    command = [part for part in (*_list(container.get("command")), *_list(container.get("args"))) if isinstance(part, str)]
    words, path = _words(command), _path(image)
    for product, signature in signatures.products.items():
        if any(_image_matches(path, pattern) for pattern in signature.images):
            yield Sign(product, f"image {_without_digest(image)} {of}")
        for asked in signature.commands:
            if _follow(words, asked.split(" ")):
                yield Sign(product, f"command `{asked}` {of}")
    for part in command:
        for product, host in _hosts(part, signatures):
            yield Sign(product, f"arguments {of}", host)
    yield from _of_environment(container, of, signatures)


def _of_environment(container: Mapping[str, Any], of: str, signatures: Signatures) -> Iterator[Sign]:
    named = _by_variable(signatures)
    for variable in _list(container.get("env")):
        if not isinstance(variable, Mapping):
            continue
        name = str(variable.get("name") or "")
        where = f"environment variable {name} {of}"
        hosts = list(_hosts(str(variable.get("value") or ""), signatures))
        yield from (Sign(product, where, host) for product, host in hosts)
        if not hosts:
            yield from (Sign(product, where) for product in named.get(name, ()))


def _path(image: str) -> str:
    """Of an image, without digest and tag, after a slash: `/registry.example:5000/vllm/vllm-openai`."""
    head, slash, last = _without_digest(image).lower().rpartition("/")
    return f"/{head}{slash}{last.partition(':')[0]}"


def _image_matches(path: str, pattern: str) -> bool:
    """Whether the parts of `pattern` follow each other in `path`, whatever registry and mirror are before them."""
    return _within(pattern).search(path) is not None


def _without_digest(image: str) -> str:
    return image.partition("@")[0]


def _words(command: Iterable[str]) -> list[str]:
    """As the shell would part them, nearly; of a path only the name of the program."""
    return [word.rpartition("/")[2] for part in command for word in _WORDS.split(part[:_MOST_TEXT]) if word]


def _follow(words: list[str], asked: list[str]) -> bool:
    return any(words[begin : begin + len(asked)] == asked for begin in range(len(words) - len(asked) + 1))


def _hosts(text: str, signatures: Signatures) -> Iterator[tuple[str, str]]:
    """(product, host) for each known address in `text`."""
    known = _any_host(signatures)
    for host in dict.fromkeys(_HOST.findall(text[:_MOST_TEXT].lower())):
        if not known.fullmatch(host):
            continue
        for product, signature in signatures.products.items():
            if _host_matches(host, signature):
                yield product, host


def _host_matches(host: str, signature: Signature) -> bool:
    return any(_whole(pattern).fullmatch(host) for pattern in signature.hosts)


def _glob(pattern: str, between: str) -> str:
    """A regular expression in which `*` stands for what has no `between` in it."""
    return f"[^{between}]*".join(map(re.escape, pattern.split("*")))


@lru_cache(maxsize=8192)
def _within(image: str) -> re.Pattern[str]:
    return re.compile(f"/{_glob(image, '/')}(?:/|$)")


@lru_cache(maxsize=8192)
def _whole(host: str) -> re.Pattern[str]:
    return re.compile(_glob(host, "."))


@per_object(4)
def _any_host(signatures: Signatures) -> re.Pattern[str]:
    """Most addresses are of nobody: one look tells."""
    return re.compile("|".join(_glob(host, ".") for one in signatures.products.values() for host in one.hosts) or "(?!)")


@per_object(4)
def _by_variable(signatures: Signatures) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for product, signature in signatures.products.items():
        for name in signature.environment:
            found[name] = (*found.get(name, ()), product)
    return found


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
