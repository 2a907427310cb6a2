"""The budget of guesses, as a pure machine: however guesses turn out, few of them are wasted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.guess_budget import GuessBudget, GuessOptions

OPTIONS = GuessOptions(waste_ratio=0.1, window_s=10.0, free_count=20)

batches = st.integers(1, 30)
"""The reads of one guess."""


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, float]]:
    """What happens to a budget: guesses made, judged right or wrong, left; and time that passes."""
    kinds = st.sampled_from(["guess", "right", "wrong", "leave"])
    steps = st.tuples(kinds, batches, st.floats(0, 3))
    return draw(st.lists(steps, max_size=120))


class Told:
    """A budget, and an account of its own of all that it has let pass."""

    def __init__(self) -> None:
        self.budget = GuessBudget(OPTIONS)
        self.now_s = 0.0
        self.under_way: list[int] = []
        self.judged: list[tuple[float, int, int]] = []

    def happen(self, kind: str, count: int) -> None:
        if kind == "guess":
            if self.budget.take(count, self.now_s):
                self.under_way.append(count)
        elif self.under_way:
            oldest = self.under_way.pop(0)
            if kind == "leave":
                self.budget.release(oldest)
                return
            right, wrong = (oldest, 0) if kind == "right" else (0, oldest)
            self.budget.give_back(self.now_s, right_count=right, wrong_count=wrong)
            self.judged.append((self.now_s, right, wrong))

    def in_window(self) -> tuple[int, int]:
        recent = [one for one in self.judged if one[0] >= self.now_s - OPTIONS.window_s]
        return sum(right for _, right, _ in recent), sum(wrong for _, _, wrong in recent)


@given(histories())
def test_no_guess_is_let_pass_that_could_break_the_cap(
    history: list[tuple[str, int, float]],
) -> None:
    """Were all that is under way wrong, the window would still be within the cap."""
    told = Told()

    for kind, count, pause_s in history:
        told.now_s += pause_s
        guess_count = len(told.under_way)
        told.happen(kind, count)
        if len(told.under_way) > guess_count:
            right, wrong = told.in_window()
            at_worst = wrong + sum(told.under_way)
            assert at_worst <= max(OPTIONS.free_count, 0.1 * (right + at_worst))


@given(st.lists(st.tuples(batches, st.booleans()), max_size=200))
def test_within_one_window_the_wasted_share_is_capped(guesses: list[tuple[int, bool]]) -> None:
    """A tenth of the reads guessed in a window is for nothing, or the free ones, at any moment."""
    budget = GuessBudget(OPTIONS)
    right_count = wrong_count = 0

    for count, is_right in guesses:
        if not budget.take(count, 0.0):
            continue
        right, wrong = (count, 0) if is_right else (0, count)
        budget.give_back(0.0, right_count=right, wrong_count=wrong)
        right_count, wrong_count = right_count + right, wrong_count + wrong
        assert wrong_count <= max(OPTIONS.free_count, 0.1 * (right_count + wrong_count))


@given(st.lists(batches, min_size=1, max_size=300))
def test_right_guesses_one_after_another_are_never_refused(guesses: list[int]) -> None:
    """Who guesses right may go on, up to the largest guess that the free reads allow."""
    budget = GuessBudget(OPTIONS)

    for count in guesses:
        is_granted = budget.take(count, 0.0)
        assert is_granted or count > OPTIONS.free_count
        if is_granted:
            budget.give_back(0.0, right_count=count, wrong_count=0)


def test_right_guesses_at_a_steady_rate_are_never_refused() -> None:
    """Half a second on the way is a twentieth of the window: no right guess is refused for it."""
    budget = GuessBudget(GuessOptions())
    granted: list[bool] = []

    for step in range(3_000):  # 30 s of 100 guesses of three reads a second
        now_s = step / 100
        if step >= 50 and granted[step - 50]:
            budget.give_back(now_s, right_count=3, wrong_count=0)
        granted.append(budget.take(3, now_s))

    assert all(granted[1_000:])


def test_waste_is_forgotten_with_its_window() -> None:
    """Ten seconds after too much waste, guesses are tried again."""
    budget = GuessBudget(OPTIONS)
    assert budget.take(20, 0.0)
    budget.give_back(0.0, right_count=0, wrong_count=20)

    assert not budget.take(1, 10.0)
    assert budget.take(1, 10.1)


@pytest.mark.parametrize(
    "wrong", [{"waste_ratio": 1.1}, {"window_s": 0}, {"free_count": 0}, {"entry_limit": 0}]
)
def test_a_number_out_of_range_is_refused_by_name(wrong: dict[str, float]) -> None:
    """An option that cannot be meant stops the start, and says which one it is."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GuessOptions(**wrong)  # type: ignore[arg-type]  # wrong on purpose
