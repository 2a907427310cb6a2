"""What tests of the operator's commands share: a run of one, and how it ended."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import typer
from typer.testing import CliRunner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: exit code, what it said, and what it said on stderr."""

    code: int
    out: str
    err: str


def run_command(
    command: typer.Typer | Callable[..., None], *arguments: str, answer: str = ""
) -> Ended:
    """Run a command, or a group of them, as an operator does; ``answer`` is what she types."""
    if isinstance(command, typer.Typer):
        app = command
    else:
        app = typer.Typer()
        app.command()(command)
    result = CliRunner().invoke(app, arguments, input=answer)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def opening(thing: T) -> Callable[..., AbstractAsyncContextManager[T]]:
    """An opener of something that needs no opening."""

    @asynccontextmanager
    async def open_it(*_: object) -> AsyncIterator[T]:
        yield thing

    return open_it


def opening_group(thing: T) -> Callable[..., AbstractAsyncContextManager[T]]:
    """An opener that keeps tasks while it is open, so that failures come out in a group."""

    @asynccontextmanager
    async def open_it(*_: object) -> AsyncIterator[T]:
        async with asyncio.TaskGroup():
            yield thing

    return open_it


def now(work: Coroutine[None, None, T]) -> T:
    """The result of ``work``, in a loop of its own."""
    return asyncio.run(work)
