"""`headgate value`: what a model was meant to be worth, beside what it is measured to be."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from headgate.api.value_case import Amount, Cost, ValueCase
from headgate.cli.cluster import Access, Cluster, run
from headgate.cli.completing.names import model_names
from headgate.cli.monitoring.stored import results_in
from headgate.cli.monitoring.verdicts import JSON, printed
from headgate.cli.monitoring.worth import Compared, in_service, print_worth
from headgate.cli.monitoring.written import document, part_of_model
from headgate.cli.options import AS_USER, CONTEXT, NAMESPACE, OUTPUT, Format
from headgate.kube.interface import Object
from headgate.monitoring.inservice.assessment import monitoring_config_map
from headgate.monitoring.value import case_of, worth

MODEL = Annotated[
    str | None, typer.Argument(metavar="[MODEL]", help="Name of the AIModel.", show_default=False, autocompletion=model_names)
]
FILE = Annotated[
    Path | None,
    typer.Option("--filename", "-f", exists=True, dir_okay=False, help="YAML with a value case; asks no cluster.", show_default=False),
]


class _Measured(BaseModel):
    """What of it has been measured; the rest is as planned."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)

    development_costs: Cost | None = None
    infrastructure_per_year: Cost | None = None
    operation_per_year: Cost | None = None
    revenue_impact_per_year: Amount | None = None
    cost_savings_per_year: Amount | None = None


class _Document(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)

    value_case: ValueCase
    measured: _Measured | None = None


def value(
    model: MODEL = None,
    file: FILE = None,
    namespace: NAMESPACE = None,
    context: CONTEXT = None,
    as_user: AS_USER = None,
    output: OUTPUT = Format.TEXT,
    as_json: JSON = False,
) -> None:
    """Compute net present value, internal rate of return, return on investment and payback of the value case of MODEL, or of a file.

    Beside what spec.valueCase plans stands what `headgate monitor` measures of the live version; in a file, what is written as `measured`.
    What was not measured is as planned, and named.
    """
    if (model is None) is (file is None):
        raise typer.BadParameter("give a MODEL of the cluster, or a file with -f")
    compared = _of_file(file) if file is not None else _of_model(str(model), Access(namespace, context, as_user))
    if not printed(compared.document(), output, as_json=as_json):
        print_worth(compared)


def _of_file(file: Path) -> Compared:
    written = document(file, _Document)
    planned = worth(case_of(written.value_case))
    if written.measured is None:
        return Compared(planned)
    found = written.measured.model_dump(exclude_none=True)
    measured = worth(case_of(written.value_case.model_copy(update=found)))
    return Compared(planned, measured, tuple(to_camel(name) for name in _Measured.model_fields if name not in found))


def _of_model(model: str, access: Access) -> Compared:
    async def found(cluster: Cluster) -> tuple[Object, Object | None]:
        return await cluster.stored(model, access.where), await cluster.kept(monitoring_config_map(model), access.where)

    stored, monitored = run(access, found)
    case = part_of_model(stored, f"{access.where}/{model}", "valueCase", ValueCase)
    return in_service(case, results_in(monitored, model))
