import json
from collections.abc import Mapping

import pytest

from gateway.graphql_http import GraphQLHttp
from gateway.identity.desk import FAILED_BYTES, IdentityDesk, Tokens
from gateway.identity.key_ring import FixedKeys
from gateway.identity.keys import shared_key
from gateway.identity.remembered import Remembered
from gateway.identity.verifying import Expected
from gateway.request import RequestHeaders
from tests.gateway.front_door import A_QUERY, JSON_TYPE, TYPENAME, Exchange, open_door, part
from tests.gateway.identity.bearers import (
    AUDIENCE,
    BELIEVING,
    HOUR_S,
    ISSUER,
    SECRET,
    a_bearer,
    as_customer,
    as_staff,
    as_visitor,
    shown,
)
from tests.gateway_in_process import pass_time
from tests.projection_by_hand import LOOP_STARTED_AT_S, wall_clock_s

pytestmark = pytest.mark.steered_time

PRODUCT = '{ product(id: "p-1") { name } }'
NOBODY = 'Bearer realm="bff"'
INVALID = 'Bearer realm="bff", error="invalid_token"'


async def asked(
    query: str, headers: Mapping[str, str] | None = None, **settings: object
) -> tuple[int, str, str | None]:
    """Status, code of the first error or what was answered, and the challenge."""
    async with open_door(**{**BELIEVING, **settings}) as door:
        response = await door.ask(query, headers=headers)
    body = response.json()
    told = body["errors"][0]["extensions"]["code"] if "errors" in body else json.dumps(body["data"])
    return response.status_code, told, response.headers.get("www-authenticate")


async def test_who_shows_no_token_is_told_how_to() -> None:
    """401, a code, and no word of an invalid token: there was none."""
    assert await asked(PRODUCT) == (401, "UNAUTHENTICATED", NOBODY)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer nonsense",
        "Bearer",
        "Bearer ",
        "",
        "Basic YWRhOnNlY3JldA==",
        "Token x",
        f"Bearer {a_bearer('x' * 40)}",
        f"Bearer {a_bearer(exp=LOOP_STARTED_AT_S - 60)}",
        f"Bearer {a_bearer(aud='other')}",
        f"Bearer {a_bearer()} {a_bearer()}",
        f"Bearer {'x' * 5000}",
    ],
    ids=lambda header: header[:20],
)
async def test_all_bad_tokens_are_told_the_same(header: str) -> None:
    """What is wrong with one would help whoever makes them up."""
    async with open_door(**BELIEVING) as door:
        response = await door.ask(PRODUCT, headers={"authorization": header})

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == INVALID
    assert response.json() == {
        "errors": [
            {
                "message": "the bearer token is not accepted",
                "extensions": {"code": "UNAUTHENTICATED"},
            }
        ]
    }


async def test_two_tokens_are_none() -> None:
    """Whom of two somebody is, nobody guesses; not even of twice the same."""
    desk = a_desk()
    token = b"Bearer " + a_bearer().encode()
    with pytest.raises(Exception, match="not accepted"):
        desk.find(RequestHeaders.of([(b"authorization", token)] * 2))


async def test_a_bad_token_is_not_somebody_without_one() -> None:
    """Visitors and everybody are those who show none."""
    for anonymous in ("visitor", "everything"):
        status, code, challenge = await asked(PRODUCT, shown("no.such.token"), anonymous=anonymous)

        assert (status, code, challenge) == (401, "UNAUTHENTICATED", INVALID)


async def test_the_scheme_is_a_word_in_any_case() -> None:
    """As RFC 9110 has it."""
    header = {"authorization": f"bEARER  {a_bearer()}"}

    assert (await asked(PRODUCT, header))[:2] == (200, '{"product": {"name": "Lamp"}}')


@pytest.mark.parametrize(
    ("anonymous", "query", "expected"),
    [
        ("refused", PRODUCT, (401, "UNAUTHENTICATED")),
        ("visitor", PRODUCT, (200, '{"product": {"name": "Lamp"}}')),
        ("visitor", A_QUERY, (200, "FORBIDDEN")),
        ("everything", A_QUERY, (200, '{"order": {"id": "o-1"}}')),
    ],
)
@pytest.mark.parametrize("settings", [BELIEVING, {}], ids=["tokens", "no tokens"])
async def test_who_shows_no_token_is_what_the_setting_says(
    anonymous: str, query: str, expected: tuple[int, str], settings: Mapping[str, object]
) -> None:
    """Refused by default."""
    async with open_door(**{**settings, "anonymous": anonymous}) as door:
        response = await door.ask(query)
    body = response.json()
    told = body["errors"][0]["extensions"]["code"] if "errors" in body else json.dumps(body["data"])

    assert (response.status_code, told) == expected


