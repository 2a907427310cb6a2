"""The circuit's decisions, as a table and as laws over every sequence of events."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from resolvers.upstream.circuit import Circuit, CircuitState, NoPermit, Permit, Vote
from resolvers.upstream.options import BreakerOptions

OPTIONS = BreakerOptions(window_s=10, min_call_count=20, failure_ratio=0.5, break_s=5.0)
PROBE_LIMIT_S = 1.0


def a_circuit() -> Circuit:
    return Circuit(OPTIONS, probe_limit_s=PROBE_LIMIT_S)


def admitted(circuit: Circuit, now_s: float) -> Permit:
    permit = circuit.admit(now_s)
    assert isinstance(permit, Permit)
    return permit


def vote(circuit: Circuit, votes: str, now_s: float) -> None:
    """Make one call for each letter: F fails, S succeeds, N says nothing."""
    meaning = {"F": Vote.FAILURE, "S": Vote.SUCCESS, "N": Vote.NEUTRAL}
    for letter in votes:
        circuit.settle(admitted(circuit, now_s), meaning[letter], now_s)


def an_open_circuit(now_s: float = 0.0) -> Circuit:
    circuit = a_circuit()
    vote(circuit, "F" * OPTIONS.min_call_count, now_s)
    return circuit


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
    """After a failed probe the break is counted from the failure."""
    circuit = an_open_circuit(now_s=0.0)

    circuit.settle(admitted(circuit, now_s=5.0), Vote.FAILURE, now_s=6.0)

    assert circuit.admit(6.0) == NoPermit(retry_after_s=5.0)


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


class CircuitLaws(RuleBasedStateMachine):
    """Callers come, go, succeed and fail in any order; four laws hold at every step."""

    def __init__(self) -> None:
        super().__init__()
        self.circuit = Circuit(
            BreakerOptions(window_s=10, min_call_count=3, failure_ratio=0.5, break_s=5.0),
            probe_limit_s=PROBE_LIMIT_S,
        )
        self.now_s = 0.0
        self.era = 0
        self.opened_at_s = 0.0
        self.outstanding: list[tuple[int, Permit]] = []

    @rule(eighth_count=st.integers(min_value=0, max_value=96))
    def pass_time(self, eighth_count: int) -> None:
        # Eighths of a second add up exactly, so that the laws can be about exact instants.
        self.now_s += eighth_count / 8

    @rule()
    def come(self) -> None:
        before = self.circuit.state
        verdict = self.circuit.admit(self.now_s)
        self.note_change(before)
        match verdict:
            case Permit():
                self.outstanding.append((self.era, verdict))
            case NoPermit(retry_after_s):
                assert before is not CircuitState.CLOSED, "a closed circuit refuses nobody"
                assert 0 <= retry_after_s <= OPTIONS.break_s
        if before is CircuitState.OPEN:
            is_break_over = self.now_s >= self.opened_at_s + OPTIONS.break_s
            assert isinstance(verdict, Permit) == is_break_over

    @precondition(lambda self: self.outstanding)
    @rule(choice=st.data(), cast=st.sampled_from(Vote))
    def end(self, choice: st.DataObject, cast: Vote) -> None:
        index = choice.draw(st.integers(0, len(self.outstanding) - 1))
        era, permit = self.outstanding.pop(index)
        before, era_before = self.circuit.state, self.era
        self.circuit.settle(permit, cast, self.now_s)
        self.note_change(before)
        if era != era_before or cast is Vote.NEUTRAL:
            assert self.circuit.state is before, "late and neutral votes change nothing"

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        if self.circuit.state is CircuitState.HALF_OPEN:
            probes = [permit for era, permit in self.outstanding if era == self.era]
            assert len(probes) <= 1

    def note_change(self, before: CircuitState) -> None:
        if self.circuit.state is before:
            return
        self.era += 1
        if self.circuit.state is CircuitState.OPEN:
            self.opened_at_s = self.now_s


TestCircuitLaws = CircuitLaws.TestCase
