"""Kafka's protocol in a few milliseconds: the mock cluster that librdkafka tests itself with.

It speaks to real clients over real sockets, inside this process, and can fail on demand. It knows
records, offsets, consumer groups and idempotent producers; compaction and retention it does not.
Topics that are asked for come into being with four partitions: make yours with `create_topic`.

Python's binding has no names for all of this, so the functions are called in the library that the
binding brought: see `rdkafka_mock.h`.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int16, c_int32, c_int64, c_size_t, c_void_p
from typing import Final

from confluent_kafka import KafkaError, KafkaException, cimpl

from tests.servers.kafka import Kafka, unique

PRODUCER: Final = 0
DISCONNECT: Final = -195
"""In place of an error of the protocol: the connection is closed instead of an answer."""

PRODUCE: Final = 0
FETCH: Final = 1
LIST_OFFSETS: Final = 2
METADATA: Final = 3
JOIN_GROUP: Final = 11
HEARTBEAT: Final = 12

_library: Final = ctypes.CDLL(cimpl.__file__)
_SIGNATURES: Final = {
    "rd_kafka_conf_new": (c_void_p, []),
    "rd_kafka_conf_set": (c_int, [c_void_p, c_char_p, c_char_p, c_char_p, c_size_t]),
    "rd_kafka_new": (c_void_p, [c_int, c_void_p, c_char_p, c_size_t]),
    "rd_kafka_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_new": (c_void_p, [c_void_p, c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (c_char_p, [c_void_p]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [c_void_p, c_int32]),
    "rd_kafka_mock_topic_create": (c_int, [c_void_p, c_char_p, c_int, c_int]),
    "rd_kafka_mock_topic_delete": (c_int, [c_void_p, c_char_p]),
    "rd_kafka_mock_partition_delete_records": (c_int, [c_void_p, c_char_p, c_int32, c_int64]),
    "rd_kafka_mock_broker_set_down": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_up": (c_int, [c_void_p, c_int32]),
    "rd_kafka_mock_broker_set_rtt": (c_int, [c_void_p, c_int32, c_int]),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        [c_void_p, c_int16, c_size_t, POINTER(c_int)],
    ),
}
for _name, (_answer, _arguments) in _SIGNATURES.items():
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _answer, _arguments


class MockKafka(Kafka):
    """A cluster of mock brokers, numbered from 1; empty at first."""

    def __init__(self, handle: int, cluster: int, broker_count: int) -> None:
        self._handle = handle
        self._cluster = cluster
        self._broker_ids = range(1, broker_count + 1)
        super().__init__(_library.rd_kafka_mock_cluster_bootstraps(cluster).decode())

    def create_topic(
        self, stem: str = "events", partitions: int = 1, config: dict[str, str] | None = None
    ) -> str:
        """As `Kafka.create_topic`; a mock topic has no use for its configuration."""
        del config
        name = unique(stem)
        self.create_named_topic(name, partitions)
        return name

    def create_named_topic(self, name: str, partitions: int = 1) -> None:
        """A topic of this very name."""
        _check(_library.rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1))

    def delete_topic(self, name: str) -> None:
        _check(_library.rd_kafka_mock_topic_delete(self._cluster, name.encode()))

    def delete_records(self, topic: str, partition: int, before_offset: int) -> None:
        _check(
            _library.rd_kafka_mock_partition_delete_records(
                self._cluster, topic.encode(), partition, before_offset
            )
        )

    @contextmanager
    def down(self) -> Iterator[None]:
        """No broker can be reached inside the block; its connections are cut."""
        for broker_id in self._broker_ids:
            _check(_library.rd_kafka_mock_broker_set_down(self._cluster, broker_id))
        try:
            yield
        finally:
            for broker_id in self._broker_ids:
                _check(_library.rd_kafka_mock_broker_set_up(self._cluster, broker_id))

    def delay_answers(self, delay_s: float) -> None:
        """Every answer takes this much longer from now on."""
        for broker_id in self._broker_ids:
            delay_ms = round(delay_s * 1000)
            _check(_library.rd_kafka_mock_broker_set_rtt(self._cluster, broker_id, delay_ms))

    def fail_next(self, request: int, *errors: int) -> None:
        """The next requests of this kind (`PRODUCE`, `FETCH`, …) are answered with these errors.

        The numbers are the protocol's; `DISCONNECT` closes the connection instead.
        """
        array = (c_int * len(errors))(*errors)
        _library.rd_kafka_mock_push_request_errors_array(self._cluster, request, len(errors), array)


@contextmanager
def running_mock_kafka(broker_count: int = 1) -> Iterator[MockKafka]:
    """A cluster of its own, empty, that is gone after the block."""
    text = ctypes.create_string_buffer(512)
    settings = _library.rd_kafka_conf_new()
    _library.rd_kafka_conf_set(settings, b"log_level", b"0", text, len(text))
    handle = _library.rd_kafka_new(PRODUCER, settings, text, len(text))
    if not handle:
        raise RuntimeError(text.value.decode())
    cluster = _library.rd_kafka_mock_cluster_new(handle, broker_count)
    # Without this a group waits 3 s for more members before its first assignment.
    _library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
    try:
        yield MockKafka(handle, cluster, broker_count)
    finally:
        _library.rd_kafka_mock_cluster_destroy(cluster)
        _library.rd_kafka_destroy(handle)


def _check(error: int) -> None:
    if error:
        raise KafkaException(KafkaError(error))