async def test_where_no_token_can_be_verified_everybody_may_show_one_or_not() -> None:
    """Inside a network of one's own the header may be for others; elsewhere it is refused."""
    for anonymous, status in (("everything", 200), ("visitor", 401), ("refused", 401)):
        async with open_door(anonymous=anonymous) as door:
            response = await door.ask(PRODUCT, headers=as_staff())

        assert response.status_code == status, anonymous


async def test_a_token_is_good_until_it_expires_and_no_longer() -> None:
    """Though it is remembered."""
    async with open_door(**BELIEVING) as door:
        statuses = []
        for duration_s in (0, HOUR_S - 1, 20):
            await pass_time(duration_s)
            statuses.append((await door.ask(PRODUCT, headers=as_visitor())).status_code)

    assert statuses == [200, 200, 401]


async def test_who_is_not_let_in_costs_no_work() -> None:
    """No document is read and no service asked; a GET is refused likewise."""
    async with open_door(**BELIEVING) as door:
        await door.ask("{ nonsense", headers=shown("x"))
        got = await door.get({"query": PRODUCT})
        calls = door.calls
        refused = door.gateway.operations.counts.refused

    assert got.status_code == 401
    assert calls == []
    assert refused["UNAUTHENTICATED"] == 2  # type: ignore[index]  # a code is its word


async def test_a_refusal_needs_no_task() -> None:
    """As one under overload: it is given in the call that brought the last byte."""
    async with open_door(events="feed", **BELIEVING) as door:
        http: GraphQLHttp = door.app.state.graphql
        raw = [(b"content-type", b"application/json"), (b"authorization", b"Bearer x")]
        reply = http.at_once.reply(RequestHeaders.of(raw), TYPENAME)
        nameless = http.at_once.find(RequestHeaders({}), b"query={__typename}")

    assert reply is not None
    assert reply.status == 401
    assert nameless is not None
    assert nameless.status == 401


async def test_health_and_metrics_ask_nobody_who_she_is() -> None:
    """Whoever keeps the gateway running has no token."""
    async with open_door(**BELIEVING) as door:
        statuses = [(await door.client.get(path)).status_code for path in ("/livez", "/metrics")]

    assert statuses == [200, 200]


async def test_nothing_of_a_token_is_logged_or_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of a good one nor of a bad one, nor when what it asks for fails."""
    good, bad = as_customer("c-1"), shown(a_bearer("y" * 40, sub="mallory"))
    async with open_door(**BELIEVING) as door:
        door.twins.orders.mock(side_effect=RuntimeError("boom"))
        answers = [await door.ask(A_QUERY, headers=headers) for headers in (good, bad)]
    said = capsys.readouterr()
    told = "".join(answer.text + str(answer.headers) for answer in answers) + said.out + said.err

    for header in (good, bad):
        for piece in header["authorization"].split()[1].split("."):
            assert piece not in told
    assert SECRET not in told


async def test_a_client_that_has_not_said_who_it_is_keeps_its_connection() -> None:
    """Its body has been read: what comes next on the connection is the next request."""
    exchange = Exchange([part(TYPENAME)], headers={**JSON_TYPE})
    async with open_door(**BELIEVING) as door:
        await exchange.run(door.app)

    assert exchange.status == 401
    assert (b"connection", b"close") not in exchange.sent[0]["headers"]


def a_desk() -> IdentityDesk:
    expected = Expected(issuer=ISSUER, audience=AUDIENCE, algorithms=("HS256",))
    tokens = Tokens(FixedKeys(shared_key(SECRET.encode())), expected)
    return IdentityDesk("refused", tokens, wall_clock=wall_clock_s)


async def test_bad_tokens_are_remembered_within_bounds() -> None:
    """A flood of one is a look each; a flood of many takes no more room than there is."""
    desk = a_desk()
    for number in range(5_000):
        header = b"Bearer " + b"%d." % number + b"x" * 500
        with pytest.raises(Exception, match="not accepted"):
            desk.find(RequestHeaders.of([(b"authorization", header)]))

    assert 100 < len(desk._failed) <= FAILED_BYTES / 1_000


def test_what_was_used_last_is_remembered() -> None:
    """The room is reckoned in bytes."""
    remembered = Remembered[int](2_000)
    for number in range(3):
        remembered.keep(b"%d" % number, number)
        remembered.find(b"0")

    assert [remembered.find(b"%d" % number) for number in range(4)] == [0, 1, 2, None]
    remembered.keep(b"x" * 1_000, 3)
    assert remembered.find(b"1") is None
    assert remembered.find(b"x" * 1_000) == 3
    remembered.clear()
    assert len(remembered) == 0
