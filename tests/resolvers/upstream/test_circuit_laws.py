"""Laws of the circuit over every sequence of calls, ends, delays, hints and pauses."""

from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from resolvers.upstream.circuit import Circuit, CircuitState, Hint, NoPermit, Permit, Vote
from resolvers.upstream.options import BreakerOptions
from tests.resolvers.upstream.circuits import PROBE_LIMIT_S

OPTIONS = BreakerOptions(
    window_s=10, min_call_count=6, silent_call_count=4, hinted_call_count=2, hint_s=4.0
)
SHORTEST_BREAK_S = OPTIONS.break_s * (1 - OPTIONS.jitter_ratio)


@dataclass(eq=False)
class Outstanding:
    """A call under way: in which era of the circuit it began."""

    permit: Permit
    era: int


class CircuitLaws(RuleBasedStateMachine):
    """Callers come, go, succeed, fail and hang in any order, and others talk."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0.0
        self.circuit = Circuit(OPTIONS, probe_limit_s=PROBE_LIMIT_S, draw=lambda: self.drawn)
        self.now_s = 0.0
        self.era = 0
        self.counted_in_era = 0
        self.bad_in_era = 0
        self.hung_in_era = 0
        self.hinted_until_s = -1.0
        self.last_break_s = 0.0
        self.outstanding: list[Outstanding] = []

    @rule(eighth_count=st.integers(min_value=0, max_value=280), drawn=st.floats(0, 1))
    def pass_time(self, eighth_count: int, drawn: float) -> None:
        # Eighths of a second add up exactly, so that the laws can be about exact instants.
        self.now_s += eighth_count / 8
        self.drawn = drawn

    @rule()
    def come(self) -> None:
        before, refusal = self.circuit.state, self.circuit.refusal(self.now_s)
        verdict = self.circuit.admit(self.now_s)
        assert (refusal is None) == isinstance(verdict, Permit), "a look tells what would be said"
        match verdict:
            case Permit():
                self.note_change(before)
                self.outstanding.append(Outstanding(verdict, self.era))
            case NoPermit(retry_after_s):
                assert before is not CircuitState.CLOSED, "a closed circuit refuses nobody"
                assert 0 <= retry_after_s <= OPTIONS.break_cap_s, (
                    "who is refused knows for how long"
                )
                assert self.circuit.state is before

    @precondition(lambda self: self.outstanding)
    @rule(choice=st.data(), cast=st.sampled_from(Vote))
    def end(self, choice: st.DataObject, cast: Vote) -> None:
        index = choice.draw(st.integers(0, len(self.outstanding) - 1))
        call = self.outstanding.pop(index)
        before, era = self.circuit.state, self.era
        if call.era == era:
            self.counted_in_era += cast is not Vote.NEUTRAL and not call.permit.is_overdue
            self.bad_in_era += cast is Vote.FAILURE and not call.permit.is_overdue
        self.circuit.settle(call.permit, cast, self.now_s)
        if call.era != era or cast is Vote.NEUTRAL:
            assert self.circuit.state is before, "late and neutral votes change nothing"
        if cast is Vote.SUCCESS:
            assert before is CircuitState.OPEN or self.circuit.state is not CircuitState.OPEN, (
                "a success never opens"
            )
        self.note_change(before)

    @precondition(lambda self: self.outstanding)
    @rule(choice=st.data())
    def hang(self, choice: st.DataObject) -> None:
        call = choice.draw(st.sampled_from(self.outstanding))
        before, was_overdue = self.circuit.state, call.permit.is_overdue
        if call.era == self.era and not was_overdue:
            self.counted_in_era += 1
            self.bad_in_era += 1
            self.hung_in_era += 1
        self.circuit.mark_overdue(call.permit, self.now_s)
        if call.era != self.era or was_overdue:
            assert self.circuit.state is before, "no call is found overdue twice, or too late"
        self.note_change(before)

    @rule(hint=st.sampled_from(Hint))
    def hear(self, hint: Hint) -> None:
        before, refusal = self.circuit.state, self.circuit.refusal(self.now_s)
        self.circuit.hear(hint, self.now_s)
        assert self.circuit.state is before, "no word of others opens or closes"
        assert self.circuit.refusal(self.now_s) == refusal, "nor does it move the end of a break"
        self.hinted_until_s = self.now_s + OPTIONS.hint_s if hint is Hint.OPEN else -1.0

    @invariant()
    def at_most_one_probe_is_out(self) -> None:
        if self.circuit.state is CircuitState.HALF_OPEN:
            assert sum(call.era == self.era for call in self.outstanding) <= 1

    def note_change(self, before: CircuitState) -> None:
        after = self.circuit.state
        if after is before:
            return
        if after is CircuitState.OPEN:
            self.judge_opening(before)
        if after is CircuitState.CLOSED:
            assert before is CircuitState.HALF_OPEN, "only a probe closes"
            self.hinted_until_s = -1.0
        self.era += 1
        self.counted_in_era = self.bad_in_era = self.hung_in_era = 0

    def judge_opening(self, before: CircuitState) -> None:
        refusal = self.circuit.refusal(self.now_s)
        assert refusal is not None
        break_s = refusal.retry_after_s
        assert SHORTEST_BREAK_S - 1e-6 <= break_s <= OPTIONS.break_cap_s + 1e-6, "bounded"
        if before is CircuitState.HALF_OPEN:
            jitter = 1 - OPTIONS.jitter_ratio
            grown_s = min(self.last_break_s * OPTIONS.break_factor, OPTIONS.break_cap_s) * jitter
            assert break_s >= grown_s - 1e-6, "a failed probe never shortens the break by much"
        else:
            is_hinted = self.now_s < self.hinted_until_s
            assert (
                self.counted_in_era >= OPTIONS.min_call_count
                or self.hung_in_era >= OPTIONS.silent_call_count
                or (is_hinted and self.bad_in_era >= OPTIONS.hinted_call_count)
            ), "it never opens below the minimum"
        self.last_break_s = break_s


TestCircuitLaws = CircuitLaws.TestCase
