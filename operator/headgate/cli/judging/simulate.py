"""`headgate simulate`: what would become of a regression, by the model's own past and the whole of what decides."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headgate.api.policy import RolloutPolicySpec
from headgate.api.vocabulary import Metric
from headgate.cli.cluster import Access
from headgate.cli.judging.backtest import BLOCKS, CALIBRATION, MODEL, POLICY, duration
from headgate.cli.judging.injection import Injection
from headgate.cli.judging.plan import PROMETHEUS
from headgate.cli.judging.policy_file import policy_of
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused

if TYPE_CHECKING:
    from headgate.cli.judging.simulated import Histories

INJECT = Annotated[
    list[str] | None,
    typer.Option("--inject", help="Like errors+2pp, rejections+1pp or latency+50ms; may be repeated.", show_default=False),
]
FROM = Annotated[str, typer.Option("--from", metavar="STAGE", help="Where it shows first. Default: at once.", show_default=False)]
SINCE = Annotated[str, typer.Option("--since", help="How far back the model's pods are looked at.")]
ROLLOUTS = Annotated[int, typer.Option("--rollouts", min=1, max=1000, help="How many, begun at even distances over the past.")]
FOLLOW = Annotated[str, typer.Option("--rollout", help="How long each is followed at most.")]
SEED = Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn at random.")]


def simulate(
    model: MODEL = None,
    inject: INJECT = None,
    since_stage: FROM = "",
    blocks: BLOCKS = None,
    policy: POLICY = None,
    calibration: CALIBRATION = None,
    since: SINCE = "1d",
    rollouts: ROLLOUTS = 20,
    rollout: FOLLOW = "6h",
    seed: SEED = 1,
    prometheus: PROMETHEUS = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Replay recorded traffic with a regression in it through stages, guards, judge and deadlines: is it taken back, when, and by what?

    With MODEL: the requests of its stable pods, as Prometheus counted them, are shared out between both versions as the stages say. Gates
    count as open. With --blocks and --policy FILE.yaml: the same from the stable version's columns of a file as backtest takes it, with
    the arms of --calibration as its pods.
    """
    from headgate.cli.judging import simulated
    from headgate.cli.judging.virtual_rollout import Plan

    if (model is None) is (blocks is None):
        raise typer.BadParameter("name a MODEL or give --blocks, one of them")
    try:
        injections = tuple(Injection.parse(text) for text in inject or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--inject") from error
    access = Access(namespace, context, as_user)
    if blocks is not None:
        if policy is None:
            raise typer.BadParameter("--blocks needs --policy FILE.yaml")
        spec, counted = policy_of(Path(policy)), frozenset({Metric.ERRORS, Metric.LATENCY})
        histories = _of_a_file(blocks, calibration)
    else:
        assert model is not None
        counted = frozenset({Metric.ERRORS, Metric.REJECTIONS, Metric.LATENCY})
        spec, histories = _of_a_model(model, policy, duration(since), prometheus, access, counted)
    _known_stage(spec, since_stage)
    asked, notes = simulated.answerable(spec, histories, counted=counted)
    for note in notes:
        typer.echo(note, err=True)
    made = simulated.simulate(
        Plan(asked, injections, since_stage), histories, rollouts=rollouts, seconds=float(duration(rollout)), seed=seed, progress=_progress
    )
    called = policy or "of the model"
    told = "\n".join(simulated.told(made, called)) if not output.is_document else rendered(simulated.document(made, called), output)
    typer.echo(told)


def _known_stage(spec: RolloutPolicySpec, named: str) -> None:
    names = [stage.name for stage in spec.stages]
    if named and named not in names:
        raise Refused(f"the policy has no stage {named}: it has {', '.join(names)}")


def _progress(passed: int, going: int) -> None:
    if passed % 1000 == 0:
        typer.echo(f"{passed} blocks, {going} rollouts under way", err=True)


def _of_a_file(blocks: Path, calibration: Path | None) -> "Histories":
    # What reads files takes a second to load, and other commands do without.
    from headgate.cli.judging import recorded

    table = recorded.read(blocks)
    if calibration is None:
        return recorded.pod_blocks(table, arms=False)
    return recorded.pod_blocks(recorded.read(calibration, of=table.names), arms=True)


def _of_a_model(
    model: str, policy: str | None, seconds: float, address: str | None, access: Access, counted: frozenset[Metric]
) -> "tuple[RolloutPolicySpec, Histories]":
    from headgate.cli.judging import own_past

    nothing = "it has no past to replay"
    spec, blocks = own_past.of_model(model, policy, seconds, address, access, counted=counted, otherwise=nothing)
    return spec, {model: list(blocks)}
