"""Wrong builds of the operator: each forgets one thing that keeps users safe. The simulation must find every one of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from tests.simulation.trace import Script

from headgate.api.vocabulary import Verdict
from headgate.controller.routing import RoutePlan
from headgate.controller.traffic import TrafficWriter
from headgate.evidence.view import Evidence
from headgate.rollout import advance, enter
from headgate.rollout.draft import Draft
from headgate.rollout.snapshot import RouteState, Snapshot
from headgate.rollout.stages import Step


def as_drawn(script: Script) -> Script:
    return script


def established(script: Script) -> Script:
    """A version is live from the beginning."""
    return replace(script, plan=replace(script.plan, fresh=False))


def meddled(script: Script) -> Script:
    """Somebody edits the route just before each raise is written."""
    return replace(script, plan=replace(script.plan, meddled=True))


def refusing(script: Script) -> Script:
    """The gateway refuses new routes again and again."""
    moments = tuple((float(at), "refuse-route") for at in range(3, 30, 3))
    return replace(script, weather=replace(script.weather, until=30.0, world=moments))


Breakage = Callable[[], AbstractContextManager[Any]]


_served = advance._served
_write = TrafficWriter._write


async def _write_anyway(self: TrafficWriter, form: dict[str, Any], version: str = "", *, force: bool = True) -> None:
    await _write(self, form, "", force=force)


def _first_pass(draft: Draft, snapshot: Snapshot, step: Step, evidence: Evidence | None) -> bool:
    if not step.compares:
        return _served(draft, snapshot, step, evidence)
    return evidence is not None and evidence.verdict is Verdict.PASS


@contextmanager
def _ascending(**wrong: Any) -> Iterator[None]:
    """Wherever a candidate rises: into a stage, and on from it."""
    with patch.multiple(enter, **wrong), patch.multiple(advance, **wrong):
        yield


BREAKAGES: Mapping[str, tuple[Breakage, frozenset[str], Callable[[Script], Script]]] = {
    "the status is recorded after a weight was raised": (
        lambda: patch.object(RoutePlan, "lowers", property(lambda plan: True)),
        frozenset({"recorded-ahead"}),
        as_drawn,
    ),
    "users leave after the status was recorded": (
        lambda: patch.object(RoutePlan, "lowers", property(lambda plan: False)),
        frozenset({"users-leave-first"}),
        as_drawn,
    ),
    "a raising write rests on no resourceVersion": (
        lambda: patch.object(TrafficWriter, "_write", _write_anyway),
        frozenset({"orders-obeyed", "blocked-stays-off", "recorded-ahead", "approved-only"}),
        meddled,
    ),
    "no lease is asked for before writes": (
        lambda: patch("headgate.controller.parts.fenced", lambda api, leading: api),
        frozenset({"no-write-without-lease", "one-leader"}),
        as_drawn,
    ),
    "the gate is not read": (
        lambda: _ascending(gate_open=lambda candidate: True),
        frozenset({"approved-only"}),
        as_drawn,
    ),
    "rejections are not remembered": (
        lambda: patch("headgate.rollout.decide.latch_negatives", lambda draft, snapshot: draft),
        frozenset({"negatives-latched"}),
        as_drawn,
    ),
    "guards and evidence are not looked at": (
        lambda: patch("headgate.rollout.stop.measured", lambda snapshot, policy: None),
        frozenset({"harm-leaves", "harm-never-live"}),
        as_drawn,
    ),
    "a stage ends with its first Pass": (
        lambda: patch(
            "headgate.rollout.advance._served", lambda draft, snapshot, step, evidence: bool(evidence and evidence.verdict == "Pass")
        ),
        frozenset({"stage-time"}),
        established,
    ),
    "weights rise without pods": (
        lambda: _ascending(reachable=lambda step, *_: step.weight, floor_of=lambda *_: 0),
        frozenset({"endpoints-first"}),
        as_drawn,
    ),
    "pods go before the gateway lets go of them": (
        lambda: patch.object(RouteState, "may_serve", lambda self, revision: bool(self.weights.get(revision))),
        frozenset({"serving-kept"}),
        refusing,
    ),
}
"""What is broken, how, which invariants may be the ones to find it, and under which conditions that takes few traces."""
