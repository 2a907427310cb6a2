"""What the layers count of the calls to one service."""

import httpx
import pytest
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.durations import Durations
from resolvers.upstream.errors import BulkheadFull, CircuitOpen, UpstreamError
from resolvers.upstream.traffic import ATTEMPT_RESULTS, RESULT_OF
from resolvers.upstream.transport import CallKind, Response
from tests.resolvers.upstream.builders import (
    READ,
    a_context,
    an_upstream,
    answers_after,
    ask,
    some_options,
)
from tests.resolvers.upstream.retried import BROKEN, RETRYING, WELL, answers

pytestmark = pytest.mark.steered_time


def results(upstream: Upstream) -> dict[str, int]:
    """How the attempts to read have ended, those that there were."""
    counted = upstream.traffic.attempts[CallKind.READ].results
    return {result: count for result, count in counted.items() if count}


async def test_each_attempt_is_counted_by_its_end(
    router: respx.Router, service: respx.Route
) -> None:
    """A call that was answered at its third attempt is three of them, and two retries."""
    upstream = an_upstream(router, RETRYING)
    answers(service, BROKEN, BROKEN, WELL)

    await ask(upstream)

    assert results(upstream) == {"unavailable": 2, "answered": 1}
    assert upstream.traffic.retried[CallKind.READ] == 2
    assert upstream.traffic.retried[CallKind.LIST] == 0


async def test_a_kind_that_was_never_called_has_no_attempts(router: respx.Router) -> None:
    """What nobody has asked for is not shown as zeros for ever."""
    assert an_upstream(router, some_options()).traffic.attempts == {}


async def test_an_attempt_takes_as_long_as_its_answer(
    router: respx.Router, service: respx.Route
) -> None:
    """The time is that between sending and the answer, read and understood."""
    service.mock(side_effect=answers_after(0.2, httpx.Response(200, text="an order")))
    upstream = an_upstream(router, some_options())

    await ask(upstream)

    took = upstream.traffic.attempts[CallKind.READ].took
    assert took.sum_s == pytest.approx(0.2)
    assert took.count == 1


async def test_a_mistake_of_ours_blames_nobody(router: respx.Router, service: respx.Route) -> None:
    """An answer that we cannot read for a reason of our own is an attempt called off."""
    answers(service, WELL)
    upstream = an_upstream(router, some_options())

    def broken(_: Response) -> str:
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        await upstream.call(READ, a_context(), broken)

    assert results(upstream) == {"called_off": 1}


def test_every_failure_of_an_attempt_has_its_result() -> None:
    """All errors are told apart, but for the two after which there is no attempt."""
    not_made = {CircuitOpen, BulkheadFull}

    assert RESULT_OF.keys() == set(UpstreamError.__subclasses__()) - not_made
    assert set(RESULT_OF.values()) == set(ATTEMPT_RESULTS) - {"answered", "called_off"}


@pytest.mark.parametrize(("took_s", "place"), [(0.0, 0), (1.0, 0), (1.5, 1), (2.0, 1), (2.1, 2)])
def test_a_duration_is_counted_within_its_bound(took_s: float, place: int) -> None:
    """What takes as long as a bound is within it, and what takes longer than all is counted too."""
    durations = Durations((1.0, 2.0))

    durations.note(took_s)

    assert durations.counts.index(1) == place
    assert (durations.count, durations.sum_s) == (1, took_s)
