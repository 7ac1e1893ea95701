"""Entry point of `headgate` and `kubectl headgate`.

Exit codes: 0 done; 1 refused or failed, the reason is on standard error; 2 wrong usage.
"""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from headgate.cli.auditing.audit import audit
from headgate.cli.auditing.tried import history
from headgate.cli.completing.completion import complete_for_kubectl, completion, prepare
from headgate.cli.doctor.doctor import doctor
from headgate.cli.governing.approve import approve
from headgate.cli.governing.classify import classify
from headgate.cli.governing.fingerprint import fingerprint
from headgate.cli.governing.gates import gates
from headgate.cli.governing.intervene import HELP, break_glass, command_name, intervention, rollback
from headgate.cli.governing.oppose import OPPOSITION, opposition
from headgate.cli.governing.pin import pin
from headgate.cli.governing.subject import subject
from headgate.cli.governing.vendor import vendor
from headgate.cli.governing.verify import verify
from headgate.cli.judging.backtest import backtest
from headgate.cli.judging.plan import plan
from headgate.cli.judging.simulate import simulate
from headgate.cli.linting.lint import lint
from headgate.cli.monitoring.drift import drift
from headgate.cli.monitoring.literacy import literacy
from headgate.cli.monitoring.monitoring import monitoring
from headgate.cli.monitoring.reference import reference
from headgate.cli.monitoring.scorecard import scorecard
from headgate.cli.monitoring.trend import trend
from headgate.cli.monitoring.unmanaged import unmanaged
from headgate.cli.monitoring.value import value
from headgate.cli.options import EXIT_CODES
from headgate.cli.refused import Refused
from headgate.cli.screen import complain
from headgate.cli.showing.evidence import evidence
from headgate.cli.showing.explain import explain
from headgate.cli.showing.listing import list_models
from headgate.cli.showing.status import status
from headgate.cli.starting.init import init


class _Commands(TyperGroup):
    """Says a refusal in one line instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Refused as refused:
            complain(str(refused))
            raise typer.Exit(1) from refused


app = typer.Typer(
    name="headgate",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Roll out model versions only as far as approvals and measured behaviour allow.",
    epilog=EXIT_CODES,
)


def _codes(command: Any) -> str | None:
    """Commands that have more to say by their exit code say it themselves."""
    return None if "xit code" in (command.__doc__ or "") else EXIT_CODES


_ABOUT_MODELS = (
    status,
    history,
    explain,
    gates,
    evidence,
    subject,
    approve,
    rollback,
    break_glass,
    pin,
    plan,
    backtest,
    simulate,
    monitoring,
    value,
)
_ABOUT_FILES = (completion, init, lint, classify, vendor, fingerprint, verify, drift, trend, literacy, scorecard)
for _command in (doctor, unmanaged, *_ABOUT_MODELS, *_ABOUT_FILES):
    app.command(epilog=_codes(_command))(_command)
for _kind, _help in OPPOSITION.items():
    app.command(name=_kind.value.lower(), help=_help, epilog=EXIT_CODES)(opposition(_kind))
for _kind, _help in HELP.items():
    app.command(name=command_name(_kind), help=_help, epilog=EXIT_CODES)(intervention(_kind))
app.command(name="list", epilog=EXIT_CODES)(list_models)
app.add_typer(audit, name="audit")
app.add_typer(reference, name="reference")


def main() -> None:
    """Run the command line; ends the process."""
    prepare()
    app()


def complete_plugin() -> None:
    """Entry point of `kubectl_complete-headgate`, which kubectl runs to complete `kubectl headgate`."""
    typer.echo(complete_for_kubectl(app, sys.argv[1:]))
