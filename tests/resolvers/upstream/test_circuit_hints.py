"""What other gateways tell is a hint: it makes us quicker to believe ourselves, and no more."""

import pytest

from resolvers.upstream.circuit import Circuit, CircuitState, Hint, Permit, Vote
from tests.resolvers.upstream.circuits import OPTIONS, a_circuit, admitted, an_open_circuit, vote

CLOSED, OPEN = CircuitState.CLOSED, CircuitState.OPEN


def a_hinted_circuit() -> Circuit:
    circuit = a_circuit()
    circuit.hear(Hint.OPEN, 0.0)
    return circuit


@pytest.mark.parametrize(
    ("calls", "hinted", "unhinted"),
    [
        ("FF", CLOSED, CLOSED),
        ("FFF", OPEN, CLOSED),
        ("SSSSSSSSSSSSSSSSSSSSFFF", OPEN, CLOSED),
        ("FFSFF", CLOSED, CLOSED),
        ("LLL", OPEN, CLOSED),
        ("FTL", OPEN, CLOSED),
        ("S" * 100, CLOSED, CLOSED),
        ("N" * 100, CLOSED, CLOSED),
    ],
)
def test_three_bad_calls_in_a_row_are_enough_meanwhile(
    calls: str, hinted: CircuitState, unhinted: CircuitState
) -> None:
    """With a hint it takes three bad calls of our own; the control without it needs twenty."""
    with_hint, without = a_hinted_circuit(), a_circuit()

    vote(with_hint, calls, now_s=0.1)
    vote(without, calls, now_s=0.1)

    assert (with_hint.state, without.state) == (hinted, unhinted)


def test_no_number_of_hints_opens_a_circuit() -> None:
    """A gateway that cries for ever, after nineteen failures of ours, has opened nothing."""
    circuit = a_circuit()
    vote(circuit, "F" * 19, now_s=0.0)

    for _ in range(1000):
        circuit.hear(Hint.OPEN, 0.0)

    assert circuit.state is CLOSED
    assert isinstance(circuit.admit(0.0), Permit)


def test_what_had_failed_before_the_hint_counts() -> None:
    """After two failures and the hint the next failure is the third in a row."""
    circuit = a_circuit()
    vote(circuit, "FF", now_s=0.0)

    circuit.hear(Hint.OPEN, 0.0)
    vote(circuit, "F", now_s=0.0)

    assert circuit.state is OPEN


def test_a_hint_is_forgotten_after_a_while() -> None:
    """Ten seconds later it takes twenty failures again."""
    circuit = a_hinted_circuit()

    vote(circuit, "FFF", now_s=OPTIONS.hint_s)

    assert circuit.state is CLOSED


def test_a_withdrawn_hint_counts_no_more() -> None:
    """When the other gateway has closed its circuit, ours is as patient as ever."""
    circuit = a_hinted_circuit()

    circuit.hear(Hint.CLOSED, 0.1)
    vote(circuit, "FFF", now_s=0.1)

    assert circuit.state is CLOSED


@pytest.mark.parametrize("hint", Hint)
def test_a_hint_neither_closes_nor_prolongs_a_break(hint: Hint) -> None:
    """While ours is open, the break ends when it would have ended."""
    circuit = an_open_circuit(now_s=0.0)

    circuit.hear(hint, 4.9)
    early, state = circuit.refusal(4.9), circuit.state
    probe = circuit.admit(5.0)

    assert early is not None
    assert state is OPEN
    assert isinstance(probe, Permit)


@pytest.mark.parametrize("hint", Hint)
def test_a_hint_decides_no_probe(hint: Hint) -> None:
    """Half-open, the probe's own fate closes the circuit, and no word of others."""
    circuit = an_open_circuit(now_s=0.0)
    probe = admitted(circuit, now_s=5.0)

    circuit.hear(hint, 5.1)
    during_probe = circuit.state
    circuit.settle(probe, Vote.SUCCESS, 5.2)

    assert (during_probe, circuit.state) == (CircuitState.HALF_OPEN, CLOSED)


def test_a_good_probe_is_newer_than_what_others_told() -> None:
    """Closed again by its own probe, a circuit needs twenty failures, hint or no hint."""
    circuit = an_open_circuit(now_s=0.0)
    circuit.hear(Hint.OPEN, 4.9)
    circuit.settle(admitted(circuit, now_s=5.0), Vote.SUCCESS, 5.1)

    vote(circuit, "F" * 19, now_s=5.2)

    assert circuit.state is CLOSED
