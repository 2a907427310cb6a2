"""`bff serve --workers N` as real processes: started, looked at from outside, and ended."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx

from gateway.token_key import make_key
from tests.e2e.distributed.roles import Role, free_address, start_role
from tests.e2e.processes import eventually
from tests.e2e.shopper import quiet_client

ASK: Final = {"query": "{ __typename }"}


def serve_settings(port: int) -> dict[str, str]:
    """A gateway that needs nobody: what is asked here is answered without a service."""
    return {
        "BFF_PORT": str(port),
        "BFF_EVENTS": "none",
        "BFF_ANONYMOUS": "everything",
        "BFF_TOKEN_KEYS": make_key(),
        "BFF_LOG_FORMAT": "json",
        "BFF_DRAIN_MS": "500",
    }


@contextmanager
def served(folder: Path, *words: str) -> Iterator[Role]:
    """`bff serve`, answering; nobody is left of it afterwards."""
    port, address = free_address()
    command = ("gateway", "serve", *words)
    role = start_role("serve", command, folder, settings=serve_settings(port), address=address)
    try:
        with quiet_client(address) as http:
            eventually(lambda: is_answering(role, http), about=f"an answer at {address}")
        yield role
    finally:
        left = {*children_of(role.process.pid)}
        role.kill()
        eventually(lambda: not any(map(is_alive, left)), about="the end of all workers")


def is_answering(role: Role, http: httpx.Client) -> bool:
    assert role.is_running, role.said
    try:
        return http.get("/livez").is_success
    except httpx.TransportError:
        return False


def children_of(process_id: int) -> list[int]:
    """The ids of the processes that this one has started and that run."""
    told = subprocess.run(
        ("ps", "-A", "-o", "pid=,ppid=,stat="), capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in told.stdout.splitlines())
    return [int(pid) for pid, parent, stat in rows if int(parent) == process_id and stat[0] != "Z"]


def is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def answering(address: str) -> int:
    """The process that answers on a new connection."""
    with quiet_client(address) as http:
        worker: int = http.get("/readyz").json()["process"]["id"]
    return worker


def all_answering(role: Role, count: int) -> set[int]:
    """So many different processes that answer here; waited for."""
    seen: set[int] = set()

    def look() -> bool:
        seen.add(answering(role.address))
        return len(seen & set(children_of(role.process.pid))) >= count

    eventually(look, about=f"{count} workers that answer")
    return seen & set(children_of(role.process.pid))
