"""`headgate fingerprint`: asks a model the requests of a file and writes them with its answers, for spec.vendor.fingerprint."""

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.refused import Refused
from headgate.replay.recording import record
from headgate.replay.requests import UnusableError

REQUESTS = Annotated[Path, typer.Argument(help="JSON lines, each with a body: at most 200 requests.", show_default=False)]
URL = Annotated[str, typer.Option("--url", help="Where the model answers, like http://localhost:8080.", show_default=False)]
FILE = Annotated[Path, typer.Option("--filename", "-f", help="The file to write.", show_default=False)]
PATH = Annotated[str, typer.Option("--path", help="Of requests that name none.")]


def fingerprint(requests: REQUESTS, url: URL, file: FILE, path: PATH = "/") -> None:
    """Record the answers of a vendor's model to the requests in a file, and print the digest for spec.vendor.fingerprint.probes.

    The model is reached through `kubectl port-forward`, not through the gateway: users' counters stay as they are.
    """
    try:
        lines = asyncio.run(record(requests.read_bytes(), url.rstrip("/"), path))
        data = "".join(f"{json.dumps(line, separators=(',', ':'), ensure_ascii=False)}\n" for line in lines).encode()
        file.write_bytes(data)
    except OSError as error:
        raise Refused(f"{error.filename}: {error.strerror}") from error
    except UnusableError as error:
        raise Refused(str(error)) from error
    typer.echo(f"{len(lines)} answers recorded in {file}")
    typer.echo(f"digest: sha256:{hashlib.sha256(data).hexdigest()}")
