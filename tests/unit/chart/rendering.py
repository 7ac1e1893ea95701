"""The chart as Helm renders it."""

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.resources import ROOT

CHART = ROOT / "charts" / "headgate"
Object = dict[str, Any]

needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not on the PATH")


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, timeout=60, check=False)


def template(*settings: str, chart: Path = CHART, files: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """`helm template` in the environment test, without the monitor unless it is asked for. A setting is `path=value` as for --set, or
    `path:=JSON`."""
    arguments = [argument for file in files for argument in ("--values", str(file))]
    for setting in ("environment=test", "monitor.enabled=false", *settings):
        path, is_json, value = setting.partition(":=")
        arguments += ["--set-json", f"{path}={value}"] if is_json else ["--set", setting]
    return helm("template", "headgate", str(chart), "--namespace", "headgate-system", *arguments)


def objects_of(done: subprocess.CompletedProcess[str]) -> tuple[Object, ...]:
    assert done.returncode == 0, done.stderr
    return tuple(document for document in yaml.safe_load_all(done.stdout) if document)


@cache
def rendered(*settings: str) -> tuple[Object, ...]:
    return objects_of(template(*settings))


def refused(*settings: str) -> str:
    """What Helm says. Fails if it renders."""
    done = template(*settings)
    assert done.returncode != 0, f"{settings} is taken"
    return done.stderr


def of_kind(kind: str, *settings: str) -> list[Object]:
    return [document for document in rendered(*settings) if document["kind"] == kind]


def named(kind: str, name: str, *settings: str) -> Object:
    (found,) = [document for document in of_kind(kind, *settings) if document["metadata"]["name"] == name]
    return found


def rights(role: Object) -> dict[str, set[str]]:
    """The verbs by resource."""
    granted: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for resource in rule["resources"]:
            granted.setdefault(resource, set()).update(rule["verbs"])
    return granted


def schema() -> Object:
    loaded: Object = json.loads((CHART / "values.schema.json").read_text())
    return loaded


def environment_of(deployment: Object) -> dict[str, str | None]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value") for entry in container["env"]}
