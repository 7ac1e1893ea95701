"""`python -m headgate run` starts the operator, `monitor` the watch on live models, and `replay` a comparison of answers, in a Job that
the operator makes."""

import argparse
import asyncio
import os
import sys
from pathlib import Path

from headgate import __version__
from headgate.api.replay import PLAN_VARIABLE
from headgate.config import ConfigError, read_settings
from headgate.controller.app import run
from headgate.kube.errors import NotConfigured
from headgate.replay.run import replay
from headgate.telemetry.logs import configure_logging


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 2 for a configuration that is not usable."""
    parser = argparse.ArgumentParser(prog="python -m headgate", description="Progressive delivery of machine-learning models.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = (
        "run: the operator, until SIGTERM. monitor: the watch on live models, until SIGTERM. replay: one comparison of answers, as "
        "HEADGATE_REPLAY_PLAN says"
    )
    parser.add_argument("command", choices=["run", "monitor", "replay"], help=commands)
    command = parser.parse_args(arguments).command
    if command == "replay":
        return replay(os.environ.get(PLAN_VARIABLE, ""), Path("/dev/termination-log"))
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        if command == "monitor":
            # The operator does without what only this needs.
            from headgate.monitor.app import run as watch

            return asyncio.run(watch(settings))
        return asyncio.run(run(settings))
    except (ConfigError, NotConfigured) as error:
        print(f"headgate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
