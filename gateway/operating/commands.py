"""The operator's commands below `bff`."""

from collections.abc import Callable

import typer

from gateway.operating.dead_letters import dead_letter_commands
from gateway.operating.drift import DriftCommand
from gateway.operating.explain import ExplainCommand
from gateway.operating.opening import Openings
from gateway.operating.rebuild import RebuildCommand
from gateway.operating.status import StatusCommand
from gateway.settings import Settings


def add_operator_commands(cli: typer.Typer, read_settings: Callable[[], Settings]) -> None:
    """Add them to ``cli``; settings are read when a command runs."""
    openings = Openings(read_settings)
    cli.command("status")(StatusCommand(openings.house).run)
    cli.command("drift")(DriftCommand(openings.drift_check).run)
    cli.command("explain")(ExplainCommand(read_settings).run)
    cli.command("rebuild")(RebuildCommand(openings.rebuild, openings.leased).run)
    cli.add_typer(dead_letter_commands(openings.letters), name="dead-letters")
