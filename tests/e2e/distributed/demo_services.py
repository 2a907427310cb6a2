"""The three services over a little demo data, each a process with its relay."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from tests.e2e.distributed.roles import Role, start_role
from tests.e2e.processes import PATIENCE_S
from upstream_stubs.opening import open_customers, open_orders, open_products
from upstream_stubs.seed import DemoSize
from upstream_stubs.service import StubOptions

LITTLE: Final = DemoSize(customer_count=12, product_count=8, order_count=40)
"""Everything is compared with everything at the end, and little is compared fast."""

FAULTLESS: Final[Mapping[str, float]] = {}


def write_demo(folder: Path) -> None:
    """Make the services' files with their demo data, unless they are there."""
    asyncio.run(_write_demo(StubOptions(data_dir=folder, demo=LITTLE)))


async def _write_demo(options: StubOptions) -> None:
    async with AsyncExitStack() as stubs:
        await stubs.enter_async_context(open_customers(options))
        await stubs.enter_async_context(open_products(options))
        await stubs.enter_async_context(open_orders(options, {}))


def services_started(
    folder: Path, kafka_address: str, started: Mapping[str, str], urls: Mapping[str, str]
) -> dict[str, Role]:
    """These services at these addresses, not waited for; ``urls`` are the addresses of all."""
    return {
        name: start_role(
            name, command_of(name, folder, kafka_address, address, urls), folder, address=address
        )
        for name, address in started.items()
    }


def command_of(
    name: str, folder: Path, kafka_address: str, address: str, urls: Mapping[str, str]
) -> Sequence[str]:
    """How one service is started."""
    peers = [f"--{peer}-url={urls[peer]}" for peer in ("customers", "products")]
    return (
        *("upstream_stubs", name, f"--port={urlsplit(address).port}", f"--data={folder}"),
        *(f"--kafka={kafka_address}", *(peers if name == "orders" else ())),
    )


def make_topics(kafka_address: str, folder: Path, partition_count: int) -> None:
    """Make the topics that are missing, by the command that operators use."""
    words = (
        "upstream_stubs",
        "topics",
        f"--kafka={kafka_address}",
        f"--partitions={partition_count}",
    )
    role = start_role("topics", words, folder)
    assert role.process.wait(PATIENCE_S) == 0, role.said
    role.kill()
