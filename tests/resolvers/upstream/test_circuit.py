"""The circuit's decisions about calls that end in time, as a table."""

from resolvers.upstream.circuit import CircuitState, NoPermit, Permit, Vote
from tests.resolvers.upstream.circuits import OPTIONS, a_circuit, admitted, an_open_circuit, vote


def test_circuit_stays_closed_below_the_minimum_of_calls() -> None:
    """Nineteen failures of nineteen calls do not open it; the twentieth does."""
    circuit = a_circuit()

    vote(circuit, "F" * 19, now_s=0.0)
    before = circuit.state
    vote(circuit, "F", now_s=0.0)

    assert (before, circuit.state) == (CircuitState.CLOSED, CircuitState.OPEN)


def test_circuit_opens_although_every_fifth_call_succeeds() -> None:
    """A ratio, not a run of consecutive failures, opens the circuit."""
    circuit = a_circuit()

    vote(circuit, "FFFFS" * 3 + "FFFFF", now_s=0.0)

    assert circuit.state is CircuitState.OPEN


def test_circuit_stays_closed_just_below_the_ratio() -> None:
    """Nine failures of twenty calls are below one half."""
    circuit = a_circuit()

    vote(circuit, "S" * 11 + "F" * 9, now_s=0.0)

    assert circuit.state is CircuitState.CLOSED


def test_circuit_opens_at_exactly_the_ratio() -> None:
    """Ten failures of twenty calls are one half, and enough."""
    circuit = a_circuit()

    vote(circuit, "S" * 10 + "F" * 10, now_s=0.0)

    assert circuit.state is CircuitState.OPEN


def test_success_never_opens_the_circuit() -> None:
    """Ten failures and then ten successes are a recovery, though half of twenty have failed."""
    circuit = a_circuit()

    vote(circuit, "F" * 10 + "S" * 10, now_s=0.0)

    assert circuit.state is CircuitState.CLOSED


def test_failures_that_left_the_window_do_not_count() -> None:
    """Nineteen failures of long ago and one of now are one failure."""
    circuit = a_circuit()

    vote(circuit, "F" * 19, now_s=0.0)
    vote(circuit, "F", now_s=OPTIONS.window_s)

    assert circuit.state is CircuitState.CLOSED


def test_neutral_votes_do_not_count_as_calls() -> None:
    """Calls that say nothing neither open the circuit nor dilute the failures."""
    circuit = a_circuit()

    vote(circuit, "N" * 100 + "F" * 20, now_s=0.0)

    assert circuit.state is CircuitState.OPEN


def test_refusal_says_how_much_of_the_break_is_left() -> None:
    """A refused call is told the exact seconds until the probe."""
    circuit = an_open_circuit(now_s=0.0)

    refusal = circuit.admit(2.0)

    assert refusal == NoPermit(retry_after_s=3.0)


def test_half_open_refusal_says_when_the_probe_is_decided_at_the_latest() -> None:
    """Whoever comes during the probe is told the rest of the probe's time limit."""
    circuit = an_open_circuit(now_s=0.0)
    admitted(circuit, now_s=5.0)

    refusal = circuit.admit(5.25)

    assert refusal == NoPermit(retry_after_s=0.75)


def test_failed_probe_starts_a_whole_new_break() -> None:
    """After a failed probe a break, longer than the first, is counted from the failure."""
    circuit = an_open_circuit(now_s=0.0)

    circuit.settle(admitted(circuit, now_s=5.0), Vote.FAILURE, now_s=6.0)

    assert circuit.admit(6.0) == NoPermit(retry_after_s=10.0)


def test_probe_that_was_called_off_makes_room_for_the_next() -> None:
    """A neutral probe returns its permit; the next caller is the probe."""
    circuit = an_open_circuit(now_s=0.0)

    circuit.settle(admitted(circuit, now_s=5.0), Vote.NEUTRAL, now_s=5.1)

    assert circuit.state is CircuitState.HALF_OPEN
    assert isinstance(circuit.admit(5.2), Permit)


def test_closed_again_circuit_has_forgotten_the_outage() -> None:
    """After a good probe it takes a whole new outage to open the circuit."""
    circuit = an_open_circuit(now_s=0.0)
    circuit.settle(admitted(circuit, now_s=5.0), Vote.SUCCESS, now_s=5.1)

    vote(circuit, "F" * 19, now_s=5.2)

    assert circuit.state is CircuitState.CLOSED


def test_twenty_failures_in_a_row_open_it_whatever_came_before() -> None:
    """A thousand good calls in the window do not have to be outvoted by a thousand bad ones."""
    circuit = a_circuit()

    vote(circuit, "S" * 1000 + "F" * 19, now_s=0.0)
    before = circuit.state
    vote(circuit, "F", now_s=0.5)

    assert (before, circuit.state) == (CircuitState.CLOSED, CircuitState.OPEN)


def test_one_success_ends_the_run() -> None:
    """The control: with one good call among them the share decides, and it is small."""
    circuit = a_circuit()

    vote(circuit, "S" * 1000 + "F" * 19 + "S" + "F" * 19, now_s=0.0)

    assert circuit.state is CircuitState.CLOSED


def test_a_run_must_lie_in_the_window() -> None:
    """Twenty failures in a row, one a second, are never twenty within ten seconds."""
    circuit = a_circuit()

    for second in range(100):
        vote(circuit, "F", now_s=float(second))

    assert circuit.state is CircuitState.CLOSED


def test_a_look_at_the_circuit_takes_no_permit() -> None:
    """Who only looks after the break sees no refusal, and is not the probe."""
    circuit = an_open_circuit(now_s=0.0)

    looks = [circuit.refusal(4.0), circuit.refusal(5.0), circuit.refusal(5.0)]
    state_after_looking = circuit.state
    admitted(circuit, now_s=5.0)

    assert looks == [NoPermit(1.0), None, None]
    assert state_after_looking is CircuitState.OPEN
    assert circuit.refusal(5.5) == NoPermit(0.5)
