"""The `bff` command: one role or one question each."""

import difflib
import json
import os
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from fastapi import FastAPI
from rich.console import Console

from gateway.app import create_app
from gateway.dev import StubsFailed, run_dev
from gateway.identity_commands import add_identity_commands
from gateway.log_setup import configure_logging
from gateway.metrics.fellows import Fellows, common_folder
from gateway.numbers_reference import rows_of_numbers
from gateway.operating.commands import add_operator_commands
from gateway.projector import ProjectorRefused, run_projector
from gateway.serving import PortTaken, bind, run, serve_app, stop_limit_s
from gateway.settings import Settings, SettingsError
from gateway.settings_reference import render_reference, rows_of
from gateway.telemetry import Telemetry
from gateway.token_key import keep_key, make_key
from gateway.workers.lifeline import Lifeline
from gateway.workers.options import RestartOptions
from gateway.workers.process import worker_process
from gateway.workers.supervisor import Supervisor, WorkersFailed
from projections.token_codec import TokenCodec
from projections.token_inspection import inspect_token
from resolvers.schema import build_schema

SCHEMA_FILE = Path("schema.graphql")

NOBODY_KNOWN = (
    "No identity is configured, so every request will be refused (401): set BFF_JWT_KEYS_URL or "
    "BFF_JWT_SECRET (and BFF_JWT_ISSUER, BFF_JWT_AUDIENCE); or BFF_ANONYMOUS=visitor (products "
    "only), or everything (an inner network)."
)

NOBODY_TOLD_APART = (
    "BFF_ANONYMOUS=everything: whoever reaches this port may read and write everything."
)

cli = typer.Typer(
    name="bff",
    help="One GraphQL door for services that each own their database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
token = typer.Typer(help="Consistency tokens: look into one, make a key.", no_args_is_help=True)
cli.add_typer(token, name="token")


@cli.command()
def dev() -> None:
    """Run everything on this machine: three stub services, their data, gateway and playground."""
    given = _settings()
    anonymous = given.anonymous if given.has_identity else "everything"
    settings = _settings(
        playground=True,
        introspection=True,
        plan=True,
        cost_shown=True,
        rate_limit=0,
        anonymous=anonymous,
    )
    configure_logging(settings.log_format)
    run(run_dev(settings, Console()))


@cli.command()
def serve(
    *,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="Processes on the one port; BFF_WORKERS without it."),
    ] = None,
) -> None:
    """Run a gateway before the services that the settings name, with as many workers as you like.

    Each worker answers for itself, /readyz included; /metrics tells of all. With BFF_STORE=memory
    each keeps its own projection: so many times the memory, and polls of the feeds. With many,
    BFF_STORE=redis is better.
    """
    settings = _settings()
    configure_logging(settings.log_format)
    keys, drain_s = settings.read_token_keys(), settings.drain_ms / 1000
    worker_count = workers or settings.workers
    if worker_count == 1:
        app = create_app(settings, keys)
        with bind(settings) as listening:
            _tell_who_is_known(settings)
            run(serve_app(app, listening, drain_s=drain_s))
        return
    with bind(settings) as listening, common_folder() as folder:
        supervisor = Supervisor(
            worker_count,
            stop_limit_s=stop_limit_s(drain_s),
            observe=Telemetry().worker,
            start=partial(worker_process, folder=folder),
        )
        _tell_who_is_known(settings)
        run(supervisor.run(listening))


@cli.command(hidden=True)
def worker(listening: int, lifeline: int, number: int = 0, folder: Path | None = None) -> None:
    """Be one of the workers of `bff serve`, which starts it; by the descriptors of its sockets."""
    settings = _settings()
    configure_logging(settings.log_format)
    drain_s = settings.drain_ms / 1000
    line = Lifeline(socket.socket(fileno=lifeline), stop_limit_s=stop_limit_s(drain_s))
    line.watch()
    fellows = Fellows(folder, number) if folder is not None and settings.metrics else None
    app = create_app(settings, settings.read_token_keys(), fellows=fellows)
    with socket.socket(fileno=listening) as shared:
        run(_serve_beating(app, shared, line, drain_s))


