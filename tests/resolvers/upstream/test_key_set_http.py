import asyncio

import httpx
import pytest

from resolvers.upstream.errors import InvalidAnswer, UpstreamTimeout, UpstreamUnavailable
from resolvers.upstream.key_set_http import KEY_SET_LIMIT_BYTES, KeySetHttp

URL = "https://issuer.test:8443/realms/shop/keys?v=2"


def wire_to(answer: httpx.Response, asked: list[httpx.Request] | None = None) -> KeySetHttp:
    def respond(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        return answer

    return KeySetHttp(URL, innermost=httpx.MockTransport(respond))


async def test_the_set_is_fetched_from_the_very_address() -> None:
    """With nothing of anybody's session."""
    asked: list[httpx.Request] = []
    http = wire_to(httpx.Response(200, content=b'{"keys": []}'), asked)

    body = await http.fetch(1.0)
    await http.aclose()

    assert body == b'{"keys": []}'
    assert [str(request.url) for request in asked] == [URL]
    assert not {"authorization", "cookie"} & {*asked[0].headers}


@pytest.mark.parametrize("status", [301, 302, 401, 404, 500, 503])
async def test_anything_but_the_set_is_none(status: int) -> None:
    """A redirect too: keys come from where we look."""
    http = wire_to(httpx.Response(status, headers={"location": "https://evil.test/keys"}))

    with pytest.raises(UpstreamUnavailable):
        await http.fetch(1.0)


async def test_a_set_without_end_is_not_read() -> None:
    """It is small, or none."""
    http = wire_to(httpx.Response(200, content=b"x" * (KEY_SET_LIMIT_BYTES + 1)))

    with pytest.raises(InvalidAnswer):
        await http.fetch(1.0)


@pytest.mark.steered_time
async def test_an_issuer_that_hangs_is_left() -> None:
    """After the time that whoever fetches has for it."""

    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError("unreachable: nobody sets the event")

    http = KeySetHttp(URL, innermost=httpx.MockTransport(hang))

    with pytest.raises(UpstreamTimeout):
        await http.fetch(3.0)
