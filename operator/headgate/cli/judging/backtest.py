"""`headgate backtest`: what the judge would have said of rollouts that were recorded, or of a model against itself."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headgate.api.quantities import Duration
from headgate.api.vocabulary import Metric
from headgate.cli.cluster import Access
from headgate.cli.completing.names import model_names
from headgate.cli.judging.plan import PROMETHEUS
from headgate.cli.judging.policy_file import policy_of
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE

if TYPE_CHECKING:
    from headgate.cli.judging.rejudge import Result

MODEL = Annotated[
    str | None,
    typer.Argument(metavar="MODEL", help="An AIModel, against itself. Or give --blocks.", show_default=False, autocompletion=model_names),
]
BLOCKS = Annotated[
    Path | None, typer.Option("--blocks", exists=True, dir_okay=False, help="Counts per series and block: .csv, .csv.gz or .parquet.")
]
CALIBRATION = Annotated[
    Path | None,
    typer.Option("--calibration", exists=True, dir_okay=False, help="The same of each stable pod against the others, with a column arm."),
]
POLICY = Annotated[
    str | None, typer.Option("--policy", "-p", help="NAME, NAMESPACE/NAME or FILE.yaml; with --blocks a file.", show_default=False)
]
SINCE = Annotated[str, typer.Option("--since", help="How far back the model's pods are looked at.")]
ROLLOUT = Annotated[str, typer.Option("--rollout", help="How long each rollout of the model against itself lasts.")]
JSON = Annotated[bool, typer.Option("--json", help="One JSON object per rollout and line, instead of a summary.")]


def backtest(
    model: MODEL = None,
    blocks: BLOCKS = None,
    policy: POLICY = None,
    calibration: CALIBRATION = None,
    since: SINCE = "1d",
    rollout: ROLLOUT = "1h",
    prometheus: PROMETHEUS = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    as_json: JSON = False,
) -> None:
    """Judge rollouts that are over by a policy's checks: roll back, promote, or neither, and when.

    With MODEL: its stable pods, each in turn against the others, as Prometheus counted them. Nothing differs between them, so what is taken
    back is taken back falsely.

    With --blocks: recorded rollouts. Columns: series, t (end of the block in seconds since the rollout began), stable_requests,
    stable_errors, candidate_requests, candidate_errors; with latency checks also stable_le_BOUND and candidate_le_BOUND (cumulative), with
    a check of value stable_value_sum and candidate_value_sum (of the block's requests). In the calibration file each stable pod is the
    candidate and the others are the stable version; t < 0 is its history.
    """
    if (model is None) is (blocks is None):
        raise typer.BadParameter("name a MODEL or give --blocks, one of them")
    if blocks is not None:
        if policy is None:
            raise typer.BadParameter("--blocks needs --policy FILE.yaml")
        _of_a_file(blocks, Path(policy), calibration, as_json)
    elif model is not None:
        _of_a_model(model, policy, (since, rollout), prometheus, Access(namespace, context, as_user), as_json)


def _of_a_file(blocks: Path, policy: Path, calibration: Path | None, as_json: bool) -> None:
    # What reads and judges files takes a second to load, and other commands do without.
    from headgate.cli.judging.rejudge import rejudge

    results, notes = rejudge(policy_of(policy), blocks, calibration)
    for note in notes:
        typer.echo(note, err=True)
    typer.echo("\n".join(_documents(results) if as_json else _summary(results)))


def _of_a_model(model: str, policy: str | None, times: tuple[str, str], address: str | None, access: Access, as_json: bool) -> None:
    from headgate.cli.judging import own_past

    seconds, rollout = (float(duration(text)) for text in times)
    nothing = "there is nothing to set against itself"
    spec, blocks = own_past.of_model(model, policy, seconds, address, access, counted=frozenset(Metric), otherwise=nothing)
    interval = float(spec.analysis.interval)
    played = own_past.replayed(spec, blocks, interval, rollout)
    for note in played.notes:
        typer.echo(note, err=True)
    typer.echo("\n".join(_documents(played.results) if as_json else own_past.told(played, interval, rollout)))


def duration(text: str) -> Duration:
    """As an option has it."""
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _documents(results: "list[Result]") -> Iterator[str]:
    return (json.dumps(result.document(), allow_nan=False) for result in results)


def _summary(results: "list[Result]") -> Iterator[str]:
    yield f"{len(results)} rollouts"
    for decision in ("rollback", "promote", "none"):
        times = sorted(result.t for result in results if result.decision == decision and result.t is not None)
        number = sum(result.decision == decision for result in results)
        median = f", median after {times[len(times) // 2]:.0f} s" if times else ""
        yield f"  {decision:9} {number:6} ({100 * number / len(results):.1f} %){median}"
