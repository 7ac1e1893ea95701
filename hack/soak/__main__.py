"""python -m soak: models roll under load for SOAK_MINUTES; ends with a table, and with exit code 1 if anything grew or failed."""

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from demo.__main__ import PATH
from demo.kubectl import ROOT, CommandError, remove
from demo.traffic import Load, Rates
from fleet.model import Model, prepare, statuses
from fleet.policy import policy, stage
from fleet.release import Course, Release, WrongEndError
from fleet.users import Fleet
from soak.figures import Minute, Soak, faults, written_between
from soak.measure import Meter, traces, writes
from soak.report import table

ROLLING, STABLE = "soak", "soak-stable"
SHARES = (25, 50)
RATES = Rates(http1=120, http2=59, streams=1)
PROBED_EACH = 5
"""Seconds. Probes of 150 pods a second take a tenth of the machine, which is small enough for what is measured."""
QUIET = 330.0
"""Seconds: a full list of everything, each 300 s, is within them."""
LOOK = 60.0
SETTLE = 900.0
"""Seconds for what must happen before the soak begins, and after its time for rollouts that are under way."""


def main() -> int:
    arguments = _arguments()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    soak = Soak(switches_wanted=arguments.models)
    console = Console(width=None if sys.stdout.isatty() else 160)
    try:
        _run(arguments, soak, console)
    finally:
        arguments.out.write_text(json.dumps(asdict(soak), indent=1) + "\n")
        console.print(table(soak))
        for namespace in (ROLLING, STABLE):
            remove(namespace)
    found = faults(soak)
    for fault in found:
        console.print(f"[red]{fault}[/red]")
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--models", type=int, default=50, help="models that roll")
    parser.add_argument("--stable", type=int, default=10, help="models that nobody touches")
    parser.add_argument("--gateway", required=True, help="URL of the gateway")
    parser.add_argument("--prometheus", required=True, help="URL of Prometheus")
    parser.add_argument("--load", required=True, type=Path, help="the load generator's binary")
    parser.add_argument("--out", type=Path, default=ROOT / "build/soak/report.json")
    return parser.parse_args()


def _run(arguments: argparse.Namespace, soak: Soak, console: Console) -> None:
    rolling = [Model(ROLLING, f"rolling-{number}", probed_each=PROBED_EACH) for number in range(arguments.models)]
    stable = [Model(STABLE, f"stable-{number}", probed_each=PROBED_EACH) for number in range(arguments.stable)]
    # Nine stages' time holds a promotion and a rollback of each model, those that start last included.
    seconds = max(22, min(90, round(arguments.minutes * 60 / 9)))
    prepare(ROLLING, policy("soak", SHARES, seconds=seconds, interval=5))
    prepare(STABLE)
    console.print(f"{len(rolling)} models to roll, {len(stable)} to stay as they are; stages of {seconds} s; {arguments.minutes:g} minutes")
    fleet = Fleet(arguments.out.parent / "requests.jsonl")
    _go_live([*rolling, *stable])
    load = Load(arguments.load, arguments.gateway + PATH, [model.host for model in (*rolling, *stable)], fleet, RATES)
    try:
        with load:
            _quiet(soak)
            before = traces(STABLE)
            _roll(rolling, fleet, soak, console, arguments, seconds)
            after = traces(STABLE)
            soak.stable_writes = written_between(before, after)
    finally:
        fleet.read()
        soak.failed_requests = tuple(json.dumps(record) for record in fleet.failed)
        soak.unanswered = load.summary.get("pending", 0)


def _go_live(models: list[Model]) -> None:
    """First versions, all at once. Raises TimeoutError."""
    courses = [Course(model, iter([Release("v1", "soak")])) for model in models]
    until = time.monotonic() + SETTLE
    while time.monotonic() < until:
        _step(courses)
        if all(course.finished for course in courses):
            return
        time.sleep(2)
    raise TimeoutError(f"not live after {SETTLE:g} s: {[course.model.name for course in courses if not course.finished]}")


