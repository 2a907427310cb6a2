"""The laws of shared reads, over any interleaving of readers, flights, fills and writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream import response_cache
from resolvers.upstream.live_demand import LiveDemand
from resolvers.upstream.single_flight import Flight, SingleFlight
from tests.laws.shared_read_world import (
    KEYS,
    Journey,
    Read,
    Write,
    overheard,
    play,
    set_back,
    too_old,
    unfenced,
)

# Sums of ticks differ by less than the clock can show; it says so, and goes on.
pytestmark = pytest.mark.filterwarnings("ignore:delta is less than resolution")

pauses = st.integers(1, 60)
few_keys = st.sampled_from(KEYS)
writes = st.builds(
    Write,
    pauses,
    few_keys,
    is_told=st.booleans(),
    is_restored=st.sampled_from([False] * 4 + [True]),
)
reads = st.builds(
    Read,
    pauses,
    st.sampled_from([KEYS[:1], KEYS[1:], KEYS]),
    may_share=st.sampled_from([True, True, False]),
    ahead=st.sampled_from([None, None, 0, 0, 1]),
    patience=st.sampled_from([40, 2000]),
    leaves_after=st.sampled_from([None, None, None, 30]),
)
plots = st.lists(st.one_of(writes, reads, reads), min_size=2, max_size=25)
journeys = st.lists(
    st.builds(Journey, st.integers(0, 100), st.integers(0, 100)), min_size=1, max_size=6
)
lagging_journeys = st.lists(
    st.builds(Journey, st.integers(0, 100), st.integers(0, 100), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)


@given(plots, lagging_journeys)
def test_no_demand_is_answered_with_something_older(
    plot: list[Write | Read], calls: list[Journey]
) -> None:
    """Whatever does not cover the demand was asked for after it, replicas as they may be."""
    assert unfenced(play(plot, calls)) == []


@given(plots, lagging_journeys)
def test_who_may_not_share_hears_only_what_was_asked_after_her(
    plot: list[Write | Read], calls: list[Journey]
) -> None:
    """She joins no flight that began earlier, and finds nothing that was kept."""
    assert overheard(play(plot, calls)) == []


@given(plots, journeys)
def test_a_late_answer_never_undoes_a_newer_one(
    plot: list[Write | Read], calls: list[Journey]
) -> None:
    """Nobody is shown, by sharing, less than the process has learned while such is shown."""
    assert set_back(play(plot, calls)) == []


@given(plots, journeys)
def test_an_answer_is_as_new_as_the_instant_it_names(
    plot: list[Write | Read], calls: list[Journey]
) -> None:
    """What is told as asked at an instant is no older than the owner was at that instant."""
    assert too_old(play(plot, calls)) == []


@given(plots, journeys)
def test_sharing_never_costs_a_call_and_leaves_none_behind(
    plot: list[Write | Read], calls: list[Journey]
) -> None:
    """One call a row asked for at most, one more where that was too little; none outlives them."""
    world = play(plot, calls)

    most = sum(
        len(read.keys) * (1 if read.ahead is None else 2) for read in plot if isinstance(read, Read)
    )
    assert world.call_count <= most
    assert world.in_the_air_count == 0


LAMP = KEYS[:1]
SLOW: list[Journey] = [Journey(0, 80), Journey(0, 10)]
JOINED_TOO_EARLY: list[Write | Read] = [
    Write(1, KEYS[0]),
    Read(1, LAMP),
    Write(10, KEYS[0]),
    Read(10, LAMP, ahead=0),
]
ASKED_FOR_HERSELF: list[Write | Read] = [
    Write(1, KEYS[0]),
    Read(1, LAMP),
    Read(10, LAMP, may_share=False),
]
LANDED_LATE: list[Write | Read] = [
    Write(1, KEYS[0]),
    Read(1, LAMP),
    Write(10, KEYS[0], is_told=True),
    Read(75, LAMP),
]


class TestControls:
    """Each fence taken away lets through what its law forbids."""

    def test_a_joiner_whose_answer_is_not_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the check of what a flight has brought, a demand is answered with less."""
        assert unfenced(play(JOINED_TOO_EARLY, SLOW)) == []

        monkeypatch.setattr(LiveDemand, "is_covered_by", lambda *_: True)
        world = play(JOINED_TOO_EARLY, SLOW)
        monkeypatch.undo()

        assert len(unfenced(world)) == 1

    def test_a_flight_that_anybody_may_join(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without its place in the order of asking, who may not share joins an older flight."""
        assert overheard(play(ASKED_FOR_HERSELF, SLOW)) == []

        monkeypatch.setattr(Flight, "may_be_joined", lambda *_, **__: True)

        assert len(overheard(play(ASKED_FOR_HERSELF, SLOW))) == 1

    def test_a_cache_where_the_last_fill_wins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the compare in compare-and-set, a late answer undoes a write."""
        assert set_back(play(LANDED_LATE, SLOW)) == []

        monkeypatch.setattr(response_cache, "replaces", lambda *_: True)

        assert len(set_back(play(LANDED_LATE, SLOW))) == 1

    def test_a_flight_that_is_not_overtaken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without overtaking, who comes after a write still joins what began before it."""
        plot = [*LANDED_LATE[:3], Read(10, LAMP)]
        assert set_back(play(plot, SLOW)) == []

        monkeypatch.setattr(SingleFlight, "overtake", lambda *_: None)

        assert len(set_back(play(plot, SLOW))) == 1
