"""`headgate vendor`: what the evaluation of a vendor in a file comes to, and how much notice was given. Needs no cluster."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console

from headgate.api.faults import first_fault
from headgate.api.gates import VendorVetoes
from headgate.api.policy import RolloutPolicySpec
from headgate.api.vendor import Recommendation, Vendor, VendorStatus
from headgate.api.vocabulary import VendorCriterion
from headgate.cli.manifest_file import manifest_in
from headgate.cli.options import OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.vendor_words import vendor_words
from headgate.governance.vendor_evaluation import WEIGHTS, evaluated
from headgate.rollout.vendors import vendor_status

FILE = Annotated[Path, typer.Option("--filename", "-f", help="A manifest with an AIModel.", show_default=False)]
POLICY = Annotated[
    Path | None,
    typer.Option("--policy", help="A manifest with the RolloutPolicy, for its vetoes; else the usual ones.", show_default=False),
]


def vendor(file: FILE, policy: POLICY = None, output: OUTPUT = Format.TEXT) -> None:
    """Say what the evaluation of the vendor in a file comes to, rating by rating, and how much notice was given of changes.

    Asks no cluster.
    Exit code 1 if the vendor would keep the UseCase gate closed: REJECTED or REQUIRES_REMEDIATION.
    """
    body = manifest_in(file, "AIModel")
    told = _vendor(body, file)
    vetoes = _vetoes(policy)
    status = vendor_status(told, evaluated(told, vetoes))
    if output is Format.TEXT:
        _show(told, status, vetoes)
    else:
        typer.echo(rendered(status.model_dump(mode="json", by_alias=True, exclude_none=True), output))
    if status.recommendation in (Recommendation.REJECTED, Recommendation.REQUIRES_REMEDIATION):
        raise typer.Exit(1)


def _vendor(body: dict[str, object], file: Path) -> Vendor:
    spec = body.get("spec")
    written = spec.get("vendor") if isinstance(spec, dict) else None
    if written is None:
        raise Refused(f"{file}: spec.vendor is not there: the model is your own, or its vendor is still to be written down")
    try:
        return Vendor.model_validate(written)
    except ValidationError as error:
        raise Refused(f"{file}: {first_fault(error, 'spec.vendor')}") from error


def _vetoes(file: Path | None) -> tuple[VendorCriterion, ...]:
    if file is None:
        return VendorVetoes().vetoes
    try:
        return RolloutPolicySpec.model_validate(manifest_in(file, "RolloutPolicy").get("spec")).gates.vendor_vetoes
    except ValidationError as error:
        raise Refused(f"{file}: {first_fault(error, 'spec')}") from error


def _show(told: Vendor, status: VendorStatus, vetoes: tuple[VendorCriterion, ...]) -> None:
    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(f"{told.name} {told.product}: {status.recommendation}", style="bold")
    for words in vendor_words(status):
        console.print(f"  {words}")
    console.print("Ratings", style="bold")
    for criterion, weight in WEIGHTS.items():
        rating = told.evaluation.of(criterion) if told.evaluation is not None else None
        score = f"{rating} ({rating.score})" if rating is not None else "not rated"
        console.print(f"  {criterion:<17} {weight / 100:.2f}  {score}{', veto' if criterion in vetoes else ''}")
