import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.telemetry import Telemetry, configure_logging
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
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.upstream.breaker import CircuitChanged
from resolvers.upstream.circuit import CircuitState

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
    """A circuit that opens is a warning that names the service and both states."""
    change = CircuitChanged("orders", CircuitState.CLOSED, CircuitState.OPEN)
    with capture_logs() as lines:
        Telemetry().circuit(change)

    [line] = lines
    assert line["event"] == "circuit_changed"
    assert (line["before"], line["after"]) == ("closed", "open")


def test_two_gateways_do_not_share_what_they_have_told() -> None:
    """What one process has said already is kept in the gateway, not in the module."""
    assert events(batch()) == events(batch())


@pytest.mark.usefixtures("_own_logging")
def test_a_json_line_is_one_line_for_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    """In JSON an event is one object on stderr with name, level, UTC time and its fields."""
    configure_logging("json")
    Telemetry().projection(SourceFailed(Partition("orders"), KeyError("two\nlines"), 0.1))

    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    told = json.loads(line)
    assert captured.out == ""
    assert (told["event"], told["level"], told["source"]) == ("source_failed", "warning", "orders")
    assert told["timestamp"].endswith("Z")
    assert "KeyError" in told["exception"]


@pytest.mark.usefixtures("_own_logging")
def test_a_console_line_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """On a console an event is a line that begins with its time and says its name."""
    configure_logging("console")
    Telemetry().cookie_dropped()

    [line] = capsys.readouterr().err.splitlines()
    assert "consistency_cookie_dropped" in line
