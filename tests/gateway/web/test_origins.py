"""Pages of other origins: which may read our answers, and which may ask."""

from http import HTTPStatus

import pytest
from pydantic import ValidationError

from gateway.errors import ErrorCode, RequestRefused
from gateway.request import RequestHeaders
from gateway.settings import Settings
from gateway.web.origins import PREFLIGHT_PROOFS
from tests.gateway.front_door import (
    A_QUERY,
    ENDPOINT,
    TYPENAME,
    Door,
    code_of,
    open_door,
)

SHOP = "https://shop.example"
EVIL = "https://evil.example"
LISTED = {"cors_origins": f"{SHOP}, http://localhost:3000"}
ASKING = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "content-type, x-consistency-token",
}


async def preflight(door: Door, origin: str) -> dict[str, str]:
    response = await door.client.options(ENDPOINT, headers={"origin": origin, **ASKING})
    return {"status": str(response.status_code), **response.headers}


async def test_a_listed_origin_may_ask_with_all_our_headers() -> None:
    """A browser that asks first is told so at once, for two hours."""
    async with open_door(**LISTED) as door:
        told = await preflight(door, SHOP)

    assert told["status"] == "204"
    assert told["access-control-allow-origin"] == SHOP
    assert told["access-control-allow-credentials"] == "true"
    assert told["access-control-max-age"] == "7200"
    allowed = told["access-control-allow-headers"].lower().split(", ")
    wanted = {"authorization", "content-type", "x-consistency-token", "x-deadline-ms"}
    assert wanted | {"traceparent"} <= set(allowed)
    assert "origin" in told["vary"]


@pytest.mark.parametrize("settings", [{}, LISTED], ids=["none listed", "others listed"])
async def test_a_foreign_origin_may_not(settings: dict[str, str]) -> None:
    """It is told nothing that lets its page read an answer, or ask."""
    async with open_door(**settings) as door:
        told = await preflight(door, EVIL)
        answer = await door.post(headers={"origin": EVIL})

    assert told["status"] == "403"
    assert not [name for name in told if name.startswith("access-control")]
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_any_origin_is_without_credentials() -> None:
    """`*` shows what is public; a cookie is nobody's leave to read."""
    async with open_door(cors_origins="*") as door:
        told = await preflight(door, EVIL)
        answer = await door.post(headers={"origin": EVIL})

    for headers in (told, answer.headers):
        assert headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (TYPENAME, {}, 200),
        (b"[", {}, 400),
        (TYPENAME, {"accept": "text/html"}, 406),
        (b"x" * 300_000, {}, 413),
        (TYPENAME, {"content-type": "text/plain"}, 415),
    ],
)
async def test_every_answer_may_be_read_by_the_page_that_asked(
    body: bytes, headers: dict[str, str], status: int
) -> None:
    """Refusals as well, with the token, the request's id and the wait among the headers."""
    async with open_door(**LISTED) as door:
        response = await door.post(body, {"origin": SHOP, **headers})

    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == SHOP
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert {"X-Consistency-Token", "X-Request-Id", "Retry-After", "ETag"} <= set(exposed)
    assert "origin" in response.headers["vary"]


async def test_what_is_refused_at_once_may_be_read_as_well() -> None:
    """The reply that the server gives without a task says the same of its page."""
    refused = RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, ErrorCode.OVERLOADED, "later")
    async with open_door(**LISTED) as door:
        headers = RequestHeaders.of([(b"origin", SHOP.encode())])
        reply = door.app.state.graphql.teller.turn_away(refused, headers, "one")

    assert (b"access-control-allow-origin", SHOP.encode()) in reply.headers


CSRF = [
    ("no browser", {}, 200),
    ("typed into the address bar", {"sec-fetch-site": "none"}, 200),
    ("our own page", {"sec-fetch-site": "same-origin"}, 200),
    ("our own page, with its origin", {"origin": "http://gateway.test"}, 200),
    ("a link or image elsewhere", {"sec-fetch-site": "cross-site"}, 403),
    ("a script elsewhere", {"sec-fetch-site": "cross-site", "origin": EVIL}, 403),
    ("an old browser's script elsewhere", {"origin": EVIL}, 403),
    ("a page without an origin", {"origin": "null"}, 403),
    ("a listed page", {"sec-fetch-site": "cross-site", "origin": SHOP}, 200),
    *(
        (
            f"who was asked about {proof.decode()}",
            {"sec-fetch-site": "cross-site", "origin": EVIL, proof.decode(): "1"},
            200,
        )
        for proof in PREFLIGHT_PROOFS
    ),
]


@pytest.mark.parametrize(
    ("headers", "status"), [case[1:] for case in CSRF], ids=[c[0] for c in CSRF]
)
async def test_a_query_by_get_is_for_our_own_pages(headers: dict[str, str], status: int) -> None:
    """What a foreign page can make a browser send without asking is not run."""
    async with open_door(**LISTED) as door:
        response = await door.get({"query": A_QUERY}, headers)

    assert response.status_code == status
    if status == 403:
        assert code_of(response) == "CROSS_SITE_REFUSED"
        assert door.calls == []


async def test_control_a_post_of_json_has_been_asked_about() -> None:
    """No page can send the content type of JSON elsewhere before its browser has asked us."""
    async with open_door(**LISTED) as door:
        response = await door.post(headers={"sec-fetch-site": "cross-site", "origin": EVIL})

    assert response.status_code == 200


async def test_options_without_a_page_tells_the_methods() -> None:
    """Whoever asks what may be done here is told, and no more."""
    async with open_door() as door:
        response = await door.client.options(ENDPOINT)

    assert response.status_code == 204
    assert response.headers["allow"] == "GET, HEAD, POST, OPTIONS"


@pytest.mark.parametrize("given", ["*, https://a.example", "shop.example", "https://a/b", "null"])
def test_what_is_no_origin_stops_the_start(given: str) -> None:
    """A list that would not do what it seems to say is refused."""
    with pytest.raises(ValidationError):
        Settings.model_validate({"cors_origins": given})
