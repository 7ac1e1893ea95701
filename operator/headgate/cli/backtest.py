"""`headgate backtest`: what the judge would have said of rollouts that were recorded, many at once and without a cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headgate.cli.policy_file import policy_of

if TYPE_CHECKING:
    from headgate.cli.rejudge import Result

BLOCKS = Annotated[
    Path, typer.Option("--blocks", exists=True, dir_okay=False, help="Counts per series and block: .csv, .csv.gz or .parquet.")
]
CALIBRATION = Annotated[
    Path | None,
    typer.Option("--calibration", exists=True, dir_okay=False, help="The same of each stable pod against the others, with a column arm."),
]
POLICY = Annotated[Path, typer.Option("--policy", "-p", exists=True, dir_okay=False, help="The RolloutPolicy to judge by.")]
JSON = Annotated[bool, typer.Option("--json", help="One JSON object per series and line, instead of a summary.")]


def backtest(blocks: BLOCKS, policy: POLICY, calibration: CALIBRATION = None, as_json: JSON = False) -> None:
    """Judge recorded blocks by a policy's checks: roll back, promote, or neither, and when.

    Columns of the files: series, t (end of the block in seconds since the rollout began), stable_requests, stable_errors,
    candidate_requests, candidate_errors; with latency checks also stable_le_BOUND and candidate_le_BOUND (cumulative). In the calibration
    file each stable pod is the candidate and the others are the stable version; t < 0 is its history.
    """
    # What reads and judges files takes a second to load, and other commands do without.
    from headgate.cli.rejudge import rejudge

    results, notes = rejudge(policy_of(policy), blocks, calibration)
    for note in notes:
        typer.echo(note, err=True)
    if as_json:
        typer.echo("\n".join(json.dumps(result.document(), allow_nan=False) for result in results))
    else:
        typer.echo("\n".join(_summary(results)))


def _summary(results: "list[Result]") -> Iterator[str]:
    yield f"{len(results)} rollouts"
    for decision in ("rollback", "promote", "none"):
        times = sorted(result.t for result in results if result.decision == decision and result.t is not None)
        number = sum(result.decision == decision for result in results)
        median = f", median after {times[len(times) // 2]:.0f} s" if times else ""
        yield f"  {decision:9} {number:6} ({100 * number / len(results):.1f} %){median}"
