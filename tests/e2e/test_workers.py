"""`bff serve --workers N`: real processes on one port, killed and stopped while they are asked."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import pytest

from gateway.token_key import make_key
from tests.e2e.distributed.roles import free_address
from tests.e2e.processes import PATIENCE_S, eventually
from tests.e2e.starting import REPOSITORY
from tests.e2e.workers_served import (
    ASK,
    all_answering,
    answering,
    children_of,
    is_alive,
    serve_settings,
    served,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CLIENT_COUNT: Final = 8
WARM_COUNT: Final = 4
STOPPED_WITHIN_S: Final = 10.0


@dataclass
class Client:
    """Asks on one connection again and again; who answers it, and what failed."""

    address: str
    workers: list[int] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answer_count: int = 0
    has_asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until told to stop, or until nobody takes connections any more."""
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(base_url=self.address, limits=limits, timeout=10) as http:
            while not stop.is_set():
                try:
                    await self._ask(http)
                except httpx.ConnectError:
                    return
                except httpx.TransportError as error:
                    self.failures.append(repr(error))

    async def _ask(self, http: httpx.AsyncClient) -> None:
        worker = (await http.get("/readyz")).json()["process"]["id"]
        if worker not in self.workers[-1:]:
            self.workers.append(worker)
        answer = await http.post("/graphql", json=ASK)
        if answer.status_code != 200:
            self.failures.append(answer.text)
        self.answer_count += 1
        if self.answer_count == WARM_COUNT:
            self.has_asked.set()


def test_requests_are_answered_by_all_workers(tmp_path: Path) -> None:
    """There are as many as was said, and each takes connections; the parent takes none."""
    with served(tmp_path, "--workers", "3") as role:
        workers = all_answering(role, 3)

        assert workers == set(children_of(role.process.pid))
        assert role.process.pid not in workers


def test_one_worker_is_no_further_process(tmp_path: Path) -> None:
    """The control: by default the process that was started answers itself."""
    with served(tmp_path) as role:
        assert answering(role.address) == role.process.pid
        assert children_of(role.process.pid) == []

        ended = role.end()

    assert ended.exit_code == 0
    assert "worker_ended" not in role.said


async def test_a_killed_worker_costs_its_own_requests_and_comes_back(tmp_path: Path) -> None:
    """Who was connected to it loses one request at most; who was not, none."""
    with served(tmp_path, "--workers", "2") as role:
        killed = min(await asyncio.to_thread(all_answering, role, 2))
        clients, stop = [Client(role.address) for _ in range(CLIENT_COUNT)], asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run(stop))
            await all_have_asked(clients)
            os.kill(killed, signal.SIGKILL)
            back = await asyncio.to_thread(all_answering, role, 2)
            stop.set()
        [ended] = role.events("worker_ended")

    assert killed not in back
    assert (ended["process_id"], ended["exit_code"]) == (killed, -signal.SIGKILL)
    for client in clients:
        assert len(client.failures) <= client.workers.count(killed)


async def all_have_asked(clients: list[Client]) -> None:
    """Return when each client has got answers."""
    async with asyncio.timeout(PATIENCE_S):
        for client in clients:
            await client.has_asked.wait()


async def test_a_stop_under_load_fails_no_request(tmp_path: Path) -> None:
    """SIGTERM to the parent drains all workers; it ends after them, within the bound, with 0."""
    with served(tmp_path, "--workers", "2") as role:
        workers = await asyncio.to_thread(all_answering, role, 2)
        clients, never = [Client(role.address) for _ in range(CLIENT_COUNT)], asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run(never))
            await all_have_asked(clients)
            ended = await asyncio.to_thread(role.end)

    assert [client.failures for client in clients] == [[]] * CLIENT_COUNT
    assert ended.exit_code == 0
    assert ended.took_s < STOPPED_WITHIN_S
    assert not any(map(is_alive, workers))
    assert role.events("worker_ended") == []


def test_ctrl_c_stops_all_workers_quietly(tmp_path: Path) -> None:
    """SIGINT drains nothing, and leaves no traceback."""
    with served(tmp_path, "--workers", "2") as role:
        workers = all_answering(role, 2)
        role.process.send_signal(signal.SIGINT)
        exit_code = role.process.wait(STOPPED_WITHIN_S)

    assert exit_code == 0
    assert not any(map(is_alive, workers))
    assert "Traceback" not in role.said


def test_workers_do_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL leaves the parent no time for anything; its workers end all the same."""
    with served(tmp_path, "--workers", "2") as role:
        workers = all_answering(role, 2)
        role.kill()
        eventually(lambda: not any(map(is_alive, workers)), about="the end of all workers")

    assert "Traceback" not in role.said


def told_by(
    *, settings: Mapping[str, str], port: int, inherited_fds: tuple[int, ...] = ()
) -> tuple[int, str]:
    """The exit code and the words of a `bff serve` with three workers that cannot start."""
    inherited = {name: value for name, value in os.environ.items() if name[:4] != "BFF_"}
    given = {**serve_settings(port), **settings}
    if "BFF_TOKEN_KEYS_FILE" in given:
        del given["BFF_TOKEN_KEYS"]
    done = subprocess.run(
        (sys.executable, "-m", "gateway", "serve", "--workers", "3"),
        cwd=REPOSITORY,
        env={**inherited, **given},
        pass_fds=inherited_fds,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_taken_port_is_told_once() -> None:
    """The parent finds it out before it has started anybody."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        exit_code, said = told_by(settings={}, port=taken.getsockname()[1])

    assert exit_code == 2
    assert said.count("cannot listen on") == 1
    assert "Traceback" not in said


def test_what_only_a_worker_can_find_out_is_told_once() -> None:
    """The first one starts alone; when it cannot, there is no second one."""
    reading, writing = os.pipe()
    os.write(writing, make_key().encode())
    os.close(writing)
    try:  # the parent inherits the descriptor, its workers do not
        exit_code, said = told_by(
            settings={"BFF_TOKEN_KEYS_FILE": f"/dev/fd/{reading}"},
            port=free_address()[0],
            inherited_fds=(reading,),
        )
    finally:
        os.close(reading)

    assert exit_code == 2
    assert said.count("BFF_TOKEN_KEYS_FILE: ") == 1
    assert said.count("no worker can start (exit code 2); see its message above") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"BFF_EVENTS": "pigeons"}, "'feed', 'kafka' or 'none'"),
        ({"BFF_TOKEN_KEYS": "nonsense"}, "BFF_TOKEN_KEYS"),
        ({"BFF_WORKERS": "0"}, "BFF_WORKERS"),
    ],
)
def test_settings_that_cannot_be_are_told_once(settings: Mapping[str, str], told: str) -> None:
    """One clear message and exit code 2, however many workers were asked for."""
    exit_code, said = told_by(settings=settings, port=free_address()[0])

    assert exit_code == 2
    assert said.count(told) == 1
    assert "Traceback" not in said
