"""aiokafka's consumer as we want it: opened with typed failures, closed in bounded time.

The rule: this is the one room that knows what aiokafka does besides what it says. It logs where we
signal, hides why a connection failed, waits without bound for brokers that are gone, and has topics
made for whoever asks for them by name: so topics are subscribed to by pattern.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition, errors
from aiokafka.conn import collect_hosts, create_conn

from projections.errors import SourceError, SourceRefused, SourceUnavailable
from projections.kafka.options import KafkaOptions

KAFKA: Final = "kafka"
"""The source of failures that are no single topic's."""

CLOSE_LIMIT_S: Final = 1.0
"""How long a member may take to leave in order (s); others wait out its session otherwise."""

ABANDON_LIMIT_S: Final = 0.25
"""How long each of two further steps may take, when leaving in order took too long (s)."""

NOBODY: Final = TopicPartition("", -1)
"""A partition that nobody has: asking for its records waits, and learns what went wrong."""

MS: Final = 1000

REFUSALS: Final = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.ClusterAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.IllegalSaslStateError,
    errors.IncompatibleBrokerVersion,
    errors.InconsistentGroupProtocolError,
    errors.InvalidGroupIdError,
    errors.InvalidSessionTimeoutError,
    errors.SaslAuthenticationFailed,
    errors.SecurityDisabled,
    errors.TopicAuthorizationFailedError,
    errors.UnrecognizedBrokerVersion,
    errors.UnsupportedCodecError,
    errors.UnsupportedSaslMechanismError,
    errors.UnsupportedVersionError,
    ssl.SSLError,
)
"""What stays as it is until somebody acts: credentials, grants, versions, codecs."""


def to_source_error(source: str, error: Exception) -> SourceError:
    """What a failure of aiokafka's means for whoever reads the source."""
    name, text = type(error).__name__, str(error)
    reason = text if name in text else f"{name}: {text}"  # aiokafka's own say who they are
    if isinstance(error, REFUSALS):
        return SourceRefused(source, reason)
    return SourceUnavailable(source, reason)


@asynccontextmanager
async def open_consumer(
    options: KafkaOptions, *, group_id: str | None
) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is connected and reads nothing yet; closed within two seconds.

    Raises `SourceUnavailable` or `SourceRefused` when no broker lets us in.
    """
    _quieten()
    consumer = _new_consumer(options, group_id)
    try:
        try:
            await consumer.start()
        except errors.KafkaError as error:
            raise await _why_closed(options, error) from error
        yield consumer
    finally:
        await _close(consumer)


def watch_leaders(consumer: AIOKafkaConsumer, told: Callable[[object], None]) -> None:
    """Have ``told`` called whenever brokers have told who leads what; until the consumer closes."""
    # There is no public way to hear of it.
    consumer._client.cluster.add_listener(told)  # noqa: SLF001 - see above


def subscribe(
    consumer: AIOKafkaConsumer,
    topics: Iterable[str],
    listener: ConsumerRebalanceListener | None = None,
) -> None:
    """Follow these topics, those that are not there yet too.

    By pattern: a client that tracks topics by name has brokers make them anew, with settings of
    nobody's choice, the moment they are deleted.
    """
    names = "|".join(re.escape(topic) for topic in sorted(topics))
    consumer.subscribe(pattern=rf"(?:{names})\Z", listener=listener)


def _new_consumer(options: KafkaOptions, group_id: str | None) -> AIOKafkaConsumer:
    security = options.security
    return AIOKafkaConsumer(
        bootstrap_servers=options.bootstrap_servers,
        client_id="bff-gateway",
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=round(options.poll_s * MS),
        max_partition_fetch_bytes=options.record_limit_bytes,
        request_timeout_ms=round(options.request_timeout_s * MS),
        session_timeout_ms=round(options.session_timeout_s * MS),
        heartbeat_interval_ms=round(options.heartbeat_interval_s * MS),
        rebalance_timeout_ms=round(options.rebalance_timeout_s * MS),
        metadata_max_age_ms=round(options.metadata_max_age_s * MS),
        security_protocol=security.protocol,
        ssl_context=security.ssl_context(),
        sasl_mechanism=security.mechanism,
        sasl_plain_username=security.username,
        sasl_plain_password=security.password,
    )


def _quieten() -> None:
    """Silence aiokafka's loggers, unless somebody has set their level: we signal what matters."""
    logger = logging.getLogger("aiokafka")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.CRITICAL)


async def _why_closed(options: KafkaOptions, error: errors.KafkaError) -> SourceError:
    """Why no broker let us in; aiokafka tells its log only, so each of them is asked once more."""
    security = options.security
    for host, port, _ in collect_hosts(options.bootstrap_servers):
        try:
            connection = await create_conn(
                host,
                port,
                request_timeout_ms=round(options.request_timeout_s * MS),
                security_protocol=security.protocol,
                ssl_context=security.ssl_context(),
                sasl_mechanism=security.mechanism,
                sasl_plain_username=security.username,
                sasl_plain_password=security.password,
            )
        except REFUSALS as refusal:
            return to_source_error(KAFKA, refusal)
        except (OSError, TimeoutError, errors.KafkaError):
            continue
        connection.close()
    return to_source_error(KAFKA, error)


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Leave the group, so that others take over at once, and close everything; never raises."""
    try:
        async with asyncio.timeout(CLOSE_LIMIT_S), asyncio.TaskGroup() as tasks:
            # A task of its own: what `stop` has cancelled may come out of it as a cancellation.
            stopping = tasks.create_task(consumer.stop())
    except (TimeoutError, ExceptionGroup):
        await _abandon(consumer)
    else:
        if stopping.cancelled():
            await _abandon(consumer)


async def _abandon(consumer: AIOKafkaConsumer) -> None:
    """End what `stop` has not come to: it awaits the answers even of brokers that give none."""
    # There is no public way to end it without them.
    fetcher, coordinator = consumer._fetcher, consumer._coordinator  # noqa: SLF001 - see above
    tasks = [
        *(fetcher._pending_tasks if fetcher is not None else ()),  # noqa: SLF001 - see above
        *(task for part in (fetcher, coordinator) if part is not None for task in _tasks_of(part)),
    ]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=ABANDON_LIMIT_S)
    with suppress(TimeoutError, errors.KafkaError):
        async with asyncio.timeout(ABANDON_LIMIT_S):
            await consumer._client.close()  # noqa: SLF001 - see above


def _tasks_of(part: object) -> list[asyncio.Task[object]]:
    return [value for value in vars(part).values() if isinstance(value, asyncio.Task)]
