"""The circuit's decisions about calls that take long, or never end."""

from dataclasses import replace

import pytest

from resolvers.upstream.circuit import CircuitState, NoPermit, Vote
from tests.resolvers.upstream.circuits import OPTIONS, a_circuit, admitted, an_open_circuit, vote

CLOSED, OPEN = CircuitState.CLOSED, CircuitState.OPEN


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        ("S" * 4 + "L" * 15, CLOSED),
        ("S" * 4 + "L" * 16, OPEN),
        ("S" * 5 + "L" * 16, CLOSED),
        ("L" * 19, CLOSED),
        ("L" * 20, OPEN),
        ("S" * 1000 + "L" * 20, OPEN),
        ("S" * 1000 + ("L" * 19 + "S") * 10, CLOSED),
        ("ST" * 9 + "SS", CLOSED),
        ("ST" * 10, OPEN),
        ("F" * 10 + "L" * 10, OPEN),
    ],
    ids=[
        "nineteen calls are too few",
        "four of five slow",
        "fewer than four of five",
        "nineteen in a row",
        "twenty in a row",
        "twenty in a row after good times",
        "a good one ends the run",
        "nine of twenty timed out",
        "half timed out",
        "bad is bad in a run",
    ],
)
def test_the_share_of_slow_calls(calls: str, state: CircuitState) -> None:
    """It opens at four slow calls of five, of twenty at least, or at twenty bad ones in a row."""
    circuit = a_circuit()

    vote(circuit, calls, now_s=0.0)

    assert circuit.state is state


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        ("H" * 4, CLOSED),
        ("H" * 5, OPEN),
        ("S" * 1000 + "H" * 5, OPEN),
        ("HHHHSH", CLOSED),
        ("HHHLHHHH", CLOSED),
        ("HHHHFH", CLOSED),
        ("T" * 5, OPEN),
        ("HHHHNH", OPEN),
    ],
    ids=[
        "four",
        "five",
        "after good times",
        "a good answer between",
        "a slow answer between",
        "a failure in time between",
        "timed out, one after the other",
        "somebody leaves between",
    ],
)
def test_a_silent_service(calls: str, state: CircuitState) -> None:
    """Five overdue calls in a row open it, if nothing at all is heard of the service meanwhile."""
    circuit = a_circuit()

    vote(circuit, calls, now_s=0.0)

    assert circuit.state is state


def test_a_silence_must_lie_in_the_window() -> None:
    """Calls that hang every few seconds, where hardly anybody calls, are no five in ten."""
    circuit = a_circuit()

    for number in range(100):
        vote(circuit, "H", now_s=2.5 * number)

    assert circuit.state is CLOSED


def test_a_call_is_counted_as_slow_once() -> None:
    """However often a call is found overdue, it is one call; its end does not make it two."""
    circuit = a_circuit(replace(OPTIONS, silent_call_count=2))
    permit = admitted(circuit, now_s=0.0)

    for _ in range(100):
        circuit.mark_overdue(permit, now_s=0.5)
    circuit.settle(permit, Vote.FAILURE, now_s=1.0)

    assert circuit.state is CLOSED


def test_control_without_counting_on_the_wire_a_hang_opens_nothing() -> None:
    """The control: sixteen calls on the wire that nobody finds overdue are no evidence yet."""
    told, untold = a_circuit(), a_circuit()
    for _ in range(16):
        if told.state is CLOSED:
            told.mark_overdue(admitted(told, now_s=0.0), now_s=0.5)
        admitted(untold, now_s=0.0)

    assert (told.state, untold.state) == (OPEN, CLOSED)


def test_a_slow_probe_has_failed() -> None:
    """Nobody waits for the end of a probe that is overdue: the next break begins at once."""
    circuit = an_open_circuit(now_s=0.0)
    probe = admitted(circuit, now_s=5.0)

    circuit.mark_overdue(probe, now_s=5.5)
    circuit.settle(probe, Vote.SUCCESS, now_s=5.625)

    assert circuit.state is OPEN
    assert circuit.admit(5.625) == NoPermit(retry_after_s=10.0 - 0.125)


def test_an_overdue_call_from_before_the_break_is_dropped() -> None:
    """A call that began before the break and turns out to be slow during the probe says nothing."""
    circuit = a_circuit()
    late = admitted(circuit, now_s=0.0)
    vote(circuit, "F" * 20, now_s=0.0)
    probe = admitted(circuit, now_s=5.0)

    circuit.mark_overdue(late, now_s=5.1)
    circuit.settle(probe, Vote.SUCCESS, now_s=5.2)

    assert circuit.state is CLOSED
