"""The services as processes, told on the command line where Kafka is."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.servers.mock_kafka import MockKafka

PATIENCE_S = 30
TOPICS = ("orders.events", "customers.events", "products.events")


@dataclass
class RunningStubs:
    """The command `all`: where its services are, and, after it has ended, what it said."""

    urls: dict[str, str]
    said: str = ""


@asynccontextmanager
async def running_stubs(data_dir: Path, address: str) -> AsyncIterator[RunningStubs]:
    ports = ("--orders-port=0", "--customers-port=0", "--products-port=0")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "upstream_stubs", "all", *ports, f"--data={data_dir}"),
        *(f"--kafka={address}", "--exit-on-stdin-close"),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            stubs = RunningStubs(json.loads(await process.stdout.readline()))
            yield stubs
    finally:
        process.stdin.close()  # whatever happened: this is what ends it
        _, said = await process.communicate()
    stubs.said = said.decode()
    assert process.returncode == 0


async def place_order(url: str) -> str:
    """The id of a new order."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as orders:
        body = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 1}]}
        answer = await orders.post("/orders", json=body, headers={"Idempotency-Key": "k"})
    order_id: str = answer.raise_for_status().json()["id"]
    return order_id


async def keys_of(mock_kafka: MockKafka, topic: str) -> set[bytes | None]:
    """The aggregates told of in a topic so far."""
    return {record.key for record in await mock_kafka.read(topic)} - {b"~heartbeat"}


async def test_all_services_publish_what_they_had_and_what_comes(
    mock_kafka: MockKafka, tmp_path: Path
) -> None:
    """One option sends the demo data, and then each new order, to the three topics."""
    for topic in TOPICS:
        mock_kafka.create_named_topic(topic, 2)

    async with running_stubs(tmp_path, mock_kafka.address) as stubs:
        order_id = (await place_order(stubs.urls["orders"])).encode()
        keys: dict[str, set[bytes | None]] = {}
        while [len(published) for published in keys.values()] != [1001, 200, 100]:
            keys = {topic: await keys_of(mock_kafka, topic) for topic in TOPICS}

    assert order_id in keys["orders.events"]
    assert "cannot publish" not in stubs.said
    assert "Traceback" not in stubs.said


async def test_services_work_without_the_kafka_they_were_told_of(
    mock_kafka: MockKafka, tmp_path: Path
) -> None:
    """With Kafka away a service starts, takes orders, says its trouble once, and ends in order."""
    with mock_kafka.down():
        async with running_stubs(tmp_path, mock_kafka.address) as stubs:
            order_id = await place_order(stubs.urls["orders"])

    troubles = [line for line in stubs.said.splitlines() if "cannot publish" in line]
    assert order_id.startswith("o-")
    assert sorted(line.split(":")[0] for line in troubles) == ["customers", "orders", "products"]
    assert "Traceback" not in stubs.said
