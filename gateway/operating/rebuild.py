"""`bff rebuild`: read models made again from their logs, while the old ones serve."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Annotated, assert_never

import typer
from rich.console import Console

from gateway.operating.rebuild_bars import RebuildBars
from gateway.operating.running import ExitCode, run_to_end
from gateway.operating.sources import SourceName, sources_of
from projections.rebuild.comparison import Disagreement, ListedUnlike, Older, Unlike
from projections.rebuild.lease import RebuildLease
from projections.rebuild.rebuild import (
    Disagreed,
    Flipped,
    GenerationalStore,
    NothingToReplace,
    Outcome,
    Outrun,
    Rebuild,
    RebuildOptions,
    RebuildSignal,
    Rehearsed,
)

SHOWN_COUNT = 20
"""Disagreements that are listed; as a rule there are none, or very many."""

BLUE_SERVES = "Nothing has changed: the projection serves as before."

WHAT_ROLLING_BACK_MEANS = (
    "The generation before serves again. It was not kept current meanwhile: until the projectors "
    "have caught up with it, reads go to the services."
)
WHAT_DROPPING_MEANS = "Without the generation before there is no rolling back."


@dataclass(frozen=True, slots=True)
class Leased:
    """A store, and the lease on changing its generations."""

    store: GenerationalStore
    lease: RebuildLease


OpenRebuild = Callable[
    [Sequence[str], RebuildOptions, Callable[[RebuildSignal], None]],
    AbstractAsyncContextManager[Rebuild],
]
OpenLeased = Callable[[], AbstractAsyncContextManager[Leased]]

Sources = Annotated[list[SourceName] | None, typer.Argument(help="Which; all if none is named.")]


class RebuildCommand:
    """The command over a rebuild, and over the generations it leaves."""

    def __init__(self, open_rebuild: OpenRebuild, open_leased: OpenLeased) -> None:
        self._open_rebuild = open_rebuild
        self._open_leased = open_leased

    def run(
        self,
        sources: Sources = None,
        *,
        is_dry_run: Annotated[
            bool, typer.Option("--dry-run", help="All but the flip; leaves nothing behind.")
        ] = False,
        sample: Annotated[int, typer.Option(min=1, help="Rows of each to compare.")] = 500,
        accepts_differences: Annotated[
            bool,
            typer.Option(
                "--accept-differences",
                help="Flip though rows or lists differ at the same version; never to older ones.",
            ),
        ] = False,
        is_rolling_back: Annotated[
            bool, typer.Option("--roll-back", help="Back to the generation before.")
        ] = False,
        is_dropping: Annotated[
            bool, typer.Option("--drop-previous", help="Drop the generation before.")
        ] = False,
        is_agreed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Read the logs anew beside what serves, compare, and let the new one serve.

        Reads go on meanwhile. Ctrl-C at any time changes nothing. Exit code 0: done; 1: not done,
        and it is told why; 2: store or logs out of reach.
        """
        chosen = sources_of(sources)
        if is_dry_run + is_rolling_back + is_dropping > 1:
            raise typer.BadParameter("one of --dry-run, --roll-back and --drop-previous")
        if is_rolling_back:
            _agree(WHAT_ROLLING_BACK_MEANS, f"Roll back {_named(chosen)}?", is_agreed=is_agreed)
            run_to_end(self._roll_back(chosen))
        elif is_dropping:
            _agree(WHAT_DROPPING_MEANS, f"Drop it for {_named(chosen)}?", is_agreed=is_agreed)
            run_to_end(self._drop_previous(chosen))
        else:
            if not is_dry_run:
                _agree("", f"Rebuild {_named(chosen)}, and flip?", is_agreed=is_agreed)
            options = RebuildOptions(
                sample_count=sample, is_dry_run=is_dry_run, accepts_differences=accepts_differences
            )
            run_to_end(self._rebuild(chosen, options))

    async def _rebuild(self, sources: Sequence[str], options: RebuildOptions) -> ExitCode:
        bars = RebuildBars(Console(stderr=True, highlight=False))
        has_ended = False
        try:
            with bars.shown():
                async with self._open_rebuild(sources, options, bars.observe) as rebuild:
                    outcome = await rebuild.run()
            has_ended = True
        finally:
            if not has_ended:
                typer.echo(
                    "The rebuild has stopped. Unless `bff status` shows a new generation, "
                    "nothing has changed.",
                    err=True,
                )
        return tell(outcome, sources)

    async def _roll_back(self, sources: Sequence[str]) -> ExitCode:
        async with self._open_leased() as leased:
            await leased.lease.hold_during(lambda: leased.store.roll_back(sources))
        typer.echo(f"Rolled back: {_named(sources)}. `bff status` shows how they catch up.")
        return ExitCode.FINE

    async def _drop_previous(self, sources: Sequence[str]) -> ExitCode:
        async with self._open_leased() as leased:
            await leased.lease.hold_during(lambda: leased.store.drop_previous(sources))
        typer.echo(f"Dropped what served before: {_named(sources)}.")
        return ExitCode.FINE


