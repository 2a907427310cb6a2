"""A member in trouble: it says so, keeps trying, or ends when trying is of no use."""

import asyncio
import ssl
from contextlib import ExitStack

import pytest
from aiokafka import errors

from projections.consumer import ProjectionSignal
from projections.errors import SourceRefused, SourceUnavailable
from projections.feed import EventSource
from projections.kafka.client import to_source_error
from projections.kafka.group import KafkaGroup
from projections.kafka.options import KafkaOptions, KafkaSecurity
from projections.kafka.signals import KafkaFailed, TopicsMissing
from projections.memory_store import MemoryStore
from tests.builders.kafka_logs import kafka_options
from tests.projections.kafka_members import Member, Readers, member, projecting
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import FETCH, JOIN_GROUP, MockKafka

GROUP_DENIED = 30
TOPIC_DENIED = 29
SESSION_TOO_SHORT = 26


def failures_of(member: Member) -> list[Exception]:
    return [told.error for told in member.signals if isinstance(told, KafkaFailed)]


class TestBrokersGone:
    async def test_member_starts_when_they_are_there(self, mock_kafka: MockKafka) -> None:
        """A projector may be started before its Kafka."""
        topic = mock_kafka.create_topic()
        outage = ExitStack()
        outage.enter_context(mock_kafka.down())

        async with member(kafka_options(mock_kafka, topic), Readers().consume) as early:
            await early.until(lambda it: len(failures_of(it)) >= 2)
            outage.close()
            await early.until(lambda it: it.indexes == {0})

        assert {type(error) for error in failures_of(early)} == {SourceUnavailable}

    async def test_long_outage_has_the_member_start_anew(self, mock_kafka: MockKafka) -> None:
        """Brokers that come back elsewhere are found through the bootstrap servers only."""
        topic = mock_kafka.create_topic()

        async with member(kafka_options(mock_kafka, topic), Readers().consume) as running:
            await running.until(lambda it: it.indexes == {0})
            with mock_kafka.down():
                await running.until(lambda it: len(failures_of(it)) >= 1)
            await running.until(lambda it: it.indexes == {0})

        assert "no broker answers" in str(failures_of(running)[0])

    async def test_member_leaves_in_time_without_them(self, mock_kafka: MockKafka) -> None:
        """A process that must end does not wait for brokers that are gone."""
        topic = mock_kafka.create_topic()
        loop = asyncio.get_running_loop()

        async with member(kafka_options(mock_kafka, topic), Readers().consume) as leaving:
            await leaving.until(lambda it: it.indexes == {0})
            mock_kafka.delay_answers(30)
            left_at_s = loop.time()
            await leaving.leave()
            took_s = loop.time() - left_at_s

        assert took_s < 2.0
        assert leaving.task.cancelled()

    async def test_nothing_of_it_is_left_behind(self, mock_kafka: MockKafka) -> None:
        """Whatever the client had under way when it was left is ended too."""
        topic = mock_kafka.create_topic()
        others = asyncio.all_tasks()

        async with member(kafka_options(mock_kafka, topic), Readers().consume) as leaving:
            await leaving.until(lambda it: it.indexes == {0})
            with mock_kafka.down():
                await leaving.leave()

        assert asyncio.all_tasks() == others


class TestMissingTopics:
    async def test_they_are_told_and_taken_up_when_they_come(self, any_kafka: Kafka) -> None:
        """The other topics are read meanwhile."""
        customers = any_kafka.create_topic("customers")
        orders = f"orders-{customers}"
        options = kafka_options(any_kafka, customers)
        both = KafkaOptions(
            bootstrap_servers=options.bootstrap_servers,
            topics={"customers": customers, "orders": orders},
            group_id=options.group_id,
            metadata_max_age_s=0.2,
            watch_interval_s=0.2,
            session_timeout_s=2.0,
            heartbeat_interval_s=0.1,
        )
        readers = Readers()

        async with member(both, readers.consume) as alone:
            await alone.until(lambda it: TopicsMissing((orders,)) in it.signals)
            await alone.until(lambda it: it.indexes == {0})
            any_kafka.create_named_topic(orders, 2)
            await alone.until(lambda it: it.indexes == {0, 1})
            await alone.until(lambda it: TopicsMissing(()) in it.signals)
        any_kafka.delete_topic(orders)


class TestRefusals:
    async def run(self, options: KafkaOptions) -> SourceRefused:
        """Take part until refused."""
        store, signals = MemoryStore(), list[ProjectionSignal]()
        group = KafkaGroup(options, print)
        async with asyncio.timeout(20):
            with pytest.raises(SourceRefused) as refused:
                await group.run(projecting(store, signals))
        return refused.value

    @pytest.mark.parametrize(
        ("error", "told"),
        [(GROUP_DENIED, "GroupAuthorization"), (SESSION_TOO_SHORT, "InvalidSessionTimeout")],
    )
    async def test_group_that_we_may_not_join(
        self, mock_kafka: MockKafka, error: int, told: str
    ) -> None:
        """Grants and settings do not mend themselves: the member ends and says why."""
        topic = mock_kafka.create_topic()
        mock_kafka.fail_next(JOIN_GROUP, error)

        refused = await self.run(kafka_options(mock_kafka, topic))

        assert told in refused.reason

    async def test_topic_that_we_may_not_read(self, mock_kafka: MockKafka) -> None:
        """One partition that is denied ends the member, since all of its topic will be."""
        topic = mock_kafka.create_topic()
        mock_kafka.fail_next(FETCH, *[TOPIC_DENIED] * 5)

        refused = await self.run(kafka_options(mock_kafka, topic))

        assert "TopicAuthorizationFailed" in refused.reason

    @pytest.mark.kafka
    async def test_broker_that_wants_no_password(self, real_kafka: Kafka) -> None:
        """Credentials that are not taken are told from a broker that is away."""
        security = KafkaSecurity(protocol="SASL_PLAINTEXT", username="bff", password="secret")
        options = KafkaOptions(bootstrap_servers=real_kafka.address, security=security)

        refused = await self.run(options)

        assert "Sasl" in refused.reason
        assert "secret" not in str(refused)

    @pytest.mark.parametrize(
        "error",
        [
            ssl.SSLCertVerificationError("self-signed certificate"),
            errors.SaslAuthenticationFailed("wrong password"),
            errors.IncompatibleBrokerVersion("too old"),
        ],
    )
    def test_what_needs_somebody_to_act(self, error: Exception) -> None:
        """Certificates, passwords and versions stay as they are however often one asks."""
        assert isinstance(to_source_error("kafka", error), SourceRefused)

    async def test_what_a_reader_is_refused_ends_the_member(self, mock_kafka: MockKafka) -> None:
        """A consumer that gives up takes its member along, and comes out as it was raised."""
        topic = mock_kafka.create_topic()
        refusal = SourceRefused("customers", "not you")

        async def consume(source: EventSource) -> None:
            raise refusal

        with pytest.raises(SourceRefused) as raised:
            await KafkaGroup(kafka_options(mock_kafka, topic), print).run(consume)

        assert raised.value is refusal
