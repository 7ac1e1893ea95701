"""`python -m headgate.chart install FOLDER` and `python -m headgate.chart check …`: the commands of the chart's own pods."""

import argparse
import asyncio
import socket
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from headgate.chart.check import Checks, Finding, Release
from headgate.chart.install import InstallError, install, read_objects
from headgate.kube.client import KubeClient
from headgate.kube.errors import NotConfigured
from headgate.kube.installed import read_installed

_ANSWER = 5.0
"""Seconds that a page of metrics may take."""


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 1 for what is refused or does not work, 2 where there is no cluster."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "install":
            asyncio.run(_install(options.folder))
            return 0
        return _told(asyncio.run(_check(_release(options))))
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except NotConfigured as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m headgate.chart", description="What pods of the Helm chart run.")
    commands = parser.add_subparsers(dest="command", required=True)
    installing = commands.add_parser("install", help="apply the RolloutPolicies and the TrustStore of a folder")
    installing.add_argument("folder", type=Path)
    checking = commands.add_parser("check", help="does the release work")
    checking.add_argument("--namespace", required=True, help="of the release")
    checking.add_argument("--prefix", required=True, help="of the names of its admission policies")
    checking.add_argument("--definitions", action="store_true", help="look at the CustomResourceDefinitions")
    checking.add_argument("--admission", type=read_installed, metavar="JSON", help="look at the admission policies: digests by kind/name")
    checking.add_argument("--lease", action="append", default=[], help="that somebody has to hold; may be given more than once")
    checking.add_argument("--operator", required=True, metavar="HOST:PORT", help="metrics of the operators")
    checking.add_argument("--other", action="append", default=[], metavar="HOST:PORT", help="metrics of other processes")
    return parser


def _release(options: argparse.Namespace) -> Release:
    return Release(
        namespace=options.namespace,
        prefix=options.prefix,
        definitions=options.definitions,
        admission=options.admission,
        leases=tuple(options.lease),
        operator=options.operator,
        others=tuple(options.other),
    )


async def _install(folder: Path) -> None:
    async with await KubeClient.connect() as api:
        await install(api, read_objects(folder))


async def _check(release: Release) -> list[Finding]:
    async with await KubeClient.connect() as api:
        return await Checks(api, pages).run(release)


def _told(findings: list[Finding]) -> int:
    for finding in findings:
        print(f"FAIL {finding.what}: {finding.fault}" if finding.fault else f"ok   {finding.what}")
    return 1 if any(finding.fault for finding in findings) else 0


async def pages(address: str) -> Sequence[str]:
    """The metrics of every process that the name in `address` (host:port) stands for. Raises OSError."""
    host, _, port = address.rpartition(":")
    places = sorted({place[4][0] for place in await asyncio.get_running_loop().getaddrinfo(host, int(port), type=socket.SOCK_STREAM)})
    return await asyncio.gather(*(asyncio.to_thread(_page, f"[{place}]" if ":" in str(place) else str(place), port) for place in places))


def _page(host: str, port: str) -> str:
    url = f"http://{host}:{port}/metrics"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise OSError(f"{url} does not answer: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
