"""All three services from one command: started, told where each other is, ended together.

The rule: no orphans and no guessing. Each service's socket is bound here and handed down, so its
address is final before anything starts, and a request that comes early waits in the socket instead
of failing; that is also how readiness is awaited, without polling. Each child holds a pipe from
here as its standard input and ends with it, even if this process is killed. A child that dies is
not restarted: a killed service shall be a real outage.
"""

import asyncio
import json
import logging
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, get_args

import httpx

from upstream_stubs.opening import ServiceName
from upstream_stubs.process import PortTakenError, end_requests_call, listen

START_TIMEOUT_S: Final = 20.0
"""From the start of the processes until all are ready; seeding takes about a second."""

END_TIMEOUT_S: Final = 5.0
"""How long a child may take to end before it is killed."""

NAMES: Final[tuple[ServiceName, ...]] = get_args(ServiceName)

log = logging.getLogger(__name__)


class StartError(Exception):
    """A service did not come up; what it said itself stands above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorOptions:
    """What to start: a port for each service, and what is passed on to each."""

    host: str
    ports: Mapping[ServiceName, int]
    passed_on: tuple[str, ...]
    ends_with_stdin: bool


@dataclass(frozen=True, slots=True)
class Child:
    """A running service."""

    name: ServiceName
    url: str
    process: asyncio.subprocess.Process


def listen_nearby(name: ServiceName, host: str, port: int) -> socket.socket:
    """A socket on this port or, when it is taken, on a free one."""
    try:
        return listen(host, port)
    except PortTakenError as error:
        moved = listen(host, 0)
        log.warning("%s: %s; moved to port %s", name, error, moved.getsockname()[1])
        return moved


def url_of(listener: socket.socket) -> str:
    """The address that the socket listens on."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def start_child(
    name: ServiceName, listener: socket.socket, urls: Mapping[ServiceName, str], *passed_on: str
) -> Child:
    """Start one service on a socket bound before; our copy of the socket is closed."""
    peers = (f"--customers-url={urls['customers']}", f"--products-url={urls['products']}")
    with listener:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "upstream_stubs", name, f"--listen-fd={listener.fileno()}"),
            *("--exit-on-stdin-close", *(peers if name == "orders" else ()), *passed_on),
            stdin=subprocess.PIPE,
            stdout=sys.stderr.fileno(),
            pass_fds=(listener.fileno(),),
            process_group=0,  # Ctrl-C is for us; we end them in order
        )
    return Child(name, urls[name], process)


async def wait_until_ready(child: Child) -> None:
    """Return once the service can do all of its work. Raises StartError."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=START_TIMEOUT_S) as client:
            answer = await client.get(f"{child.url}/readyz", params={"wait_s": START_TIMEOUT_S})
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise StartError(f"{child.name} did not start: {error!r}") from error


async def end_child(child: Child) -> None:
    """Ask the service to end and, when it does not, kill it."""
    process = child.process
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(END_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            log.warning("%s did not end within %s s, killed", child.name, END_TIMEOUT_S)
            process.kill()
            await process.wait()


async def report_death(child: Child) -> None:
    """Say so when the service ends by itself; the others go on."""
    code = await child.process.wait()
    log.warning("%s at %s ended by itself with code %s", child.name, child.url, code)


@asynccontextmanager
async def running_services(options: SupervisorOptions) -> AsyncIterator[list[Child]]:
    """The three services, started but not awaited; whatever was started is ended in any case."""
    listeners = {name: listen_nearby(name, options.host, options.ports[name]) for name in NAMES}
    urls = {name: url_of(listener) for name, listener in listeners.items()}
    children: list[Child] = []
    try:
        for name, listener in listeners.items():
            children.append(await start_child(name, listener, urls, *options.passed_on))
        yield children
    finally:
        for child in children:  # orders first, because it reads the others
            await end_child(child)


async def supervise(options: SupervisorOptions) -> None:
    """Start all services, print their addresses as one JSON line, stay until asked to end.

    Raises StartError when one does not come up.
    """
    ended = asyncio.Event()
    with end_requests_call(ended.set, ends_with_stdin=options.ends_with_stdin):
        async with running_services(options) as children, asyncio.TaskGroup() as group:
            deaths = [group.create_task(report_death(child)) for child in children]
            starting = group.create_task(announce(children))
            await ended.wait()
            for task in (starting, *deaths):
                task.cancel()


async def announce(children: Sequence[Child]) -> None:
    """Print the services' addresses once all of them are ready."""
    await wait_until_all_ready(children)
    sys.stdout.write(json.dumps({child.name: child.url for child in children}) + "\n")
    sys.stdout.flush()


async def wait_until_all_ready(children: Sequence[Child]) -> None:
    """Return once every service can do all of its work. Raises a group of StartError."""
    async with asyncio.TaskGroup() as group:
        for child in children:
            group.create_task(wait_until_ready(child), name=f"await {child.name}")
