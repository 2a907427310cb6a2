"""How many places a service bears: bounded, fewer when it suffers, more when well and used."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.adaptive_limit import AdaptiveLimit, AdaptiveLimitOptions

CEILING = 16
FLOOR = 4
FAST_S = 0.02
SLOW_S = 0.5

Ending = Callable[[AdaptiveLimit], None]


def a_limit(*, floor_count: int = FLOOR, ceiling_count: int = CEILING) -> AdaptiveLimit:
    options = AdaptiveLimitOptions(floor_count=floor_count)
    return AdaptiveLimit(options, ceiling_count=ceiling_count, attempt_timeout_s=1.0)


def fast(limit: AdaptiveLimit) -> None:
    limit.answered(FAST_S)


def slow(limit: AdaptiveLimit) -> None:
    limit.answered(SLOW_S)


def drop(limit: AdaptiveLimit) -> None:
    limit.dropped()


def call(limit: AdaptiveLimit, count: int, *endings: Ending, is_busy: bool = True) -> None:
    """So many calls that end in these ways in turn; all places in use, or one alone."""
    for number in range(count):
        limit.begun(limit.place_count if is_busy else 1)
        endings[number % len(endings)](limit)


def shrunk() -> AdaptiveLimit:
    """A limit that has found its floor, at the end of a round."""
    limit = a_limit()
    call(limit, CEILING + 12 + 7 * 10, drop)
    assert limit.place_count == FLOOR
    return limit


took = st.floats(min_value=0, max_value=60)
endings = st.lists(st.tuples(st.integers(1, 40), st.one_of(st.none(), took)), max_size=400)


@given(endings, st.integers(1, 40), st.integers(1, 40))
def test_never_leaves_its_bounds(
    calls: list[tuple[int, float | None]], floor_count: int, ceiling_count: int
) -> None:
    """Whatever becomes of calls, there are no fewer places than the floor, no more than all."""
    limit = a_limit(floor_count=floor_count, ceiling_count=ceiling_count)

    for in_flight_count, took_s in calls:
        limit.begun(in_flight_count)
        if took_s is None:
            limit.dropped()
        else:
            limit.answered(took_s)

        assert min(floor_count, ceiling_count) <= limit.place_count <= ceiling_count


@given(st.lists(took, max_size=300), st.integers(0, FLOOR - 1))
def test_never_grows_while_its_places_are_idle(calls: list[float], in_flight_count: int) -> None:
    """Who does not use the places she has does not find out that there could be more."""
    limit = shrunk()

    for took_s in calls:
        limit.begun(in_flight_count)
        limit.answered(took_s)

    assert limit.place_count == FLOOR


@given(st.floats(min_value=0.3, max_value=0.99), st.floats(min_value=0.001, max_value=0.1))
def test_sustained_slowness_shrinks_it_to_the_floor(slow_s: float, usual_s: float) -> None:
    """A service that becomes three times as slow and more has the fewest calls in a few rounds."""
    limit = a_limit()
    call(limit, 100, lambda of: of.answered(usual_s))

    call(limit, 100, lambda of: of.answered(slow_s))

    assert limit.place_count == FLOOR


@given(st.integers(1, 5))
def test_sustained_drops_shrink_it_to_the_floor(nth: int) -> None:
    """If one call of five or more is dropped, the floor is reached and kept."""
    limit = a_limit()

    call(limit, 400, *[drop, *[fast] * (nth - 1)])

    assert limit.place_count == FLOOR


@given(st.lists(st.sampled_from([fast, slow, drop]), max_size=200))
def test_it_grows_back_when_all_is_well(past: list[Ending]) -> None:
    """Whatever has been, enough fast answers with all places in use bring back all of them."""
    limit = a_limit()
    for ending in past:
        call(limit, 1, ending)

    call(limit, 400, fast)

    assert limit.place_count == CEILING


def test_it_begins_with_all_places() -> None:
    """Without evidence nothing is withheld."""
    assert a_limit().place_count == CEILING


def test_a_bad_round_costs_a_quarter() -> None:
    """One round of drops leaves three quarters of the places, whatever the number of drops."""
    limit = a_limit()

    call(limit, CEILING, drop)

    assert limit.place_count == 12


def test_a_good_round_earns_one_place() -> None:
    """After a round in which all were in use and well, there is one more."""
    limit = shrunk()

    call(limit, 10, fast)

    assert limit.place_count == FLOOR + 1


def test_a_tail_costs_nothing() -> None:
    """Every tenth call slow is a matter for hedges: all places stay."""
    limit = a_limit()

    call(limit, 500, slow, *[fast] * 9)

    assert limit.place_count == CEILING


def test_what_is_quick_is_never_slow() -> None:
    """Ten times the usual is no reason while it is below a tenth of an attempt's time."""
    limit = a_limit()
    call(limit, 100, lambda of: of.answered(0.005))

    call(limit, 500, lambda of: of.answered(0.05))

    assert limit.place_count == CEILING


def test_a_service_that_is_slow_for_good_gets_its_places_back() -> None:
    """If fewer calls do not make it faster, it would only be slower in sum with them."""
    limit = a_limit()
    call(limit, 100, fast)

    call(limit, 1_500, slow)

    assert limit.place_count == CEILING


@pytest.mark.parametrize("ending", [slow, drop])
def test_control_a_limit_without_room_is_fixed(ending: Ending) -> None:
    """With a floor as high as the ceiling nothing moves it: the protection is off."""
    limit = a_limit(floor_count=CEILING)

    call(limit, 500, ending)

    assert limit.place_count == CEILING
