"""python -m demo VERSION...: release the versions one after the other under traffic and report what users noticed."""

import argparse
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live

from demo import people
from demo.kubectl import ROOT, apply, kubectl, remove
from demo.release import Ending, Moment, perform
from demo.report import Line, conclude, line
from demo.traffic import Load, Served, Users
from demo.versions import FIRST, RELEASES, Release
from demo.view import picture

HOST = "credit.models.example"
PATH = "/v1/score?income=42000&debt=9000&requested_amount=12000&late_payments=1&history_months=84"


def main() -> int:
    arguments = _arguments()
    _prepare(arguments.keep)
    built_to_fail = {v for v in arguments.versions if RELEASES[v].built_to_fail}
    load = Load(arguments.load, arguments.gateway + PATH, [HOST], Users(arguments.out.parent / "requests.jsonl"))
    lines: list[Line] = []
    console = Console()
    if not arguments.keep:
        _perform(FIRST, Users(Path("/nonexistent")), console, arguments.deadline)
    with load as users:
        for version in arguments.versions:
            ending = _perform(RELEASES[version], users, console, arguments.deadline)
            _settle(users)
            lines.append(line(RELEASES[version], ending, users.served.get(version, Served())))
    final = [_refreshed(entry, load.users) for entry in lines]
    return conclude(final, load.users, built_to_fail, arguments.out)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo")
    parser.add_argument("versions", nargs="+", choices=sorted(RELEASES))
    parser.add_argument("--gateway", required=True, help="URL of the gateway")
    parser.add_argument("--load", required=True, type=Path, help="the load generator's binary")
    parser.add_argument("--out", type=Path, default=ROOT / "build/demo/report.json")
    parser.add_argument("--deadline", type=float, default=360, help="seconds for one release")
    parser.add_argument("--keep", action="store_true", help="go on with the model that is there")
    return parser.parse_args()


def _prepare(keep: bool) -> None:
    if not keep:
        remove(people.NAMESPACE)
    apply(*people.objects())
    for policy in ("fast", "fast-canary"):
        kubectl("apply", "-f", str(ROOT / f"examples/policies/{policy}.yaml"))


def _perform(release: Release, users: Users, console: Console, deadline: float) -> Ending:
    started = time.monotonic()
    with Live(console=console, refresh_per_second=4, transient=console.is_terminal) as live:

        def seen(moment: Moment) -> None:
            for part in ("stable", "candidate"):
                known = moment.status.get(part) or {}
                if known:
                    users.revisions[known["revision"]] = known["version"]
            users.read()
            live.update(picture(release, moment, users))

        ending = perform(release, deadline, seen)
    console.print(
        f"{release.version} ({release.what}): [bold]{ending.outcome}[/bold] {ending.reason} after {time.monotonic() - started:.0f} s"
    )
    if ending.evidence:
        console.print(f"  {ending.evidence}")
    return ending


def _settle(users: Users) -> None:
    """The last requests of a version that was taken off end within a second; those without an answer at the end of the demo."""
    time.sleep(1)
    users.read()


def _refreshed(entry: Line, users: Users) -> Line:
    served = users.served.get(entry.version, Served())
    return line(RELEASES[entry.version], Ending(entry.outcome, entry.reason, entry.evidence), served)


if __name__ == "__main__":
    sys.exit(main())
