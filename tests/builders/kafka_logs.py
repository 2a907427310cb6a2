"""Topics as the relays fill them, and options under which a test need not wait."""

from datetime import datetime

from projections.kafka.options import KafkaOptions
from projections.views import Row
from tests.builders.rows import cloud_event, to_bytes
from tests.servers.kafka import Kafka
from tests.servers.kafka_records import Record


def record(row: Row, *, partition: int = 0) -> Record:
    """The record that brings ``row``."""
    return Record(row.id.encode(), to_bytes(cloud_event(row)), partition=partition)


def heartbeat(at: datetime, *, partition: int = 0) -> Record:
    """What a service's outbox said at this time to a partition."""
    event = {
        "specversion": "1.0",
        "id": at.isoformat(),
        "source": "/customers",
        "type": "outbox.heartbeat",
        "time": at.isoformat(),
    }
    return Record(b"~heartbeat", to_bytes(event), partition=partition)


def kafka_options(
    kafka: Kafka,
    topic: str,
    *,
    source: str = "customers",
    batch_limit: int = 500,
    record_limit_bytes: int = 1024 * 1024,
    has_heartbeats: bool = False,
    silence_limit_s: float = 5.0,
    session_timeout_s: float = 2.0,
) -> KafkaOptions:
    """Options for one topic of this Kafka, quick enough for a test.

    The mock does not end a poll when a record comes, so polls are short; and its groups take the
    session less a second for every change, so sessions are short.
    """
    return KafkaOptions(
        bootstrap_servers=kafka.address,
        topics={source: topic},
        group_id=f"readers of {topic}",
        has_heartbeats=has_heartbeats,
        batch_limit=batch_limit,
        record_limit_bytes=record_limit_bytes,
        wait_s=0.2,
        poll_s=0.02,
        silence_limit_s=silence_limit_s,
        request_timeout_s=10.0,
        session_timeout_s=session_timeout_s,
        heartbeat_interval_s=0.1,
        rebalance_timeout_s=5.0,
        metadata_max_age_s=1.0,
        commit_interval_s=0.2,
        watch_interval_s=0.2,
        reopen_after_s=2.0,
        first_backoff_s=0.05,
        longest_backoff_s=0.5,
    )
