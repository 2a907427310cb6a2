"""The event sources that obey the contract, over logs that tests can write.

Another source joins by one more entry in `IMPLEMENTATIONS`. The fake feed is one of them, so that
whoever tests with it tests against what the real services do; the mock Kafka likewise.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from projections.feed import EventSource, FeedOptions, FeedSource
from projections.kafka.log import open_kafka_log
from tests.builders.kafka_logs import kafka_options, record
from tests.builders.rows import customer_row
from tests.projections.fake_feed import FakeFeed
from tests.servers.kafka import Kafka
from tests.upstream_stubs.in_process import client_of
from upstream_stubs.opening import open_customers
from upstream_stubs.seed import DemoSize
from upstream_stubs.service import StubOptions

BATCH_LIMIT = 2
OPTIONS = FeedOptions(batch_limit=BATCH_LIMIT, wait_s=0.2)
FIRST_IDS = ("c-1", "c-2", "c-3")
"""Each log begins with the first version of these customers."""


@dataclass(frozen=True, slots=True)
class SourceUnderTest:
    """A source over a log of customers, and a hand on that log.

    ``rename`` commits a new version of ``c-1``; ``foreign_cursor`` was given by another log.
    """

    source: EventSource
    rename: Callable[[str], Awaitable[None]]
    foreign_cursor: str


class HttpxFeed:
    """`projections.feed.FeedHttp` over an httpx client."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, params: dict[str, str], *, timeout_s: float) -> tuple[int, bytes]:
        answer = await self._client.get("/events", params=params, timeout=timeout_s)
        return answer.status_code, answer.content


@asynccontextmanager
async def open_fake_feed(_: pytest.FixtureRequest) -> AsyncIterator[SourceUnderTest]:
    rows = [customer_row(customer_id) for customer_id in FIRST_IDS]
    feed, other_feed = FakeFeed(*rows), FakeFeed(*rows)
    version = 1

    async def rename(name: str) -> None:
        nonlocal version
        version += 1
        feed.commit(customer_row("c-1", version, name=name))

    source = FeedSource("customers", feed, OPTIONS)
    yield SourceUnderTest(source, rename, other_feed.cursor_at(1))


@asynccontextmanager
async def open_stub_feed(request: pytest.FixtureRequest) -> AsyncIterator[SourceUnderTest]:
    data_dir: Path = request.getfixturevalue("tmp_path")
    demo = DemoSize(customer_count=len(FIRST_IDS), product_count=1, order_count=1)
    directories = [data_dir / "ours", data_dir / "another"]
    for directory in directories:
        directory.mkdir()
    ours, another = (StubOptions(data_dir=directory, demo=demo) for directory in directories)
    async with (
        open_customers(ours) as stub,
        open_customers(another) as other_stub,
        client_of(stub) as client,
        client_of(other_stub) as other_client,
    ):

        async def rename(name: str) -> None:
            (await client.patch("/customers/c-1", json={"name": name})).raise_for_status()

        foreign_cursor = (await other_client.get("/events")).json()["cursor"]
        source = FeedSource("customers", HttpxFeed(client), OPTIONS)
        yield SourceUnderTest(source, rename, foreign_cursor)


@asynccontextmanager
async def open_mock_kafka(request: pytest.FixtureRequest) -> AsyncIterator[SourceUnderTest]:
    async with open_kafka(request.getfixturevalue("mock_kafka")) as under_test:
        yield under_test


@asynccontextmanager
async def open_real_kafka(request: pytest.FixtureRequest) -> AsyncIterator[SourceUnderTest]:
    async with open_kafka(request.getfixturevalue("real_kafka")) as under_test:
        yield under_test


@asynccontextmanager
async def open_kafka(kafka: Kafka) -> AsyncIterator[SourceUnderTest]:
    topic = kafka.create_topic("customers")
    await kafka.produce(topic, [record(customer_row(customer_id)) for customer_id in FIRST_IDS])
    foreign_cursor = await _cursor_of_another_log(kafka)
    version = 1

    async def rename(name: str) -> None:
        nonlocal version
        version += 1
        await kafka.produce(topic, [record(customer_row("c-1", version, name=name))])

    options = kafka_options(kafka, topic, batch_limit=BATCH_LIMIT)
    async with open_kafka_log(options, ["customers"], observe=print) as [source]:
        yield SourceUnderTest(source, rename, foreign_cursor)


async def _cursor_of_another_log(kafka: Kafka) -> str:
    topic = kafka.create_topic("customers")
    rows = [customer_row(customer_id, name="Bob Bell") for customer_id in FIRST_IDS]
    await kafka.produce(topic, map(record, rows))
    async with open_kafka_log(kafka_options(kafka, topic), ["customers"], observe=print) as [
        source
    ]:
        return (await source.fetch(None)).position.cursor


Open = Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[SourceUnderTest]]
IMPLEMENTATIONS = [
    pytest.param(open_fake_feed, id="fake-feed"),
    pytest.param(open_stub_feed, id="stub-feed"),
    pytest.param(open_mock_kafka, id="mock-kafka"),
    pytest.param(open_real_kafka, id="real-kafka", marks=pytest.mark.kafka),
]
