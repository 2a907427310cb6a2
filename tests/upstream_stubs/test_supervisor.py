"""The real thing: three processes, started by one command, ended together."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.contracts.rest_implementations import place
from tests.upstream_stubs.in_process import Services
from upstream_stubs.__main__ import main
from upstream_stubs.supervisor import (
    NAMES,
    Child,
    SupervisorOptions,
    running_services,
    wait_until_all_ready,
)

PATIENCE_S = 30


@asynccontextmanager
async def running(data_dir: Path) -> AsyncIterator[dict[str, Child]]:
    """The three services as processes on free ports, ready to work."""
    options = SupervisorOptions(
        host="127.0.0.1",
        ports=dict.fromkeys(NAMES, 0),
        passed_on=(f"--data={data_dir}",),
        ends_with_stdin=False,
    )
    async with asyncio.timeout(PATIENCE_S), running_services(options) as children:
        await wait_until_all_ready(children)
        yield {child.name: child for child in children}


@asynccontextmanager
async def clients_of(urls: dict[str, str]) -> AsyncIterator[Services]:
    async with (
        httpx.AsyncClient(base_url=urls["orders"], trust_env=False) as orders,
        httpx.AsyncClient(base_url=urls["customers"], trust_env=False) as customers,
        httpx.AsyncClient(base_url=urls["products"], trust_env=False) as products,
    ):
        yield Services(orders, customers, products)


async def test_one_command_starts_all_and_ends_with_its_input(tmp_path: Path) -> None:
    """`all` prints one line of addresses, moves from a taken port, serves, and leaves nobody."""
    taken = socket.create_server(("127.0.0.1", 0))
    taken_port = taken.getsockname()[1]
    options = (f"--orders-port={taken_port}", "--customers-port=0", "--products-port=0")
    command = (sys.executable, "-m", "upstream_stubs", "all", *options, f"--data={tmp_path}")
    pipe = asyncio.subprocess.PIPE

    with taken:
        process = await asyncio.create_subprocess_exec(
            *command, "--exit-on-stdin-close", stdin=pipe, stdout=pipe, stderr=pipe
        )
        assert process.stdout is not None
        assert process.stdin is not None
        async with asyncio.timeout(PATIENCE_S):
            urls = json.loads(await process.stdout.readline())
            async with clients_of(urls) as services:
                order = await place(services, "key-1")
                process.stdin.close()
                rest, said = await process.communicate()
                with pytest.raises(httpx.ConnectError):
                    await services.orders.get("/livez")

    assert order["version"] == 1
    assert set(urls) == {"orders", "customers", "products"}
    assert f"port {taken_port}" in said.decode()
    assert "moved to port" in said.decode()
    assert (rest, process.returncode) == (b"", 0)


async def test_killed_service_is_an_outage_of_its_own_and_data_outlive_a_restart(
    tmp_path: Path,
) -> None:
    """When one service is killed, the others work on; started again, all answer as before."""
    async with running(tmp_path) as children:
        urls = {name: child.url for name, child in children.items()}
        async with clients_of(urls) as services:
            children["products"].process.kill()
            await children["products"].process.wait()
            order = await place(services, "key-1")
            with pytest.raises(httpx.ConnectError):
                await services.products.get("/products/p-1")
            await services.customers.patch("/customers/c-1", json={"name": "Ada L"})
            cursor = (await services.orders.get("/events?limit=1000")).json()["cursor"]

    async with running(tmp_path) as children:
        urls = {name: child.url for name, child in children.items()}
        async with clients_of(urls) as services:
            again = (await services.orders.get(f"/orders/{order['id']}")).json()
            customer = (await services.customers.get("/customers/c-1")).json()
            product = await services.products.get("/products/p-1")
            went_on = await services.orders.get("/events", params={"after": cursor})
            await refuse_is_a_dropped_connection(services.products)
            os.kill(children["customers"].process.pid, signal.SIGINT)
            code = await children["customers"].process.wait()

    assert again == order
    assert (customer["name"], customer["version"]) == ("Ada L", 2)
    assert (product.status_code, went_on.status_code, code) == (200, 200, 0)


async def refuse_is_a_dropped_connection(client: httpx.AsyncClient) -> None:
    """Over a real connection, `refuse` is the end of the connection without a byte."""
    rules = {"rules": [{"path": "/products", "refuse": True}]}
    await client.put("/admin/faults", json=rules)

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        await client.get("/products/p-1")

    await client.delete("/admin/faults")
    assert (await client.get("/products/p-1")).status_code == 200


def test_taken_port_of_a_single_service_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One service alone does not move: it ends with code 1 and names the port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        code = main(["products", f"--port={port}", f"--data={tmp_path}"])

    assert code == 1
    assert f"port {port}" in caplog.text


def test_data_that_cannot_be_opened_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A data directory that is a file ends the start with code 1 and its name."""
    (tmp_path / "file").write_text("not a directory")

    code = main(["products", "--port=0", f"--data={tmp_path / 'file'}"])

    assert code == 1
    assert "products.sqlite3" in caplog.text


@pytest.mark.parametrize("arguments", [["shop"], ["orders", "--port=70000"], ["all", "--seed=x"]])
def test_command_that_makes_no_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong word or number is a usage error, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_supervisor_of_a_start_that_fails_ends_with_code_1(tmp_path: Path) -> None:
    """When a service cannot start, the others are ended and standard output stays empty."""
    (tmp_path / "products.sqlite3").write_text("no database " * 200)
    ports = ("--orders-port=0", "--customers-port=0", "--products-port=0")

    ended = subprocess.run(
        (sys.executable, "-m", "upstream_stubs", "all", *ports, f"--data={tmp_path}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert "products.sqlite3 cannot be opened" in ended.stderr
    assert "products did not start" in ended.stderr
