"""What a component shows when its owner fails: the table, and the choice among what is at hand."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.versions import Version
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, Mode, OnTimeout
from resolvers.errors import ConsistencyTimeout
from resolvers.ladder import OWNER_FAILED, Offer, Rung, choose_rung, may_stand_in
from resolvers.upstream.errors import Rejected, UpstreamTimeout, VersionBehind

LIMIT_S = 60.0

MODES = (
    (AtLeast(), True),
    (AtLeast(is_causal=True), True),
    (AtLeast(on_timeout=OnTimeout.STALE), True),
    (AtLeast(on_timeout=OnTimeout.ERROR), False),
    (Eventual(), True),
    (Bounded(1.0), False),
    (Bounded(1.0, on_timeout=OnTimeout.STALE), False),
    (Live(), False),
)


@pytest.mark.parametrize(("mode", "is_allowed"), MODES, ids=str)
def test_who_asked_for_proof_or_refusal_gets_the_error(mode: Mode, *, is_allowed: bool) -> None:
    """`live`, `bounded` and `onTimeout: ERROR` are taken at their word."""
    assert may_stand_in(Demand(mode), UpstreamTimeout("orders")) == is_allowed


@pytest.mark.parametrize("failure", OWNER_FAILED, ids=lambda failure: failure.__name__)
def test_every_failure_of_an_owner_may_be_stood_in_for(failure: type[Exception]) -> None:
    """Nobody has said how it is."""
    assert may_stand_in(Demand(), failure("orders"))


@pytest.mark.parametrize(
    "failure",
    [
        VersionBehind("orders"),
        Rejected.__new__(Rejected),
        ConsistencyTimeout({}, None),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_an_owner_that_is_well_is_not_stood_in_for(failure: Exception) -> None:
    """Who refuses or lags has answered; who chose to hear of a timeout hears of it."""
    assert not may_stand_in(Demand(), failure)


def offer(number: int = 1, age_s: float = 10.0) -> Offer:
    return Offer(age_s, Version(1, number))


CHOICES = (
    ("nothing is at hand", None, None, Rung.ERROR),
    ("a projected row", offer(), None, Rung.PROJECTED),
    ("a kept answer", None, offer(), Rung.KEPT),
    ("the newer version", offer(2, 50.0), offer(1, 1.0), Rung.PROJECTED),
    ("the newer version, kept", offer(1, 1.0), offer(2, 50.0), Rung.KEPT),
    ("of equal ones the later", offer(1, 5.0), offer(1, 4.0), Rung.KEPT),
    ("of equal ones the later, projected", offer(1, 4.0), offer(1, 5.0), Rung.PROJECTED),
    ("too old a row", offer(2, LIMIT_S), offer(1, 5.0), Rung.KEPT),
    ("all of it too old", offer(2, LIMIT_S), offer(1, LIMIT_S), Rung.ERROR),
    ("a projection that is building", offer(age_s=inf), None, Rung.ERROR),
    ("less than demanded", Offer(1.0, Version(1, 1), is_new_enough=False), None, Rung.ERROR),
    ("a parked row", Offer(1.0, Version(1, 1), is_trusted=False), None, Rung.ERROR),
    ("a page, which has no version", Offer(1.0), None, Rung.PROJECTED),
)


@pytest.mark.parametrize(
    ("projected", "kept", "rung"), [choice[1:] for choice in CHOICES], ids=[c[0] for c in CHOICES]
)
def test_the_newest_of_what_holds_is_shown(
    projected: Offer | None, kept: Offer | None, rung: Rung
) -> None:
    """Of what is neither too old, nor older than demanded, nor in doubt."""
    assert choose_rung(projected, kept, limit_s=LIMIT_S) is rung


offers = st.none() | st.builds(
    Offer,
    st.floats(0, 100),
    st.none() | st.builds(Version, st.integers(0, 2), st.integers(1, 3)),
    is_new_enough=st.booleans(),
    is_trusted=st.booleans(),
)


@given(offers, offers, st.floats(0, 100))
def test_nothing_is_shown_that_must_not_be(
    projected: Offer | None, kept: Offer | None, limit_s: float
) -> None:
    """Whatever is at hand: what stands in is young enough, new enough and trusted."""
    rung = choose_rung(projected, kept, limit_s=limit_s)

    shown = {Rung.PROJECTED: projected, Rung.KEPT: kept, Rung.ERROR: None}[rung]
    assert rung is Rung.ERROR or shown is not None
    if shown is not None:
        assert shown.age_s < limit_s
        assert shown.is_new_enough
        assert shown.is_trusted


@given(offers, offers)
def test_without_a_limit_there_is_no_ladder(projected: Offer | None, kept: Offer | None) -> None:
    """The control: with zero seconds a failure is an error, whatever is at hand."""
    assert choose_rung(projected, kept, limit_s=0.0) is Rung.ERROR
