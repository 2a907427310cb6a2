"""The one table of failures: it knows each of them, and what is told where two came of one call."""

import pytest

from resolvers.upstream import errors
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    Refusal,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.failures import MEANINGS, Repeat, Says, more_telling

DOWN, SLOW = UpstreamUnavailable("orders"), UpstreamTimeout("orders")
LOST = UpstreamUnavailable("orders", is_outcome_unknown=True)
CUT = DeadlineExceeded("orders")
LOST_AND_CUT = DeadlineExceeded("orders", is_outcome_unknown=True)
NONSENSE = InvalidAnswer("orders")
REFUSED = Rejected("orders", Refusal(status=409, problem_code="conflict"))
OPEN, FULL = CircuitOpen("orders"), BulkheadFull("orders")


def test_every_failure_has_its_meaning() -> None:
    """No error of a service is without a row, and no row without an error."""
    family = {
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, UpstreamError) and each is not UpstreamError
    }

    assert set(MEANINGS) == family


def test_only_what_may_pass_is_asked_again() -> None:
    """Unavailable services are, and slow ones if there is time; nobody else ever is."""
    repeated = {
        error: meaning.repeat
        for error, meaning in MEANINGS.items()
        if meaning.repeat is not Repeat.NEVER
    }

    assert repeated == {
        UpstreamUnavailable: Repeat.IN_TIME,
        UpstreamTimeout: Repeat.WITH_WHOLE_ATTEMPT,
    }


def test_nothing_stands_in_for_the_word_of_a_service_that_is_well() -> None:
    """A refusal, and a replica that says it is behind, are answers; all else leaves a gap."""
    answers = {error for error, meaning in MEANINGS.items() if not meaning.may_stand_in}

    assert answers == {Rejected, VersionBehind}
    assert answers == {error for error, meaning in MEANINGS.items() if meaning.says is Says.WELL}


@pytest.mark.parametrize(
    ("earlier", "later", "told"),
    [
        (DOWN, NONSENSE, NONSENSE),
        (DOWN, SLOW, SLOW),
        (DOWN, REFUSED, REFUSED),
        (DOWN, OPEN, DOWN),
        (DOWN, FULL, DOWN),
        (SLOW, CUT, SLOW),
        (LOST, OPEN, LOST),
        (LOST, DOWN, LOST),
        (LOST, REFUSED, LOST),
        (LOST, CUT, LOST),
        (DOWN, LOST, LOST),
        (DOWN, LOST_AND_CUT, LOST_AND_CUT),
        (LOST, LOST_AND_CUT, LOST),
    ],
)
def test_of_two_failures_the_more_telling_one_is_told(
    earlier: UpstreamError, later: UpstreamError, told: UpstreamError
) -> None:
    """A write that may have been done stays so; else the later one, if the service was asked."""
    assert more_telling(earlier, later) is told
