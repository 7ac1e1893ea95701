"""Keys of approvers, and decisions signed for a GitOps tool to bring."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from headgate.api.approval import GovernanceApprovalSpec
from headgate.cli.governing.decisions import body_of
from headgate.cli.options import Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.view import ModelView
from headgate.governance.signatures import public_key_of, signed
from headgate.kube.resources import GOVERNANCE_APPROVALS

SIGN = Annotated[
    Path | None,
    typer.Option("--sign", metavar="KEY", help="Sign with this private key and print the object, for Git, instead of making it."),
]
_OPENSSH = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def private_key(file: Path) -> Ed25519PrivateKey:
    """From PEM or OpenSSH; the passphrase is asked for where there is one. Raises Refused."""
    try:
        written = file.read_bytes()
    except OSError as error:
        raise Refused(f"the key {file} cannot be read: {error.strerror}") from error
    load = load_ssh_private_key if written.startswith(_OPENSSH) else load_pem_private_key
    try:
        try:
            key = load(written, None)
        except TypeError:
            key = load(written, typer.prompt(f"Passphrase of {file}", hide_input=True, err=True).encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(f"{file} holds no private key that can be read, or the passphrase is another one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{file} is no Ed25519 key: make one with `openssl genpkey -algorithm ed25519 -out {file}`")
    return key


def print_signed(view: ModelView, spec: GovernanceApprovalSpec, environment: str, key: Ed25519PrivateKey, output: Format) -> None:
    """The object to commit, on standard output; what the trust store has to list, on standard error."""
    now = datetime.now(UTC).replace(microsecond=0)
    ready = signed(spec, namespace=view.namespace, environment=environment, at=now, key=key)
    document = {"apiVersion": GOVERNANCE_APPROVALS.api_version, "kind": GOVERNANCE_APPROVALS.kind, **body_of(view, ready)}
    typer.echo(rendered(document, Format.JSON if output is Format.JSON else Format.YAML))
    typer.echo(
        f"Nothing was recorded: commit it. It counts while the trust store lists {public_key_of(key)} for {spec.approver}.", err=True
    )
