"""How long a break is: longer each time, bounded, jittered, and short again after good times."""

from dataclasses import replace

import pytest

from resolvers.upstream.circuit import Circuit, NoPermit, Vote
from tests.resolvers.upstream.circuits import OPTIONS, a_circuit, admitted, an_open_circuit, vote


def break_s_of(circuit: Circuit, now_s: float) -> float:
    """How long the break still is."""
    refusal = circuit.refusal(now_s)
    assert isinstance(refusal, NoPermit)
    return refusal.retry_after_s


def test_every_failed_probe_doubles_the_break_up_to_a_limit() -> None:
    """Five seconds, ten, twenty, then thirty for ever."""
    circuit, now_s, breaks_s = an_open_circuit(), 0.0, list[float]()

    for _ in range(6):
        breaks_s.append(break_s_of(circuit, now_s))
        now_s += breaks_s[-1]
        circuit.settle(admitted(circuit, now_s), Vote.FAILURE, now_s)

    assert breaks_s == [5.0, 10.0, 20.0, 30.0, 30.0, 30.0]


def test_a_thousand_failed_probes_are_no_overflow() -> None:
    """The longest outage ends with the longest break, whatever the factor."""
    options = replace(OPTIONS, break_factor=10.0, break_cap_s=3600.0)
    circuit, now_s = a_circuit(options), 0.0
    vote(circuit, "F" * 20, now_s)

    for _ in range(1000):
        now_s += 3600.0
        circuit.settle(admitted(circuit, now_s), Vote.FAILURE, now_s)

    assert break_s_of(circuit, now_s) == 3600.0


@pytest.mark.parametrize(
    ("closed_for_s", "break_s"), [(0.0, 10.0), (9.9, 10.0), (10.0, 5.0), (99.0, 5.0)]
)
def test_a_service_that_was_well_for_a_while_starts_anew(
    closed_for_s: float, break_s: float
) -> None:
    """Who falls down again within ten seconds has never been well; after them, it is forgiven."""
    circuit = an_open_circuit(now_s=0.0)
    circuit.settle(admitted(circuit, now_s=5.0), Vote.SUCCESS, now_s=5.0)
    falls_at_s = 5.0 + closed_for_s

    vote(circuit, "F" * 20, falls_at_s)

    assert break_s_of(circuit, falls_at_s) == pytest.approx(break_s)


@pytest.mark.parametrize(("drawn", "break_s"), [(0.0, 5.0), (0.5, 4.5), (1.0, 4.0)])
def test_chance_shortens_a_break_by_a_fifth_at_most(drawn: float, break_s: float) -> None:
    """Gateways that opened together come back apart, and none later than promised."""
    circuit = an_open_circuit(draw=lambda: drawn)

    assert break_s_of(circuit, 0.0) == pytest.approx(break_s)


def test_chance_is_not_inherited_by_the_next_break() -> None:
    """The second break is twice the first as it was meant to be, and then drawn by itself."""
    draws = iter((1.0, 0.0))
    circuit = an_open_circuit(draw=lambda: next(draws))

    circuit.settle(admitted(circuit, now_s=4.0), Vote.FAILURE, now_s=4.0)

    assert break_s_of(circuit, 4.0) == 10.0
