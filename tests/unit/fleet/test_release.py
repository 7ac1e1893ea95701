"""Releases one after the other: what is done when, and what counts as the wrong end."""

from typing import Any

import pytest

from fleet import release as releases
from fleet.model import Model
from fleet.release import Course, Release, WrongEndError

GOOD = Release("v2", "fast")
HALTED = Release("v3", "fast", halt_at="at-50")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the cluster, in order."""
    seen: list[str] = []
    monkeypatch.setattr(releases, "apply", lambda manifest: seen.append(f"apply {manifest['spec']['version']}"))
    monkeypatch.setattr(releases, "headgate", lambda command, model, *_: seen.append(f"{command} {model}"))
    return seen


def course(*wanted: Release) -> Course:
    return Course(Model("lending", "credit"), iter(wanted))


def in_stage(version: str, name: str, **stage: str) -> dict[str, Any]:
    return {"phase": "Canary", "candidate": {"version": version, "stage": {"name": name, **stage}}}


def live(version: str) -> dict[str, Any]:
    return {"phase": "Live", "stable": {"version": version}}


def taken_back(version: str, phase: str = "RolledBack") -> dict[str, Any]:
    return {"phase": phase, "stable": {"version": "v1"}, "blocked": [{"version": version}]}


def test_the_next_release_begins_when_the_last_one_has_ended(done: list[str]) -> None:
    model = course(GOOD, HALTED)
    for status in ({}, live("v1"), in_stage("v2", "at-50", effective="now"), live("v2")):
        model.step(status)
    assert done == ["apply v2", "apply v3"]
    assert model.done == [GOOD]


def test_a_person_halts_once_and_only_in_the_stage_that_has_begun(done: list[str]) -> None:
    model = course(HALTED)
    begun = in_stage("v3", "at-50", effective="now")
    for status in ({}, in_stage("v3", "at-25", effective="now"), in_stage("v3", "at-50")):
        model.step(status)
    assert done == ["apply v3"]
    for status in (begun, begun, taken_back("v3", phase="RollingBack")):
        model.step(status)
    assert done == ["apply v3", "halt credit"]
    assert not model.finished
    model.step(taken_back("v3"))
    assert model.finished
    assert model.done == [HALTED]


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize(("wanted", "status"), [(GOOD, taken_back("v2")), (HALTED, live("v3"))])
def test_another_end_than_the_wanted_one_is_an_error(wanted: Release, status: dict[str, Any]) -> None:
    model = course(wanted)
    model.step({})
    with pytest.raises(WrongEndError):
        model.step(status)
