"""`headgate plan`: how long a rollout will take, and what it cannot decide, before anything starts."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from headgate.api.policy import RolloutPolicySpec
from headgate.api.quantities import Duration
from headgate.cli.cluster import Access, Cluster, run
from headgate.cli.completing.names import model_names
from headgate.cli.judging.planned import document, page
from headgate.cli.judging.policy_file import parsed_policy, policy_of
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, OUTPUT, Format, rendered
from headgate.cli.refused import Refused
from headgate.cli.screen import screen
from headgate.cli.view import ModelView
from headgate.evidence.bets.calibration import FEWEST_ARMS
from headgate.evidence.power import Traffic
from headgate.prometheus.client import PrometheusClient, SourceError
from headgate.prometheus.profiles import PROFILES, Target
from headgate.prometheus.rates import present_traffic
from headgate.rollout.forecast import Noise, forecast

ADDRESS = "HEADGATE_PROMETHEUS_URL"
"""The variable that the operator is configured by."""
_FILES = (".yaml", ".yml", ".json")

MODEL = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL", help="Name of the AIModel. Without one: a policy file and rates.", show_default=False, autocompletion=model_names
    ),
]
POLICY = Annotated[
    str | None,
    typer.Option("--policy", "-p", help="Another policy than the model's: NAME, NAMESPACE/NAME or FILE.yaml.", show_default=False),
]
PROMETHEUS = Annotated[
    str | None,
    typer.Option("--prometheus", envvar=ADDRESS, help="Where Prometheus answers, like http://127.0.0.1:9090.", show_default=False),
]
SINCE = Annotated[str, typer.Option("--since", help="How far back traffic is averaged.")]
REQUESTS = Annotated[
    float | None, typer.Option("--requests-per-second", min=1e-6, help="Of all users, instead of asking Prometheus.", show_default=False)
]
ERRORS = Annotated[float | None, typer.Option("--error-rate", min=0, max=1, help="Share of the requests, like 0.002.", show_default=False)]
REJECTIONS = Annotated[float | None, typer.Option("--rejection-rate", min=0, max=1, help="Share of the requests.", show_default=False)]
DISPERSION = Annotated[float, typer.Option("--dispersion", min=1, help="How clustered failures are: 1 if each request fails by itself.")]
PODS = Annotated[
    int | None,
    typer.Option("--stable-pods", min=0, help="With counters of their own. Default: as many as the model has, else 3.", show_default=False),
]


def plan(
    model: MODEL = None,
    policy: POLICY = None,
    prometheus: PROMETHEUS = None,
    since: SINCE = "1h",
    requests: REQUESTS = None,
    errors: ERRORS = None,
    rejections: REJECTIONS = None,
    dispersion: DISPERSION = 1.0,
    pods: PODS = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
) -> None:
    """Say how long each stage of a rollout of MODEL will take, what its checks can decide in time, and what to change.

    Reads the present traffic from Prometheus, or takes it from the options. Changes nothing.
    """
    file = policy if policy is not None and policy.endswith(_FILES) else None
    if model is None and (file is None or requests is None):
        raise typer.BadParameter("name a MODEL, or give --policy FILE.yaml and --requests-per-second")
    access = Access(namespace, context, as_user)
    view = None if model is None or (file and requests is not None) else run(access, lambda cluster: cluster.model(model, access.where))
    spec = chosen_policy(policy, view, access)
    if requests is not None:
        traffic = Traffic(requests)
    else:
        assert view is not None
        traffic = _lately(view, spec, prometheus, since)
    traffic = replace(
        traffic,
        errors=traffic.errors if errors is None else errors,
        rejections=traffic.rejections if rejections is None else rejections,
    )
    made = forecast(spec, traffic, Noise(_pods(view) if pods is None else pods, dispersion))
    called = policy or (view.policy_name if view else "")
    if not output.is_document:
        title = f"{f'{access.where}/{model}' if model else 'a model'} under policy {called}"
        screen().print(page(title, made, _notes(view, read=requests is None)))
        return
    told = document(made, namespace=access.where if model else None, name=model, policy=called)
    typer.echo(rendered(told, output))


def chosen_policy(named: str | None, view: ModelView | None, access: Access) -> RolloutPolicySpec:
    """The policy of that name, or in that file; without one the model's. Raises Refused."""
    if named is not None and named.endswith(_FILES):
        return policy_of(Path(named))
    return run(access, lambda cluster: _stored_policy(cluster, named, view))


def _pods(view: ModelView | None) -> int:
    stable = view.status.stable if view else None
    return stable.replicas if stable is not None else FEWEST_ARMS


async def _stored_policy(cluster: Cluster, named: str | None, view: ModelView | None) -> RolloutPolicySpec:
    wanted = named or (view.policy_name if view else "")
    found = await cluster.policy(wanted)
    return parsed_policy(found.get("spec"), f"policy {wanted}")


def _lately(view: ModelView, spec: RolloutPolicySpec, address: str | None, since: str) -> Traffic:
    if not address:
        raise Refused(
            f"where does Prometheus answer? Say --prometheus URL or set {ADDRESS} (the operator's is the chart's prometheus.url; "
            "kubectl port-forward makes it reachable from here), or give --requests-per-second and --error-rate"
        )
    try:
        seconds = float(Duration.parse(since))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    profile = PROFILES[spec.metrics.profile]
    target = Target(view.namespace, view.name)

    async def read() -> Traffic | None:
        async with open_prometheus(address) as client:
            return await present_traffic(client, profile, target, time.time(), seconds)

    try:
        traffic = asyncio.run(read())
    except SourceError as error:
        raise Refused(f"Prometheus at {address} gives no answer ({error.outage}): {error}") from error
    if traffic is None:
        raise Refused(
            f"Prometheus at {address} counted no request of {view.namespace}/{view.name} in the last {since} (profile "
            f"{spec.metrics.profile}): choose a longer --since, or give --requests-per-second and --error-rate"
        )
    return traffic


def open_prometheus(address: str) -> PrometheusClient:
    """A client for `address`."""
    return PrometheusClient(address, timeout=30.0)


def _notes(view: ModelView | None, *, read: bool) -> tuple[str, ...]:
    if view is None or view.status.candidate is None or not read:
        return ()
    version = view.status.candidate.version
    return (f"{version} is being rolled out now: its requests are among these figures.",)
