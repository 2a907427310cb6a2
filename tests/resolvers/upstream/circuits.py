"""Circuits by hand: calls by the letter, at any second."""

from collections.abc import Callable

from resolvers.upstream.circuit import Circuit, Permit, Vote
from resolvers.upstream.options import BreakerOptions

OPTIONS = BreakerOptions(window_s=10, min_call_count=20, failure_ratio=0.5, break_s=5.0)
PROBE_LIMIT_S = 1.0


def a_circuit(
    options: BreakerOptions = OPTIONS, *, draw: Callable[[], float] = lambda: 0.0
) -> Circuit:
    return Circuit(options, probe_limit_s=PROBE_LIMIT_S, draw=draw)


def admitted(circuit: Circuit, now_s: float) -> Permit:
    permit = circuit.admit(now_s)
    assert isinstance(permit, Permit)
    return permit


def vote(circuit: Circuit, votes: str, now_s: float) -> None:
    """Make one call for each letter.

    F fails, S succeeds, N says nothing; L is slow and answered at last, T is slow and fails, H is
    slow and hangs on.
    """
    meaning = {"F": Vote.FAILURE, "S": Vote.SUCCESS, "L": Vote.SUCCESS, "T": Vote.FAILURE}
    for letter in votes:
        permit = admitted(circuit, now_s)
        if letter in "LTH":
            circuit.mark_overdue(permit, now_s)
        if letter != "H":
            circuit.settle(permit, meaning.get(letter, Vote.NEUTRAL), now_s)


def an_open_circuit(now_s: float = 0.0, *, draw: Callable[[], float] = lambda: 0.0) -> Circuit:
    circuit = a_circuit(draw=draw)
    vote(circuit, "F" * OPTIONS.min_call_count, now_s)
    return circuit
