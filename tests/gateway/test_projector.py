"""`bff project`: what it needs, and what it tells."""

from collections.abc import Iterator, MutableMapping
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from structlog.testing import capture_logs
from typer.testing import CliRunner

from gateway.__main__ import cli
from gateway.projector import ProjectorRefused, run_projector
from gateway.settings import Settings, SettingsError
from gateway.telemetry import Telemetry
from projections.errors import SourceRefused, SourceUnavailable
from projections.feed import EventSource
from projections.kafka.group import KafkaGroup
from projections.kafka.signals import (
    CommitFailed,
    KafkaFailed,
    KafkaSignal,
    LogReplayed,
    PartitionsAssigned,
    PartitionsRevoked,
    TopicsMissing,
)
from projections.positions import Partition
from projections.redis_store.signals import (
    AnnouncementsMissed,
    EvictionPolicyUnsafe,
    PersistenceOff,
    RedisSignal,
    ServerTooOld,
    ServerUnchecked,
    StoreLost,
    StoreRecovered,
)

Lines = list[MutableMapping[str, Any]]

SHARED = {"BFF_STORE": "redis", "BFF_EVENTS": "kafka"}
ORDERS = Partition("orders", 3, 6)
NO_TERMINAL = Console(file=StringIO())


@pytest.fixture
def lines() -> Iterator[Lines]:
    with capture_logs() as captured:
        yield captured


@pytest.mark.parametrize(
    ("settings", "word"), [({}, "BFF_STORE=memory"), ({**SHARED, "BFF_EVENTS": "none"}, "=none")]
)
async def test_nothing_to_project_is_said(settings: dict[str, str], word: str) -> None:
    """A projector without a shared store, or without events, does not start."""
    with pytest.raises(SettingsError, match=word):
        await run_projector(Settings.from_environment(settings), NO_TERMINAL)


async def test_brokers_that_deny_us_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting does not mend a wrong password: the process ends, and says why."""

    async def refuse(_: KafkaGroup, consume: EventSource) -> None:
        del consume
        raise SourceRefused("kafka", "SaslAuthenticationFailed")

    monkeypatch.setattr(KafkaGroup, "run", refuse)

    with pytest.raises(ProjectorRefused, match="SaslAuthenticationFailed"):
        await run_projector(Settings.from_environment(SHARED), NO_TERMINAL)


@pytest.mark.parametrize(
    ("signal", "event", "level"),
    [
        (PartitionsAssigned((ORDERS,)), "partitions_assigned", "info"),
        (PartitionsRevoked((ORDERS,)), "partitions_revoked", "info"),
        (LogReplayed(ORDERS, "7-aa"), "log_replayed", "warning"),
        (KafkaFailed(SourceUnavailable("kafka", "away"), 1.0), "kafka_failed", "warning"),
        (TopicsMissing(("orders.events",)), "topics_missing", "error"),
        (CommitFailed(TimeoutError()), "commit_failed", "info"),
    ],
)
def test_what_becomes_of_the_membership_is_logged(
    lines: Lines, signal: KafkaSignal, event: str, level: str
) -> None:
    """Each signal of the group is one line with a name of its own."""
    Telemetry().kafka(signal)

    assert [(line["event"], line["log_level"]) for line in lines] == [(event, level)]


@pytest.mark.parametrize(
    ("signal", "event", "level"),
    [
        (StoreLost("away"), "store_lost", "warning"),
        (StoreRecovered(), "store_recovered", "info"),
        (AnnouncementsMissed(), "announcements_missed", "info"),
        (EvictionPolicyUnsafe("allkeys-lru"), "store_may_drop_rows", "error"),
        (PersistenceOff(), "store_keeps_nothing_over_a_restart", "warning"),
        (ServerTooOld("6.2"), "store_too_old", "error"),
        (ServerUnchecked("no permission"), "store_unchecked", "warning"),
    ],
)
def test_what_is_found_of_the_server_is_logged(
    lines: Lines, signal: RedisSignal, event: str, level: str
) -> None:
    """Each signal of the store is one line with a name of its own."""
    Telemetry().redis(signal)

    assert [(line["event"], line["log_level"]) for line in lines] == [(event, level)]


def test_help_tells_that_there_may_be_many() -> None:
    """The one thing to know about the role."""
    shown = CliRunner().invoke(cli, ["project", "--help"])

    assert "as many as you like" in " ".join(shown.output.split())
