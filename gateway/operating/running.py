"""How an operator's command runs and ends: an exit code, and one clear message where it cannot.

Exit codes mean the same for all of them, so that scripts and alerts can rely on them.
"""

from collections.abc import Coroutine
from enum import IntEnum

import typer

from gateway.serving import run
from gateway.settings import SettingsError
from projections.errors import ProjectionError
from resolvers.upstream.errors import UpstreamError


class ExitCode(IntEnum):
    """What a command found."""

    FINE = 0
    FOUND = 1
    """Something needs a look, or could not be done."""
    UNKNOWN = 2
    """Nothing could be found out; as for a bad setting or a slip of the hand."""
    STOPPED = 130
    """Ctrl-C, as shells tell it."""


def run_to_end(work: Coroutine[None, None, ExitCode]) -> None:
    """Run ``work`` and leave with its exit code. Ctrl-C and SIGTERM cancel it.

    A store or service out of reach is a message on stderr, never a stack.
    """
    try:
        raise typer.Exit(_outcome_of(work))
    except KeyboardInterrupt:
        raise typer.Exit(ExitCode.STOPPED) from None


def _outcome_of(work: Coroutine[None, None, ExitCode]) -> ExitCode:
    codes: list[ExitCode] = []

    async def finish() -> None:
        codes.append(await work)

    try:
        run(finish())
    except* (ProjectionError, UpstreamError, SettingsError) as failures:
        # What is open while it is raised (a store) wraps it in groups.
        typer.echo(str(_first_of(failures)), err=True)
        codes.append(ExitCode.UNKNOWN)
    return codes[-1]


def _first_of(failures: BaseExceptionGroup[BaseException]) -> BaseException:
    first = failures.exceptions[0]
    return _first_of(first) if isinstance(first, BaseExceptionGroup) else first
