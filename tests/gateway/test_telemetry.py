import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.freshness import Freshness
from gateway.log_setup import configure_logging
from gateway.log_sink import stderr_sink
from gateway.telemetry import Telemetry
from gateway.watcher import Hearing, HearingState
from projections.consumer import (
    BatchApplied,
    EventParked,
    ProjectionSignal,
    SourceFailed,
    SourceRestarted,
)
from projections.errors import LogReplaced, SourceUnavailable
from projections.positions import Partition, SourcePosition
from projections.projector import Parked
from projections.redis_store.signals import RedisSignal, StoreLost
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.published_circuit import CircuitChanged
from resolvers.upstream.transport import CallKind

Lines = list[Any]


def batch(*, remaining: int | None = 0, gap_count: int = 0) -> BatchApplied:
    position = SourcePosition("c", 0.0, is_caught_up=remaining == 0, remaining_count=remaining)
    return BatchApplied(
        Partition("orders"), position, event_count=1, applied_count=1, gap_count=gap_count
    )


def failure() -> SourceFailed:
    return SourceFailed(
        Partition("orders"), SourceUnavailable("orders", "refused"), retry_after_s=0.1
    )


def logged(*signals: ProjectionSignal) -> Lines:
    telemetry = Telemetry()
    with capture_logs() as lines:
        for signal in signals:
            telemetry.projection(signal)
    return lines


def events(*signals: ProjectionSignal) -> list[str]:
    return [line["event"] for line in logged(*signals)]


@pytest.fixture
def _own_logging() -> Iterator[None]:
    """Put the logging of the test run back afterwards."""
    yield
    structlog.reset_defaults()


def test_catching_up_is_told_once() -> None:
    """A source reaches its end in one line, however many batches follow."""
    assert events(batch(), batch(), batch()) == ["projection_caught_up"]


def test_the_way_there_is_told_now_and_then() -> None:
    """A thousand batches of a source that is behind are one line a second, not a thousand."""
    many = [batch(remaining=1000 - n) for n in range(999)]

    assert events(*many, batch()) == ["projection_catching_up", "projection_caught_up"]


def test_a_source_that_keeps_failing_is_told_once() -> None:
    """The first failure is a line, its repetitions are not, and the recovery is one again."""
    assert events(batch(), failure(), failure(), failure(), batch(), batch()) == [
        "projection_caught_up",
        "source_failed",
        "source_recovered",
    ]


def test_a_second_outage_is_told_again() -> None:
    """What has recovered can fail anew."""
    assert events(batch(), failure(), batch(), failure())[-1] == "source_failed"


def test_an_expected_failure_has_a_reason_and_no_stack() -> None:
    """A service that cannot be reached is a sentence; a mistake of ours brings its stack."""
    [expected] = logged(failure())
    [ours] = logged(SourceFailed(Partition("orders"), KeyError("boom"), 0.1))

    assert expected["reason"] == "orders: refused"
    assert expected["exc_info"] is None
    assert isinstance(ours["exc_info"], KeyError)


def test_a_restarted_source_catches_up_again() -> None:
    """After a restart the way back to the present is told like the first one."""
    assert events(
        batch(), SourceRestarted(Partition("orders"), LogReplaced("orders", "made anew")), batch()
    ) == [
        "projection_caught_up",
        "source_restarted",
        "projection_caught_up",
    ]


def test_versions_that_jump_are_counted() -> None:
    """A legal gap is one line with its count; no gap is none."""
    lines = logged(batch(), batch(gap_count=3))

    assert lines[-1]["event"] == "versions_jumped"
    assert lines[-1]["count"] == 3


def test_a_parked_event_is_an_error_with_its_aggregate() -> None:
    """Whoever has to mend it finds source, aggregate and reason in the line."""
    key = AggregateKey(AggregateType.ORDER, "o-1")
    parked = Parked(key, "data: not an object", until=Version(1, 2))

    [line] = logged(EventParked(Partition("orders"), parked))

    assert (line["event"], line["log_level"]) == ("event_parked", "error")
    assert (line["source"], line["aggregate"]) == ("orders", "order:o-1")
    assert line["reason"] == "data: not an object"