def _step(courses: list[Course]) -> None:
    seen = {(namespace, name): status for namespace in (ROLLING, STABLE) for name, status in statuses(namespace).items()}
    for course in courses:
        course.step(seen.get((course.model.namespace, course.model.name), {}))


def _quiet(soak: Soak) -> None:
    """Users only. What the last rollouts left to write is written first."""
    time.sleep(30)
    before, begun = writes(), time.monotonic()
    time.sleep(QUIET)
    soak.quiet_writes = dict(writes() - before)
    soak.quiet_seconds = time.monotonic() - begun


def _releases(number: int, begin: float, until: float) -> Iterator[Release]:
    """Good versions and others in turn, at least one of each, no new one after `until`. Half of the others fail, half are halted."""
    stages = itertools.cycle([stage(share) for share in (*SHARES, 99)])
    for turn in itertools.count():
        if turn >= 2 and time.monotonic() > until:
            return
        version, good = f"v{turn + 2}", (turn + number) % 2 == 0
        if good:
            yield Release(version, "soak")
        elif number % 2:
            yield Release(version, "soak", fails=True)
        else:
            yield Release(version, "soak", halt_at=next(stages))


def _roll(models: list[Model], fleet: Fleet, soak: Soak, console: Console, arguments: argparse.Namespace, stage_seconds: int) -> None:
    """The soak itself: until its time is over and what is under way has ended."""
    meter, begun = Meter(arguments.prometheus), time.monotonic()
    until = begun + arguments.minutes * 60
    courses = [Course(model, _releases(number, begun, until)) for number, model in enumerate(models)]
    # Spread over the time of one rollout, so that they are in different stages at any moment.
    starts = [begun + number * 3 * stage_seconds / len(models) for number in range(len(models))]
    wrong: dict[str, str] = {}
    last_writes, next_look = writes(), begun
    while True:
        now = time.monotonic()
        if now >= next_look:
            total = writes()
            soak.minutes.append(_look(meter, now - begun, courses, fleet, dict(total - last_writes)))
            last_writes, next_look = total, next_look + LOOK
            console.print(_line(soak.minutes[-1]))
        seen = statuses(ROLLING)
        for course, start in zip(courses, starts, strict=True):
            if now < start or course.model.name in wrong:
                continue
            try:
                course.step(seen.get(course.model.name, {}))
            except (WrongEndError, CommandError) as error:
                wrong[course.model.name] = str(error)
        soak.wrong_ends = tuple(wrong.values())
        ended = all(course.finished or course.model.name in wrong for course in courses)
        if now > until and (ended or now > until + SETTLE):
            late = [course.model.name for course in courses if not course.finished and course.model.name not in wrong]
            soak.wrong_ends += tuple(f"{name}: its rollout has not ended" for name in late)
            soak.minutes.append(_look(meter, now - begun, courses, fleet, dict(writes() - last_writes)))
            return
        time.sleep(2)


def _look(meter: Meter, seconds: float, courses: list[Course], fleet: Fleet, written: dict[str, int]) -> Minute:
    fleet.read()
    done = [release for course in courses for release in course.done]
    return Minute(
        seconds=round(seconds, 1),
        processes=meter.processes(seconds),
        writes=written,
        promoted=sum(release.ends == "Live" for release in done),
        rolled_back=sum(release.ends != "Live" for release in done),
        requests=sum(fleet.kinds.values()),
        failed=len(fleet.failed),
    )


def _line(minute: Minute) -> str:
    processes = ", ".join(f"{p.rss_mib:.0f} MiB {p.series} series {p.cores:.2f} cores" for p in minute.processes.values())
    switches = f"{minute.promoted} promoted, {minute.rolled_back} rolled back"
    return f"{minute.seconds / 60:5.1f} min  {switches}  {minute.requests} requests, {minute.failed} failed  {processes}"


if __name__ == "__main__":
    sys.exit(main())
