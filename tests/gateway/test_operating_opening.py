"""The operator's commands on real servers, as the settings describe them."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import ClassVar

import pytest
import typer
from pydantic import RedisDsn

from gateway.operating import opening
from gateway.operating.commands import add_operator_commands
from gateway.projecting import kafka_options
from gateway.settings import Settings
from projections.consumer import Consumer, ConsumerOptions
from projections.feed import FeedOptions, FeedSource
from projections.kafka.log import open_kafka_log
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from projections.store import Store
from tests.builders.kafka_logs import record
from tests.builders.rows import (
    batch,
    customer_key,
    customer_row,
    order_row,
    poison,
    position,
    product_row,
)
from tests.gateway.operating import Ended, now, run_command
from tests.projections.fake_feed import FakeFeed
from tests.projections.rebuilding import logs_of
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import MockKafka
from tests.servers.valkey import Valkey

NOBODY_THERE = "http://127.0.0.1:1"
WORLD = (order_row(), customer_row(), product_row())
Bff = Callable[..., Ended]


def commands_of(settings: Settings) -> typer.Typer:
    cli = typer.Typer()
    add_operator_commands(cli, lambda: settings)
    return cli


def settings_of(kafka: Kafka, valkey: Valkey) -> Settings:
    return Settings.from_environment(
        {},
        defaults={
            "events": "kafka",
            "store": "redis",
            "redis_url": valkey.url,
            "kafka_bootstrap_servers": kafka.address,
            "kafka_heartbeats": False,
            "orders_url": NOBODY_THERE,
            "customers_url": NOBODY_THERE,
            "products_url": NOBODY_THERE,
            "port": 1,
        },
    )


async def project(settings: Settings, store: Store) -> None:
    """Bring everything that is in the topics to the store."""
    async with open_kafka_log(
        kafka_options(settings), tuple(settings.service_urls), lambda _: None
    ) as logs:
        for log in logs:
            consumer = Consumer(log, store, lambda _: None, ConsumerOptions())
            while (at := await store.position(log.partition)) is None or not at.is_caught_up:
                await consumer.step()


@pytest.fixture
def bff(mock_kafka: MockKafka, valkey: Valkey) -> Bff:
    """The operator's commands before a projected world of three rows, and no services."""
    settings = settings_of(mock_kafka, valkey)

    async def prepare() -> None:
        for row in WORLD:
            topic = f"{row.aggregate_type.source}.events"
            mock_kafka.create_named_topic(topic, 1)
            await mock_kafka.produce(topic, [record(row)])
        async with RedisStore(RedisOptions(url=valkey.url, read_timeout_s=5.0)).open() as store:
            await project(settings, store)

    now(prepare())
    return lambda *arguments: run_command(commands_of(settings), *arguments)


def test_status_knows_the_projection_and_misses_the_gateway(bff: Bff) -> None:
    """What the store holds is told although the gateway does not answer."""
    ended = bff("status", "--json")
    told = json.loads(ended.out)

    assert ended.code == 1
    assert [of["rowCount"] for of in told["sources"]] == [1, 1, 1]
    assert [of["generation"] for of in told["sources"]] == [1, 1, 1]
    assert told["gateways"] == [
        {"url": "http://127.0.0.1:1", "status": None, "reason": "does not answer"}
    ]


def test_rebuild_and_back_again(bff: Bff) -> None:
    """Rehearsed, done, rolled back, dropped: each command finds what the one before has left."""
    commands = [
        ("rebuild", "--dry-run"),
        ("rebuild", "--yes"),
        ("rebuild", "--roll-back", "--yes"),
        ("rebuild", "orders", "--yes"),
        ("rebuild", "orders", "--drop-previous", "--yes"),
    ]

    ended = [bff(*command) for command in commands]
    again = bff("rebuild", "orders", "--roll-back", "--yes")

    assert [one.code for one in ended] == [0, 0, 0, 0, 0]
    assert again.code == 2
    assert again.err == "orders: there is no such generation\n"
    [orders, customers, _] = json.loads(bff("status", "--json").out)["sources"]
    assert (orders["generation"], customers["generation"]) == (2, 1)


def test_drift_cannot_be_told_without_the_services(bff: Bff) -> None:
    """Owners that are not there leave the question open."""
    ended = bff("drift")

    assert ended.code == 2
    assert "3 rows: 0 the same, 0 drifted, 3 not compared" in ended.out


