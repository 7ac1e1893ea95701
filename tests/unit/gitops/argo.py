"""Argo CD's Lua: version 5.1 with base, table and os alone, and the object as the global `obj`."""

from typing import Any

import yaml
from lupa import lua51
from tests.resources import ROOT

SCRIPTS = ROOT / "gitops/argocd/headgate.dev"
STATES = {"Healthy", "Progressing", "Suspended", "Degraded", "Missing", "Unknown"}


def run(script: str, manifest: dict[str, Any]) -> Any:
    """What `script` returns about an object, as plain Python values. Raises lua51.LuaError."""
    lua = lua51.LuaRuntime(unpack_returned_tuples=True, register_eval=False, register_builtins=False)
    # What Argo CD does not open. Without the metatable methods of strings are gone as well.
    lua.execute("getmetatable('').__index = nil; python, string, math, io, debug, coroutine = nil, nil, nil, nil, nil, nil")
    lua.globals().obj = lua.table_from(manifest, recursive=True)
    return _plain(lua.execute(script))


def health(manifest: dict[str, Any]) -> tuple[str, str]:
    """State and message that Argo CD shows. A state that it does not know is a failure."""
    found = run((SCRIPTS / manifest["kind"] / "health.lua").read_text(), manifest)
    assert set(found) == {"status", "message"}
    assert found["status"] in STATES
    return found["status"], found["message"]


def actions(manifest: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The entries of the menu of an object, by name."""
    described = yaml.safe_load((SCRIPTS / manifest["kind"] / "actions.yaml").read_text())
    found: dict[str, dict[str, Any]] = run(described["discovery.lua"], manifest)
    return found


def _plain(value: Any) -> Any:
    return {key: _plain(inner) for key, inner in value.items()} if lua51.lua_type(value) == "table" else value
