"""The feed's own wire: long polls that end, and two statuses that mean something."""

from collections.abc import AsyncIterator

import httpx
import pytest
import respx

from resolvers.upstream.errors import InvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.feed_http import FEED_ANSWER_LIMIT_BYTES, FeedAnswer, FeedHttp
from tests.resolvers.upstream.builders import answers_after, hangs, now_s

pytestmark = pytest.mark.steered_time


@pytest.fixture
def service() -> respx.Route:
    return respx.Router(assert_all_called=False).route(path="/events")


@pytest.fixture
async def feed(service: respx.Route) -> AsyncIterator[FeedHttp]:
    router = respx.Router(assert_all_called=False)
    router.add(service)
    network = httpx.MockTransport(router.async_handler)
    feed = FeedHttp("orders", "http://orders.test", innermost=network)
    yield feed
    await feed.aclose()


async def poll(feed: FeedHttp, *, timeout_s: float = 30.0) -> FeedAnswer:
    return await feed.get_json_bytes("/events", {"after": "7", "wait_s": "25"}, timeout_s)


async def test_long_poll_waits_for_its_answer(feed: FeedHttp, service: respx.Route) -> None:
    """A poll may last far longer than any attempt of a resolver's call."""
    service.mock(side_effect=answers_after(25.0, httpx.Response(200, text='{"events":[]}')))

    answer = await poll(feed)

    assert answer == (200, b'{"events":[]}')
    assert now_s() == pytest.approx(25.0)
    assert dict(service.calls.last.request.url.params) == {"after": "7", "wait_s": "25"}


async def test_unknown_cursor_is_an_answer(feed: FeedHttp, service: respx.Route) -> None:
    """410 comes back with its body: the reader has to begin anew."""
    service.respond(410, text='{"code":"cursor-unknown"}')

    answer = await poll(feed)

    assert answer == FeedAnswer(410, b'{"code":"cursor-unknown"}')


async def test_hanging_feed_ends_at_its_timeout(feed: FeedHttp, service: respx.Route) -> None:
    """A poll never outlasts what its caller allows."""
    service.mock(side_effect=hangs)

    with pytest.raises(UpstreamTimeout):
        await poll(feed, timeout_s=30.0)

    assert now_s() == pytest.approx(30.0)


@pytest.mark.parametrize("status", [204, 302, 404, 429, 500])
async def test_any_other_status_is_an_unavailable_feed(
    feed: FeedHttp, service: respx.Route, status: int
) -> None:
    """Whatever is neither a batch nor a refused cursor: come back later, as told."""
    service.respond(status, headers={"Retry-After": "3"})

    with pytest.raises(UpstreamUnavailable) as caught:
        await poll(feed)

    assert caught.value.retry_after_s == 3.0


async def test_refused_connection_is_an_unavailable_feed(
    feed: FeedHttp, service: respx.Route
) -> None:
    """A feed that is down is told like any service that is down."""
    service.mock(side_effect=httpx.ConnectError("refused"))

    with pytest.raises(UpstreamUnavailable):
        await poll(feed)


async def test_body_above_the_limit_is_invalid(feed: FeedHttp, service: respx.Route) -> None:
    """A feed cannot fill our memory."""
    service.respond(200, content=b"x" * (FEED_ANSWER_LIMIT_BYTES + 1))

    with pytest.raises(InvalidAnswer):
        await poll(feed)