def test_letters_of_the_shared_store_are_listed(bff: Bff, valkey: Valkey) -> None:
    """What a projector has parked is found, and given up, by its id."""

    async def park() -> None:
        async with RedisStore(RedisOptions(url=valkey.url, read_timeout_s=5.0)).open() as store:
            arrived = batch(poison(customer_key("c-9"), 4), source="products", at=position())
            at = next(iter((await store.positions("products")).values()))
            await store.apply(
                type(arrived)(arrived.partition, at.cursor, arrived.events, arrived.position)
            )

    asyncio.run(park())

    listed, given_up = (
        bff("dead-letters", "list"),
        bff("dead-letters", "discard", "customer:c-9@1.4", "--yes"),
    )

    assert "customer:c-9@1.4" in listed.out
    assert given_up.out == "customer:c-9@1.4: discarded\n"
    assert bff("dead-letters", "list").out == "There are no dead letters.\n"


def test_topic_that_is_not_there_is_named(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """A rebuild from a log that is not there says which one, and shows no stack."""
    settings = settings_of(mock_kafka, valkey)

    ended = run_command(commands_of(settings), "rebuild", "--yes")

    assert ended.code == 2
    assert "orders" in ended.err
    assert "Traceback" not in ended.err


def test_server_that_is_not_there_is_told(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """No Redis is exit code 2 and where to look, whichever command."""
    url = RedisDsn("redis://127.0.0.1:1")
    settings = settings_of(mock_kafka, valkey).model_copy(update={"redis_url": url})

    status = run_command(commands_of(settings), "status")
    letters = run_command(commands_of(settings), "dead-letters", "list")

    assert status.code == 2
    assert "is Redis up, and BFF_REDIS_URL right?" in status.out
    assert letters == Ended(2, "", "store: the server cannot be reached\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ("drift",),
        ("rebuild", "--yes"),
        ("rebuild", "--roll-back", "--yes"),
        ("dead-letters", "list"),
    ],
    ids=" ".join,
)
def test_projection_in_a_gateway_s_memory_is_out_of_sight(arguments: Sequence[str]) -> None:
    """The embedded projection is its gateway's alone; the setting that would change it is named."""
    ended = run_command(commands_of(Settings.from_environment({})), *arguments)

    assert ended.code == 2
    assert "BFF_STORE=memory" in ended.err
    assert "needs BFF_STORE=redis" in ended.err


def test_embedded_house_is_asked_at_its_gateway() -> None:
    """Without a shared store `bff status` has the gateway alone to ask, where it listens."""
    settings = Settings.from_environment({}, defaults={"host": "0.0.0.0", "port": 1})

    ended = run_command(commands_of(settings), "status")

    assert ended.code == 2
    assert "gateway http://127.0.0.1:1: does not answer" in ended.out


class FeedOfTheTest:
    """The wire of a feed, to a log in memory."""

    feeds: ClassVar[dict[str, FakeFeed]] = {}

    def __init__(self, service: str, _: str) -> None:
        self._feed = self.feeds[service]

    async def get_json_bytes(
        self, _: str, params: dict[str, str], timeout_s: float
    ) -> tuple[int, bytes]:
        return await self._feed.get(params, timeout_s=timeout_s)

    async def aclose(self) -> None:
        """Nothing is open."""


def test_shared_projection_of_feeds_is_rebuilt_from_them(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where events come from the services' own feeds, those are the logs."""
    settings = Settings.from_environment({}, defaults={"store": "redis", "redis_url": valkey.url})
    feeds = logs_of(*WORLD)
    monkeypatch.setattr(FeedOfTheTest, "feeds", feeds)
    monkeypatch.setattr(opening, "FeedHttp", FeedOfTheTest)

    async def prepare() -> None:
        async with RedisStore(RedisOptions(url=valkey.url, read_timeout_s=5.0)).open() as store:
            for source, feed in feeds.items():
                reading = FeedSource(source, feed, FeedOptions(wait_s=0.0))
                await Consumer(reading, store, lambda _: None, ConsumerOptions()).step()

    now(prepare())

    ended = run_command(commands_of(settings), "rebuild", "--yes")

    assert ended.code == 0
    assert "orders: 1 event read" in ended.err
    assert "The new generation serves." in ended.out


def test_house_without_events_has_nothing_to_rebuild_from(valkey: Valkey) -> None:
    """Without events there is no projection, and the setting is named."""
    defaults = {"store": "redis", "redis_url": valkey.url, "events": "none"}
    settings = Settings.from_environment({}, defaults=defaults)

    ended = run_command(commands_of(settings), "rebuild", "--yes")

    assert ended.code == 2
    assert "BFF_EVENTS=none: there are no logs to rebuild from" in ended.err
