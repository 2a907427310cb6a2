"""Conditional requests: who has the data is not sent them again, and is told the token anyway."""

import pytest
from httpx import Response

from gateway.validators import etag_of, is_known
from projections.token import EMPTY_TOKEN
from tests.faults.misbehaviour import answering, misbehave
from tests.gateway_in_process import GatewayInProcess, open_gateway, twins_of
from tests.resolvers.rows import ORDER, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time

QUERY = '{ order(id: "o-1") { note status } }'
LIVE = '{ order(id: "o-1", consistency: {live: true}) { note } }'
NOT_MODIFIED = 304


async def got(bff: GatewayInProcess, query: str = QUERY, **headers: str) -> Response:
    return await bff.get(query, headers={name.replace("_", "-"): v for name, v in headers.items()})


@pytest.mark.parametrize("query", [QUERY, LIVE], ids=["at hand", "asked for"])
async def test_an_answer_to_a_get_has_a_validator(query: str) -> None:
    """Its own client may keep it, and has to ask each time whether it still holds."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        first, second = await got(bff, query), await got(bff, query)

    assert first.headers["etag"].startswith('W/"')
    assert first.headers["etag"] == second.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("query", [QUERY, LIVE], ids=["at hand", "asked for"])
async def test_who_has_the_data_is_not_sent_them_again(query: str) -> None:
    """A 304 has no body, and the token of the moment."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        first = await got(bff, query)
        again = await got(bff, query, if_none_match=first.headers["etag"])

    assert (again.status_code, again.content) == (NOT_MODIFIED, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "x-consistency-token" in again.headers


async def test_data_that_have_changed_are_sent() -> None:
    """The validator of a world that is over is none any more."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        first = await got(bff)
        await bff.projection.apply(changed(ORDER, note="Ring"))
        again = await got(bff, if_none_match=first.headers["etag"])

    assert again.status_code == 200
    assert again.json()["data"]["order"]["note"] == "Ring"
    assert again.headers["etag"] != first.headers["etag"]


async def test_the_same_data_with_a_later_token_are_sent() -> None:
    """Who keeps an answer keeps the token in it: it must not be older than what she has seen."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await got(bff)  # from now on it is at hand
        first = await got(bff)
        await bff.projection.apply(an_order("o-2", minute=1))
        again = await got(bff, if_none_match=first.headers["etag"])

    assert again.status_code == 200
    assert again.json()["data"] == first.json()["data"]


async def test_nor_does_another_caller_get_what_one_has() -> None:
    """A token is bound to its subject, and so is the answer that holds it."""
    async with open_gateway(twins_of(*SHOP), subject_header="X-Session") as bff:
        await got(bff, x_session="ada")
        ada = await got(bff, x_session="ada")
        bob = await got(bff, x_session="bob", if_none_match=ada.headers["etag"])

    assert bob.status_code == 200


async def test_an_answer_with_an_error_has_none() -> None:
    """What could not be had may be had in a moment."""
    async with open_gateway(twins_of(*SHOP), stale_if_error_s=0) as bff:
        misbehave(bff.twins, "orders", answering(Response(500)))
        answer = await got(bff, LIVE)

    assert "errors" in answer.json()
    assert "etag" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"


async def test_an_answer_to_a_post_is_not_kept_by_anybody() -> None:
    """Only a GET has a validator."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(QUERY)

    assert "etag" not in answer.response.headers
    assert answer.response.headers["cache-control"] == "no-store"


def test_validators_are_compared_weakly() -> None:
    """A proxy may have taken the weakness away, or given it."""
    etag = etag_of(b"{}", EMPTY_TOKEN, "anonymous")

    assert is_known(etag, etag.removeprefix("W/"))
    assert is_known(etag, f'"other", {etag}')
    assert not is_known(etag, '"other"')
