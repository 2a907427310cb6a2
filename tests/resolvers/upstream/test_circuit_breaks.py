"""How long a break is: longer each time, bounded, jittered, and short again after good times."""

from dataclasses import replace
from random import Random

import pytest

from resolvers.upstream.circuit import Circuit, NoPermit, Vote
from resolvers.upstream.options import BreakerOptions
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


def probe_count(options: BreakerOptions, outage_s: float) -> int:
    """How often a service is tried in an outage, each probe failing at once."""
    circuit, now_s, count = a_circuit(options), 0.0, 0
    vote(circuit, "F" * 20, now_s)
    while (now_s := now_s + break_s_of(circuit, now_s)) <= outage_s:
        circuit.settle(admitted(circuit, now_s), Vote.FAILURE, now_s)
        count += 1
    return count


def test_a_long_outage_is_probed_twice_a_minute() -> None:
    """Ten minutes of it are 21 probes, and whoever waits behind one waits 21 times."""
    assert probe_count(OPTIONS, outage_s=600.0) == 21


def test_control_breaks_that_do_not_grow_are_120_probes() -> None:
    """The control: with a factor of 1 the same outage is probed every five seconds."""
    assert probe_count(replace(OPTIONS, break_factor=1.0), outage_s=600.0) == 120


def probes_at_s(jitter_ratio: float) -> list[float]:
    """When so many gateways probe whose circuits opened together, in tenths of a second."""
    options, chance = replace(OPTIONS, jitter_ratio=jitter_ratio), Random(1)
    circuits = [a_circuit(options, draw=chance.random) for _ in range(20)]
    for circuit in circuits:
        vote(circuit, "F" * 20, 0.0)
    return [round(break_s_of(circuit, 0.0), 1) for circuit in circuits]


def test_gateways_that_opened_together_probe_apart() -> None:
    """Twenty of them come over a whole second, no more than five in the same tenth of it."""
    at_s = probes_at_s(OPTIONS.jitter_ratio)

    assert max(at_s.count(tenth) for tenth in at_s) <= 5


def test_control_without_jitter_they_all_probe_at_once() -> None:
    """The control: a service that comes back meets the probes of all gateways together."""
    assert probes_at_s(0.0) == [5.0] * 20