def tell(outcome: Outcome, sources: Sequence[str]) -> ExitCode:
    """Say what came of it, and what can be done next."""
    named = " ".join(sources)
    match outcome:
        case Flipped():
            typer.echo(f"Rebuilt: {_named(sources)}. The new generation serves.")
            typer.echo(f"Back to the one before:  bff rebuild {named} --roll-back")
            typer.echo(f"When nobody wants it:    bff rebuild {named} --drop-previous")
            return ExitCode.FINE
        case Rehearsed():
            typer.echo(f"Could be rebuilt: {_named(sources)}. {BLUE_SERVES}")
            return ExitCode.FINE
        case Disagreed():
            _tell_disagreements(outcome)
        case NothingToReplace(sources=missing):
            typer.echo(
                f"Nothing was ever projected of {_named(missing)}: start `bff project`, which "
                "reads the logs from their starts.",
                err=True,
            )
        case Outrun(attempt_count=attempt_count):
            typer.echo(
                f"The projection moved on in each of {attempt_count} attempts to flip. "
                f"{BLUE_SERVES}\nTry again when less is written, or stop a projector meanwhile.",
                err=True,
            )
        case _:
            assert_never(outcome)
    return ExitCode.FOUND


def _tell_disagreements(disagreed: Disagreed) -> None:
    for disagreement in disagreed.disagreements[:SHOWN_COUNT]:
        typer.echo(_describe(disagreement), err=True)
    if (hidden_count := len(disagreed.disagreements) - SHOWN_COUNT) > 0:
        typer.echo(f"… and {hidden_count:,} more", err=True)
    if disagreed.has_lost_events:
        advice = "The log has lost events that the projection still has, so it cannot replace it."
    else:
        advice = (
            "Find out which of the two is right (`bff drift` asks the owners). If it is the log: "
            "--accept-differences."
        )
    typer.echo(f"{advice}\n{BLUE_SERVES}", err=True)


def _describe(disagreement: Disagreement) -> str:
    match disagreement:
        case Older(key=key, blue_at=blue_at, green_at=green_at):
            there = "has no row" if green_at is None else f"leads to {green_at} only"
            return f"{key}: is at {blue_at}, and the log {there}"
        case Unlike(key=key, at=at):
            return f"{key}: at {at} the log says something else"
        case ListedUnlike(page=page):
            return f"customer:{page.customer_id}: the log lists her orders otherwise"


def _agree(meaning: str, question: str, *, is_agreed: bool) -> None:
    if is_agreed:
        return
    if meaning:
        typer.echo(meaning)
    typer.confirm(question, abort=True)


def _named(sources: Sequence[str]) -> str:
    return ", ".join(sources)