def test_a_circuit_is_told_with_its_change() -> None:
    """A circuit that opens is a warning that names service, kind of call and both states."""
    change = CircuitChanged("orders", CallKind.LIST, CircuitState.CLOSED, CircuitState.OPEN)
    with capture_logs() as lines:
        Telemetry().circuit(change)

    [line] = lines
    assert line["event"] == "circuit_changed"
    assert (line["service"], line["kind"]) == ("orders", "list")
    assert (line["before"], line["after"]) == ("closed", "open")


def test_two_gateways_do_not_share_what_they_have_told() -> None:
    """What one process has said already is kept in the gateway, not in the module."""
    assert events(batch()) == events(batch())


@pytest.mark.usefixtures("_own_logging")
def test_a_json_line_is_one_line_for_a_machine(capfd: pytest.CaptureFixture[str]) -> None:
    """In JSON an event is one object on stderr with name, level, UTC time and its fields."""
    configure_logging("json")
    Telemetry().projection(SourceFailed(Partition("orders"), KeyError("two\nlines"), 0.1))

    assert stderr_sink().flush(5)
    captured = capfd.readouterr()
    [line] = captured.err.splitlines()
    told = json.loads(line)
    assert captured.out == ""
    assert (told["event"], told["level"], told["source"]) == ("source_failed", "warning", "orders")
    assert told["timestamp"].endswith("Z")
    assert "KeyError" in told["exception"]


@pytest.mark.usefixtures("_own_logging")
def test_a_console_line_is_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    """On a console an event is a line that begins with its time and says its name."""
    configure_logging("console")
    Telemetry().cookies_dropped(2)

    assert stderr_sink().flush(5)
    [line] = capfd.readouterr().err.splitlines()
    assert "consistency_cookie_dropped" in line


def freshness(age_s: float | None) -> Freshness:
    return Freshness(is_caught_up=True, remaining_count=0, age_s=age_s, budget_s=2.5)


def test_a_spent_budget_and_its_healing_are_told_once_each() -> None:
    """However often it is looked at, a source that grows old is one line, and so is its healing."""
    telemetry = Telemetry()
    with capture_logs() as lines:
        for age_s in (0.5, 2.5, 2.6, 2.9, 60.0, 0.1, 0.4):
            telemetry.freshness("orders", freshness(age_s))

    stale, current = lines
    assert (stale["event"], stale["log_level"]) == ("projection_stale", "warning")
    assert (stale["source"], stale["age_s"], stale["budget_s"]) == ("orders", 2.6, 2.5)
    assert "look for what has died" in stale["to_do"]
    assert (current["event"], current["source"]) == ("projection_current", "orders")


def test_each_source_grows_old_for_itself() -> None:
    """One stale source says nothing of the others, and one without a proof is stale."""
    telemetry = Telemetry()
    with capture_logs() as lines:
        telemetry.freshness("orders", freshness(None))
        telemetry.freshness("customers", freshness(0.0))
        telemetry.freshness("products", freshness(3.0))

    assert [(line["event"], line["source"]) for line in lines] == [
        ("projection_stale", "orders"),
        ("projection_stale", "products"),
    ]


def test_a_deaf_watcher_and_its_healing_are_told_once_each() -> None:
    """A subscription that is lost is a warning with its reason and what to look at."""
    telemetry = Telemetry()
    deaf = Hearing(HearingState.DEAF, "the server does not let us do this")
    listening = Hearing(HearingState.LISTENING)
    with capture_logs() as lines:
        for hearing in (Hearing(HearingState.STARTING), listening, deaf, deaf, listening):
            telemetry.hearing(hearing)

    told_deaf, told_listening = lines
    assert (told_deaf["event"], told_deaf["log_level"]) == ("watcher_deaf", "warning")
    assert told_deaf["reason"] == deaf.reason
    assert "may subscribe" in told_deaf["to_do"]
    assert told_listening["event"] == "watcher_listening"


def test_what_becomes_of_the_store_is_passed_on_to_who_watches_it() -> None:
    """A signal of the store is logged, and told to the watcher as well."""
    watched: list[RedisSignal] = []
    with capture_logs():
        Telemetry(watch_redis=watched.append).redis(StoreLost("the server is full"))

    assert watched == [StoreLost("the server is full")]
