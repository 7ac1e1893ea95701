"""Entry point of `headgate` and `kubectl headgate`.

Exit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 wrong usage.
"""

from typing import Any

import typer
from typer.core import TyperGroup

from headgate.cli.auditing.audit import audit
from headgate.cli.governing.approve import approve
from headgate.cli.governing.classify import classify
from headgate.cli.governing.gates import gates
from headgate.cli.governing.intervene import HELP, break_glass, command_name, intervention, rollback
from headgate.cli.governing.oppose import OPPOSITION, opposition
from headgate.cli.governing.pin import pin
from headgate.cli.governing.subject import subject
from headgate.cli.governing.verify import verify
from headgate.cli.judging.backtest import backtest
from headgate.cli.judging.plan import plan
from headgate.cli.judging.simulate import simulate
from headgate.cli.monitoring.drift import drift
from headgate.cli.monitoring.literacy import literacy
from headgate.cli.monitoring.monitoring import monitoring
from headgate.cli.monitoring.reference import reference
from headgate.cli.monitoring.scorecard import scorecard
from headgate.cli.monitoring.trend import trend
from headgate.cli.monitoring.value import value
from headgate.cli.refused import Refused
from headgate.cli.showing.evidence import evidence
from headgate.cli.showing.explain import explain
from headgate.cli.showing.status import status


class _Commands(TyperGroup):
    """Says a refusal in one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            typer.secho(f"error: {refused}", fg="red", err=True)
            raise typer.Exit(1) from refused


app = typer.Typer(
    name="headgate",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Roll out model versions only as far as approvals and measured behaviour allow.",
    epilog="Exit codes: 0 done, 1 refused or failed, 2 wrong usage.",
)
_ABOUT_MODELS = (status, explain, gates, evidence, subject, approve, rollback, break_glass, pin, plan, backtest, simulate, monitoring)
_ABOUT_FILES = (classify, verify, drift, trend, value, literacy, scorecard)
for _command in (*_ABOUT_MODELS, *_ABOUT_FILES):
    app.command()(_command)
for _kind, _help in OPPOSITION.items():
    app.command(name=_kind.value.lower(), help=_help)(opposition(_kind))
for _kind, _help in HELP.items():
    app.command(name=command_name(_kind), help=_help)(intervention(_kind))
app.add_typer(audit, name="audit")
app.add_typer(reference, name="reference")


def main() -> None:
    """Run the command line; ends the process."""
    app()
