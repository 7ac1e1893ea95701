"""`python -m headgate run` starts the operator."""

import argparse
import asyncio
import os
import sys

from headgate import __version__
from headgate.config import ConfigError, read_settings
from headgate.controller.app import run
from headgate.kube.errors import NotConfigured
from headgate.telemetry import configure_logging


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 2 for a configuration that is not usable."""
    parser = argparse.ArgumentParser(prog="python -m headgate", description="Progressive delivery of machine-learning models.")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("command", choices=["run"], help="run: the operator, until SIGTERM")
    parser.parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        configure_logging(settings.log_level)
        return asyncio.run(run(settings))
    except (ConfigError, NotConfigured) as error:
        print(f"headgate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
