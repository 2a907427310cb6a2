"""`bff dead-letters`: list, show, replay, discard."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import typer

from gateway.operating.letters import (
    LetterNow,
    LetterStore,
    NoSuchLetter,
    Outcome,
    Replayed,
    StillUnreadable,
    read_letters,
    replay,
)
from gateway.operating.running import ExitCode, run_to_end
from gateway.operating.terminal import make_console, make_table, render_age, render_count
from projections.dead_letters import LETTER_LIMIT, DeadLetter
from projections.projector import Applied

OpenLetters = Callable[[], AbstractAsyncContextManager[LetterStore]]

Ids = Annotated[list[str], typer.Argument(help="Letters, by id: order:o-1@1.4")]
SomeIds = Annotated[list[str] | None, typer.Argument(help="Letters, by id: order:o-1@1.4")]

REASON_LIMIT = 60
"""Characters of a reason in the list; `show` tells it whole."""

WHAT_DISCARDING_MEANS = (
    "A discarded event cannot be replayed any more. Its aggregate stays read live, at a call to "
    "its owner each time, until a newer state comes."
)


class DeadLetterCommands:
    """The commands over the letters of one store."""

    def __init__(self, open_letters: OpenLetters) -> None:
        self._open = open_letters

    def list_letters(
        self,
        *,
        limit: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 50,
        as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    ) -> None:
        """List the events that could not be read, the newest first."""

        async def work() -> ExitCode:
            async with self._open() as store:
                letters = await read_letters(store, limit)
                total_count = await store.dead_letter_count()
            if as_json:
                typer.echo(json.dumps([_as_json(now) for now in letters], indent=2))
            else:
                _print_list(letters, total_count)
            return ExitCode.FINE

        run_to_end(work())

    def show(self, letter_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
        """Show one letter whole: why it was parked, where it lies, and the event as it came."""

        async def work() -> ExitCode:
            async with self._open() as store:
                letter = await store.dead_letter(letter_id)
            if letter is None:
                return _tell(NoSuchLetter(letter_id))
            _print_letter(letter)
            return ExitCode.FINE

        run_to_end(work())

    def replay(
        self,
        letter_ids: SomeIds = None,
        *,
        every: Annotated[bool, typer.Option("--all", help="Every letter there is.")] = False,
    ) -> None:
        """Apply letters with today's code, under the version gate. What is still unreadable stays.

        Exit code 1 if any of them stayed.
        """
        if every == bool(letter_ids):
            raise typer.BadParameter("name letters by id, or say --all")

        async def work() -> ExitCode:
            async with self._open() as store:
                asked = letter_ids or await _all_ids(store)
                codes = [_tell(await replay(store, letter_id)) for letter_id in asked]
            if not codes:
                typer.echo("There are no dead letters.")
            return max(codes, default=ExitCode.FINE)

        run_to_end(work())

    def discard(
        self,
        letter_ids: Ids,
        *,
        is_agreed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Give letters up for good."""
        if not is_agreed:
            typer.echo(WHAT_DISCARDING_MEANS)
            typer.confirm(f"Discard {render_count(len(letter_ids), 'letter')}?", abort=True)

        async def work() -> ExitCode:
            async with self._open() as store:
                codes = [await _discard(store, letter_id) for letter_id in letter_ids]
            return max(codes)

        run_to_end(work())


def dead_letter_commands(open_letters: OpenLetters) -> typer.Typer:
    """The commands below `bff dead-letters`."""
    commands = DeadLetterCommands(open_letters)
    app = typer.Typer(
        help="Events that could not be read: list, show, replay, discard.", no_args_is_help=True
    )
    app.command("list")(commands.list_letters)
    app.command("show")(commands.show)
    app.command("replay")(commands.replay)
    app.command("discard")(commands.discard)
    return app


async def _all_ids(store: LetterStore) -> Sequence[str]:
    """Every letter, the oldest first, as their events came."""
    return [letter.id for letter in reversed(await store.dead_letters(LETTER_LIMIT))]


async def _discard(store: LetterStore, letter_id: str) -> ExitCode:
    letter = await store.dead_letter(letter_id)
    if letter is None or not await store.discard(letter):
        return _tell(NoSuchLetter(letter_id))
    typer.echo(f"{letter_id}: discarded")
    return ExitCode.FINE


def _tell(outcome: Outcome) -> ExitCode:
    """Say what came of it."""
    match outcome:
        case Replayed(letter=letter, verdict=verdict, is_suspect=is_suspect):
            came_of_it = "applied" if isinstance(verdict, Applied) else "the row was as new already"
            rest = "; still read live, waiting for a newer state" if is_suspect else ""
            typer.echo(f"{letter.id}: {came_of_it}{rest}")
            return ExitCode.FINE
        case StillUnreadable(letter=letter, reason=reason):
            typer.echo(f"{letter.id}: still cannot be read, and is kept: {reason}", err=True)
        case NoSuchLetter(id=letter_id):
            typer.echo(
                f"{letter_id}: there is no such letter; see `bff dead-letters list`", err=True
            )
    return ExitCode.FOUND


def _print_list(letters: Sequence[LetterNow], total_count: int) -> None:
    if not letters:
        typer.echo("There are no dead letters.")
        return
    table = make_table("id", "age", "where", "now", "reason")
    now_s = time.time()
    for one in letters:
        letter = one.letter
        table.add_row(
            letter.id,
            render_age(now_s - letter.parked_at_s),
            f"{letter.partition} @ {letter.cursor}",
            "healed" if one.is_healed else "read live",
            _shortened(letter.reason),
        )
    make_console().print(table)
    if total_count > len(letters):
        typer.echo(f"\n{total_count - len(letters):,} older ones; --limit shows more of them.")


def _print_letter(letter: DeadLetter) -> None:
    parked_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(letter.parked_at_s))
    typer.echo(f"aggregate  {letter.key}, read live until its row is at {letter.until}")
    typer.echo(f"reason     {letter.reason}")
    typer.echo(f"where      {letter.partition}, in the batch that reached {letter.cursor}")
    typer.echo(f"parked at  {parked_at}\n")
    typer.echo(_pretty(letter.raw))


def _pretty(raw: bytes) -> str:
    """The event as JSON with line breaks; as the bytes that came where it is none."""
    try:
        return json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return repr(raw)


def _as_json(now: LetterNow) -> dict[str, object]:
    letter = now.letter
    return {
        "id": letter.id,
        "aggregate": str(letter.key),
        "until": str(letter.until),
        "reason": letter.reason,
        "partition": letter.partition,
        "cursor": letter.cursor,
        "parkedAtS": letter.parked_at_s,
        "isHealed": now.is_healed,
    }


def _shortened(reason: str) -> str:
    return reason if len(reason) <= REASON_LIMIT else reason[: REASON_LIMIT - 1] + "…"
