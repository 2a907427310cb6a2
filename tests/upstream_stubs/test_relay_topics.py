"""The command `topics`: what is missing is made, what is there is left alone and looked at."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import pytest
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaConnectionError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
)

from tests.servers.kafka import unique
from tests.servers.real_kafka import RealKafka
from upstream_stubs.__main__ import main
from upstream_stubs.relay.topics import (
    FoundTopic,
    TopicsError,
    TopicWish,
    open_kafka_admin,
    run_topics,
)

NAMES = ("orders.events", "customers.events", "products.events")
WISH = TopicWish(names=NAMES)
AS_WISHED = FoundTopic(6, "compact")


class AdministrationByHand:
    """A cluster's topics in memory; ``failures`` are met first, one a call of `read`."""

    def __init__(self, *failures: Exception, **topics: FoundTopic) -> None:
        self.topics = {f"{name}.events": topic for name, topic in topics.items()}
        self.failures = list(failures)
        self.made_by_others: dict[str, FoundTopic] = {}

    @asynccontextmanager
    async def open(self) -> AsyncIterator["AdministrationByHand"]:
        if self.failures:
            raise self.failures.pop(0)
        yield self

    async def read(self, names: Sequence[str]) -> Mapping[str, FoundTopic]:
        return {name: self.topics[name] for name in names if name in self.topics}

    async def create(self, name: str, wish: TopicWish) -> None:
        self.topics |= self.made_by_others
        if name in self.topics:
            raise TopicAlreadyExistsError
        self.topics[name] = FoundTopic(wish.partition_count, "compact")


@pytest.fixture(autouse=True)
def _all_lines(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "upstream_stubs.relay")


async def test_missing_topics_are_made_and_a_repeat_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first run creates all three; the second says that they are there."""
    kafka = AdministrationByHand()

    await run_topics(kafka.open, WISH)
    await run_topics(kafka.open, WISH)

    assert kafka.topics == dict.fromkeys(NAMES, AS_WISHED)
    assert caplog.messages == [
        *(f"{name}: created, 6 partitions, compacted" for name in NAMES),
        *(f"{name}: there already" for name in NAMES),
    ]


async def test_topic_that_differs_is_told_and_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Another number of partitions or another policy is not repaired behind anybody's back."""
    kafka = AdministrationByHand(orders=FoundTopic(3, "delete"), customers=AS_WISHED)

    await run_topics(kafka.open, WISH)

    assert kafka.topics["orders.events"] == FoundTopic(3, "delete")
    [warning] = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning == (
        "orders.events: left as it is, although it has 3 partitions, not 6"
        " and its cleanup.policy is delete, not compact"
    )


async def test_topic_made_by_somebody_else_meanwhile_is_one_that_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two that run the command at once do not fail each other."""
    kafka = AdministrationByHand()
    kafka.made_by_others = {"orders.events": AS_WISHED}

    await run_topics(kafka.open, WISH)

    assert caplog.messages[0] == "orders.events: there already"


@pytest.mark.steered_time
async def test_broker_that_is_just_starting_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """No connection, or too few brokers yet, pass; it is said once."""
    failures = [*[KafkaConnectionError("refused")] * 9, InvalidReplicationFactorError("0 brokers")]
    kafka = AdministrationByHand(*failures)

    await run_topics(kafka.open, WISH)

    assert kafka.topics == dict.fromkeys(NAMES, AS_WISHED)
    assert [line for line in caplog.messages if "waiting" in line] == [
        "waiting for Kafka: KafkaConnectionError: refused"
    ]


@pytest.mark.steered_time
async def test_broker_that_never_comes_ends_the_wait() -> None:
    """After the time allowed the command fails, and says why."""
    kafka = AdministrationByHand(*[KafkaConnectionError("refused")] * 1000)

    with pytest.raises(TopicsError, match=r"not ready within 30 s: .*refused"):
        await run_topics(kafka.open, WISH)

    assert asyncio.get_running_loop().time() == pytest.approx(30)


async def test_refusal_that_no_time_will_change_ends_at_once() -> None:
    """Missing rights are no reason to wait."""
    kafka = AdministrationByHand(TopicAuthorizationFailedError("orders.events"))

    with pytest.raises(TopicsError, match="Kafka refuses"):
        await run_topics(kafka.open, WISH)


def test_acknowledged_means_on_two_brokers_where_there_are_three_replicas() -> None:
    """With fewer replicas, one broker that is down must not stop everything."""
    minima = {
        factor: TopicWish(names=NAMES, replication_factor=factor).settings()["min.insync.replicas"]
        for factor in (1, 2, 3)
    }

    assert minima == {1: "1", 2: "1", 3: "2"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["topics"],
        ["topics", "--kafka", "localhost"],
        ["topics", "--kafka", "a:1,"],
        ["topics", "--kafka", "a:1", "--partitions", "0"],
        ["orders", "--kafka", "http://a:1"],
    ],
)
def test_command_line_without_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing or malformed address, or no partition at all, is a usage error."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.kafka
async def test_real_kafka_takes_the_settings(
    real_kafka: RealKafka, caplog: pytest.LogCaptureFixture
) -> None:
    """Apache Kafka accepts every setting, once; a second wish is compared with what is there."""
    name = unique("made.events")
    connect = partial(open_kafka_admin, real_kafka.address)

    await run_topics(connect, TopicWish(names=(name,), partition_count=2))
    await run_topics(connect, TopicWish(names=(name,), partition_count=3))
    async with connect() as admin:
        found = await admin.read([name, "no-such-topic"])
    real_kafka.delete_topic(name)

    assert found == {name: FoundTopic(2, "compact")}
    assert caplog.messages == [
        f"{name}: created, 2 partitions, compacted",
        f"{name}: left as it is, although it has 2 partitions, not 3",
    ]
