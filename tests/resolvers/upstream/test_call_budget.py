"""The budget of extra calls: the share that it promises, whatever is asked of it when."""

from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.call_budget import CallBudget

PRICES = st.integers(1, 50)
COUNTS = st.integers(0, 20)
SEQUENCES = st.lists(st.booleans(), max_size=400)
"""What happens to a budget: True is a call, False asks for an extra one."""


def play(budget: CallBudget, sequence: list[bool]) -> list[int]:
    """1 where an extra call was given, else 0."""
    given_count = []
    for is_call in sequence:
        if is_call:
            budget.earn()
        given_count.append(0 if is_call else int(budget.take()))
    return given_count


@given(PRICES, COUNTS, COUNTS, SEQUENCES)
def test_extra_calls_are_their_share_of_all_calls_or_the_floor(
    price: int, reserve: int, floor: int, sequence: list[bool]
) -> None:
    """At no moment have more been given than a call in so many, or the floor if that is more."""
    budget = CallBudget(price_count=price, reserve_count=reserve, floor_count=floor)

    given_counts = play(budget, sequence)

    for end in range(len(sequence) + 1):
        call_count = sum(sequence[:end])
        assert sum(given_counts[:end]) <= max(floor, call_count // price)


@given(PRICES, COUNTS, SEQUENCES, SEQUENCES)
def test_no_stretch_has_more_than_its_share_and_the_reserve(
    price: int, reserve: int, before: list[bool], stretch: list[bool]
) -> None:
    """However long all went well before, an outage begins with the reserve and no more."""
    budget = CallBudget(price_count=price, reserve_count=reserve)
    play(budget, before)

    given_count = sum(play(budget, stretch))

    assert given_count * price <= sum(stretch) + reserve * price


@given(PRICES, COUNTS, st.integers(0, 400))
def test_what_was_earned_can_be_taken(price: int, reserve: int, call_count: int) -> None:
    """After so many calls there are as many extra ones as were paid for, up to the reserve."""
    budget = CallBudget(price_count=price, reserve_count=reserve)
    play(budget, [True] * call_count)

    given_count = sum(play(budget, [False] * (reserve + 1)))

    assert given_count == min(reserve, call_count // price)


def test_without_a_price_everything_is_given() -> None:
    """The control: no budget gives as many extra calls as are asked for."""
    budget = CallBudget(price_count=0, reserve_count=1)

    assert sum(play(budget, [False] * 1000)) == 1000