@cli.command()
def project() -> None:
    """Keep a shared projection (BFF_STORE=redis) current; run as many as you like."""
    settings = _settings()
    configure_logging(settings.log_format)
    with suppress(KeyboardInterrupt):  # it has let go of its partitions and closed everything
        run(run_projector(settings, Console(stderr=True)))


@cli.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def stubs(context: typer.Context) -> None:
    """Run the stub services alone; `bff stubs --help` tells their options."""
    command = [sys.executable, "-m", "upstream_stubs", *(context.args or ["all"])]
    # In our place, not below us: a Ctrl-C then is theirs alone, and they take the time they need.
    os.execv(sys.executable, command)  # noqa: S606 - ourselves


@cli.command()
def schema(
    *,
    check: Annotated[
        bool, typer.Option(help="Compare with schema.graphql; fail if it differs.")
    ] = False,
    write: Annotated[bool, typer.Option(help="Write schema.graphql.")] = False,
) -> None:
    """Print the schema."""
    text = build_schema().as_str() + "\n"
    if write:
        SCHEMA_FILE.write_text(text)
    elif check:
        _compare(SCHEMA_FILE.read_text() if SCHEMA_FILE.exists() else "", text)
    else:
        typer.echo(text, nl=False)


@cli.command()
def settings(
    *,
    markdown: Annotated[bool, typer.Option(help="As the table in docs/settings.md.")] = False,
) -> None:
    """Print every setting, and every other number: value now, default, range, unit and reason."""
    if markdown:
        typer.echo(render_reference(), nl=False)
    else:
        _print_settings(_settings())


@token.command("inspect")
def inspect(
    text: Annotated[str, typer.Argument(help="The token.")],
    subject: Annotated[str, typer.Option(help="The session it is bound to.")] = "anonymous",
) -> None:
    """Tell what a token demands; verified only where its key is known."""
    given = _settings()
    codec = TokenCodec(given.read_token_keys()) if given.has_token_keys else None
    inspection = inspect_token(text, codec, subject)
    typer.echo(json.dumps(asdict(inspection), indent=2, default=str))


@token.command("key")
def key(
    key_id: Annotated[
        int, typer.Option("--id", min=0, max=63, help="0 to 63; new for a rotation.")
    ] = 1,
    keep: Annotated[
        Path | None,
        typer.Option(help="Keep it in this file, for BFF_TOKEN_KEYS_FILE; one there stays."),
    ] = None,
) -> None:
    """Make a signing key for BFF_TOKEN_KEYS."""
    if keep is None:
        typer.echo(make_key(key_id))
    else:
        keep_key(keep, key_id)


add_identity_commands(cli, Settings.from_environment)
add_operator_commands(cli, Settings.from_environment)


def main() -> None:
    """The entry point: expected failures are one clear message and exit code 2."""
    try:
        cli()
    except (SettingsError, PortTaken, StubsFailed, ProjectorRefused, WorkersFailed) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(0)


async def _serve_beating(
    app: FastAPI, shared: socket.socket, line: Lifeline, drain_s: float
) -> None:
    async with line.beating(RestartOptions().beat_s):
        await serve_app(app, shared, drain_s=drain_s, on_start=line.tell_serving)


def _settings(**defaults: object) -> Settings:
    return Settings.from_environment(defaults=defaults)


def _tell_who_is_known(settings: Settings) -> None:
    """Say so, where nobody is."""
    if settings.refuses_all:
        typer.echo(NOBODY_KNOWN, err=True)
    elif settings.anonymous == "everything":
        typer.echo(NOBODY_TOLD_APART, err=True)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(2)


def _compare(expected: str, actual: str) -> None:
    if expected == actual:
        return
    difference = difflib.unified_diff(
        expected.splitlines(), actual.splitlines(), str(SCHEMA_FILE), "the code", lineterm=""
    )
    _fail("\n".join(difference) + "\n\nschema.graphql is not what the code says: run `make schema`")


def _print_settings(given: Settings) -> None:
    for name, value, about in rows_of(given):
        typer.echo(f"{name:<28}{value}\n    {about}")
    typer.echo("\nNumbers that are no settings, as they are with these:\n")
    for name, value, about in rows_of_numbers(given):
        typer.echo(f"{name:<36}{value}\n    {about}")


if __name__ == "__main__":
    main()
