"""`bff dev`: the whole house on one machine, started and stopped as one.

The services are processes of their own, so that stopping one is a real outage. Where they listen is
theirs to say: they move when a port is taken, and print one line with their addresses.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import HttpUrl, SecretStr
from rich.console import Console

from gateway.app import create_app
from gateway.catch_up import CatchUp
from gateway.identity.development import AUDIENCE, ISSUER, kept_secret
from gateway.progress import show_progress
from gateway.serving import bind, serve_app
from gateway.settings import Settings
from gateway.token_key import kept_key

FOLLOW = 'subscription { orderChanged(id: "o-1") { status version } }'

STUBS_START_S = 60.0
"""How long the services may take to load their demo data and listen (s)."""

STUBS_STOP_S = 10.0
"""How long they may take to stop (s) before they are killed."""

CATCH_UP_S = 20.0
"""How long the welcome waits for the projection (s); reads are live until then anyway."""

QUERY = (
    '{ order(id: "o-1") { id status total customer { name } '
    "items { quantity lineTotal product { name } } } }"
)


class StubsFailed(Exception):
    """The services did not start; the text says what to do."""


async def run_dev(settings: Settings, console: Console) -> None:
    """Start services and gateway, say where they are, serve until interrupted.

    Raises `PortTaken` or `StubsFailed` before anything is served.
    """
    data_dir = Path(settings.data_dir)
    with bind(settings) as listening:
        async with stubs_running(data_dir) as urls:
            settings = _point_to(settings, urls, kept_key(data_dir))
            secret = None if settings.has_identity else kept_secret(data_dir)
            if secret is not None:
                settings = settings.model_copy(update=identified_by(secret))
            app = create_app(settings, settings.read_token_keys(), dev_secret=secret)
            async with asyncio.TaskGroup() as group:
                welcome = group.create_task(_welcome(app.state.gateway.catch_up, settings, console))
                await serve_app(app, listening)
                welcome.cancel()


def identified_by(secret: str) -> dict[str, object]:
    """The settings by which tokens of development identities are verified."""
    return {
        "jwt_secret": SecretStr(secret),
        "jwt_issuer": ISSUER,
        "jwt_audience": AUDIENCE,
        "jwt_algorithms": None,
        "jwt_role_claim": "role",
        "jwt_customer_claim": "customer_id",
    }


@asynccontextmanager
async def stubs_running(data_dir: Path) -> AsyncIterator[dict[str, str]]:
    """The three services as a process tree of their own; yields their addresses by name."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "upstream_stubs", "all", "--data", str(data_dir)),
        "--exit-on-stdin-close",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us: first the gateway ends, then what it asks
    )
    try:
        yield await _read_addresses(process)
    finally:
        await _stop(process)


async def _read_addresses(process: asyncio.subprocess.Process) -> dict[str, str]:
    if process.stdout is None:
        raise StubsFailed("the services have no output to read")
    try:
        async with asyncio.timeout(STUBS_START_S):
            line = await process.stdout.readline()
    except TimeoutError:
        raise StubsFailed(f"the services did not start within {STUBS_START_S:g} s") from None
    if not line:
        raise StubsFailed("the services did not start; see their message above")
    addresses: dict[str, str] = json.loads(line)
    return addresses


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Close their input, which ends them in order; kill what is left after a while."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(STUBS_STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _point_to(settings: Settings, urls: dict[str, str], key: str) -> Settings:
    """The services' addresses and the kept key, where the environment names none."""
    found = {f"{service}_url": HttpUrl(url) for service, url in urls.items()}
    defaults = found if settings.has_token_keys else {**found, "token_keys": SecretStr(key)}
    missing = {k: v for k, v in defaults.items() if k not in settings.model_fields_set}
    return settings.model_copy(update=missing)


async def _welcome(catch_up: CatchUp, settings: Settings, console: Console) -> None:
    """Show the projection's progress, then where everything is."""
    try:
        async with asyncio.timeout(CATCH_UP_S):
            await show_progress(catch_up, console)
    except TimeoutError:
        console.print("The projection has not caught up yet; until then every read is live.")
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    address = f"http://{host}:{settings.port}/graphql"
    console.print(f"\n[bold]Playground[/]  {address}")
    for service in ("orders", "customers", "products"):
        console.print(f"{service:<12}{getattr(settings, service + '_url')}")
    for what, command in _to_try(address, has_own_identity=settings.jwt_issuer == ISSUER):
        console.print(f"\n{what}:", highlight=False)
        console.print(command, soft_wrap=True, highlight=False, markup=False)
    console.print("\nCtrl-C stops everything; the data stays.")


def _to_try(address: str, *, has_own_identity: bool) -> Iterator[tuple[str, str]]:
    """What to type, and what it is for. ``has_own_identity``: there are identities to be."""
    body = f"-H 'Content-Type: application/json' -d '{json.dumps({'query': QUERY})}'"
    yield "Try it", f"curl -s {address} {body}"
    follow = f"-H 'Content-Type: application/json' -d '{json.dumps({'query': FOLLOW})}'"
    yield "Follow it", f"curl -N {address} -H 'Accept: text/event-stream' {follow}"
    if has_own_identity:
        bearer = f"$({_command()} identity token --customer c-32)"
        yield (
            "Be somebody (c-32 has this order, c-1 has not; --staff sees all)",
            f'curl -s {address} -H "Authorization: Bearer {bearer}" {body}',
        )


def _command() -> str:
    """How this program was started: `bff`, or the module."""
    started = Path(sys.argv[0])
    return str(started) if started.name == "bff" else f"{sys.executable} -m gateway"
