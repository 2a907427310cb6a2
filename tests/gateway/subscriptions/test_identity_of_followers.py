"""Who follows what, over which transport: the rule of who may see what holds on live connections.

Ann is c-1 and has o-1; Bob is c-2 and has o-2; there is no o-9.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from unittest.mock import patch

import pytest

from gateway.subscriptions.follower import Follower
from gateway.subscriptions.looks import Looks
from projections.token_codec import Opened, TokenCodec
from tests.builders.rows import order_row
from tests.gateway.front_door import Door, open_door
from tests.gateway.identity.bearers import BELIEVING, HOUR_S, a_bearer, as_staff, shown
from tests.gateway.identity.two_customers import (
    ANN,
    BOB_S_ORDER,
    HERS,
    HIS,
    NOBODY_S,
    SHOP,
    VISITOR,
    referred,
    rule_off,
)
from tests.gateway.subscriptions.by_hand import (
    SOCKETS,
    STREAMS,
    TRANSPORTS,
    Json,
    talking,
)
from tests.gateway.subscriptions.live_house import FOLLOW, FOLLOW_ALL
from tests.gateway_in_process import KEYS
from tests.projection_by_hand import LOOP_STARTED_AT_S, ProjectionByHand, wall_clock_s

pytestmark = pytest.mark.steered_time

STAFF = as_staff()
NOBODY: Mapping[str, str] = {}
A_LIE = shown(a_bearer("another key of thirty-two letters"))


@asynccontextmanager
async def open_shop(**settings: object) -> AsyncIterator[tuple[Door, ProjectionByHand]]:
    """A gateway that tells its callers apart, with all of the shop projected."""
    async with open_door(*SHOP, **{**BELIEVING, "events": "feed", **settings}) as door:
        projection = ProjectionByHand(door.gateway.store)
        await projection.apply(*SHOP)
        yield door, projection


def gist_of(told: tuple[str, Json]) -> Json:
    """The order's id and version, None for null, or the code of the refusal."""
    match told:
        case ("next", {"data": {"orderChanged": order} | {"customerOrdersChanged": order}}):
            return None if order is None else (order["id"], order["version"])
        case ("error", [error]):
            return error["extensions"]["code"]
        case _:
            return told


FORBIDDEN = "FORBIDDEN"
OWN, FOREIGN, NONE = (FOLLOW, HERS), (FOLLOW, HIS), (FOLLOW, NOBODY_S)
OWN_LIST, FOREIGN_LIST = (FOLLOW_ALL, "c-1"), (FOLLOW_ALL, "c-2")
TABLE = {
    ("ann", "her order"): (ANN, OWN, (HERS, 1)),
    ("ann", "his order"): (ANN, FOREIGN, None),
    ("ann", "no order"): (ANN, NONE, None),
    ("ann", "her orders"): (ANN, OWN_LIST, (HERS, 1)),
    ("ann", "his orders"): (ANN, FOREIGN_LIST, FORBIDDEN),
    ("staff", "his order"): (STAFF, FOREIGN, (HIS, 3)),
    ("staff", "no order"): (STAFF, NONE, None),
    ("staff", "his orders"): (STAFF, FOREIGN_LIST, (HIS, 3)),
    ("visitor", "her order"): (VISITOR, OWN, FORBIDDEN),
    ("visitor", "no order"): (VISITOR, NONE, FORBIDDEN),
    ("visitor", "her orders"): (VISITOR, OWN_LIST, FORBIDDEN),
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("who", "what", "expected"), TABLE.values(), ids=[" ".join(row) for row in TABLE]
)
async def test_who_follows_is_shown_what_she_may_see(
    transport: str, who: Mapping[str, str], what: tuple[str, str], expected: Json
) -> None:
    """The same row of the table whatever the transport, and however it says who she is."""
    query, of = what
    async with (
        open_shop() as (door, _),
        talking(door, transport, query, {"id": of}, headers=who) as talk,
    ):
        told = await talk.next()

    assert gist_of(told) == expected


@pytest.mark.parametrize("who", [NOBODY, A_LIE], ids=["no bearer", "a bad bearer"])
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_who_is_not_known_is_not_let_in(transport: str, who: Mapping[str, str]) -> None:
    """A socket is closed with 4401, a stream refused with 401 and told how to come."""
    async with open_shop() as (door, _), talking(door, transport, *OWN_ASKED, headers=who) as talk:
        told = await talk.next()

    if transport in SOCKETS:
        assert told == ("closed", 4401)
    else:
        assert told == ("refused", (401, "UNAUTHENTICATED"))
        assert talk.headers["www-authenticate"].startswith('Bearer realm="bff"')


OWN_ASKED: tuple[str, Json] = (FOLLOW, {"id": HERS})


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_order_of_somebody_else_is_one_that_does_not_exist(transport: str) -> None:
    """Null once, and nothing when it changes, is placed anew or goes: as of no order at all."""
    his = await transcript(transport, HIS)
    nobody_s = await transcript(transport, NOBODY_S)
    with rule_off():
        control = await transcript(transport, HIS)

    assert his == nobody_s
    assert len(his) == 1
    assert len(control) > 1


async def transcript(transport: str, order_id: str) -> list[Json]:
    """All that Ann is told of an order while Bob's changes, with the words of each token."""
    await asyncio.sleep(600 - wall_clock_s() % 600)
    async with open_shop() as (door, projection):
        variables = {"id": order_id}
        async with talking(door, transport, FOLLOW, variables, headers=ANN) as talk:
            told = [await talk.next()]
            for version in (4, 5):
                await projection.apply(order_row(HIS, version, customer_id="c-2"))
                await asyncio.sleep(20)
            await projection.bury(BOB_S_ORDER, 6)
            await asyncio.sleep(20)
            told += talk.rest()
    return [words_of(one, order_id) for one in told]


def words_of(told: tuple[str, Json], order_id: str) -> Json:
    """What is told, the token opened; logs and the id left out, and what a projection adds."""
    kind, result = told
    token = result["extensions"]["consistency"].pop("token", None)
    result["extensions"].pop("cost", None)
    components = result["extensions"]["consistency"].pop("components", None)
    opened = None
    if token is not None:
        verdict = TokenCodec(KEYS).open_token(token, "customer:c-1:c-1", int(wall_clock_s() // 60))
        assert isinstance(verdict, Opened)
        named = verdict.token.entries.keys() | verdict.token.uncertain
        opened = sorted(map(str, named)), sorted(map(str, verdict.token.doubts))
    return json.loads(json.dumps([kind, result["data"], components, opened]).replace(order_id, "X"))


@pytest.mark.parametrize("is_planned", [True, False], ids=["planned", "referred"])
async def test_who_may_never_see_it_costs_nothing_more(*, is_planned: bool) -> None:
    """The look for who is behind does not wake, again and again, who follows what is not hers."""
    quiet = await looks_while_quiet(is_planned=is_planned)
    with patch.object(Follower, "is_behind", lambda self, at: self.is_news(self.key.id, at)):
        control = await looks_while_quiet(is_planned=is_planned)

    assert quiet == 0
    assert control > 20


async def looks_while_quiet(*, is_planned: bool) -> int:
    """How often somebody looks in a minute in which nothing changes."""
    looks = 0
    look = Looks.next_of

    async def counted(self: Looks, watch: Json) -> Json:
        nonlocal looks
        looks += 1
        return await look(self, watch)

    with ExitStack() as stack:
        if not is_planned:
            stack.enter_context(referred())
        async with open_shop() as (door, _):  # noqa: SIM117 - read from without to within
            async with talking(door, SOCKETS[0], FOLLOW, {"id": HIS}, headers=ANN) as talk:
                await talk.next()
                await asyncio.sleep(10)
                stack.enter_context(patch.object(Looks, "next_of", counted))
                await asyncio.sleep(60)
                assert not talk.rest()
    return looks


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_what_is_hers_goes_on_with_the_token_of_an_event(transport: str) -> None:
    """The control: of her own order each change is an event, and the token names the version."""
    async with open_shop() as (door, projection):
        async with talking(door, transport, *OWN_ASKED, headers=ANN) as talk:
            [first] = await talk.results(1)
            await projection.apply(order_row(HERS, 2))
            [second] = await talk.results(1)
        after = second["extensions"]["consistency"]["token"]
        await projection.apply(order_row(HERS, 3))
        async with talking(
            door, transport, FOLLOW, {"id": HERS, "after": after}, headers=ANN
        ) as talk:
            [third] = await talk.results(1)

    assert [gist_of(("next", one)) for one in (first, second, third)] == [
        (HERS, version) for version in (1, 2, 3)
    ]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_identity_that_runs_out_ends_the_connection(transport: str) -> None:
    """A socket is closed with 4403; a stream ends without `complete`, so its client comes again."""
    until_s = int(LOOP_STARTED_AT_S) + 100
    ann = shown(a_bearer(role="customer", customer_id="c-1", sub="c-1", exp=until_s))
    async with open_shop(jwt_leeway_s=0) as (door, _):
        async with talking(door, transport, *OWN_ASKED, headers=ann) as talk:
            await talk.results(1)
            told = await talk.next()
            ended_at_s = wall_clock_s()
        counts = door.gateway.live.counts
        ends = dict(counts.ended)

    assert told == (("closed", 4403) if transport in SOCKETS else ("over", None))
    assert until_s <= ended_at_s < until_s + 1
    assert ends["expired"] == 1
    assert counts.following_count == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_identity_that_holds_ends_nothing(transport: str) -> None:
    """The control: for as long as it is believed who she is, she is told of changes."""
    async with open_shop() as (door, projection):  # noqa: SIM117 - read from without to within
        async with talking(door, transport, *OWN_ASKED, headers=ANN) as talk:
            await talk.results(1)
            await asyncio.sleep(HOUR_S / 2)
            await projection.apply(order_row(HERS, 2))
            [told] = await talk.results(1)

    assert gist_of(("next", told)) == (HERS, 2)


async def test_the_first_message_is_believed_before_the_handshake() -> None:
    """A page's own word comes after what its browser sends by itself."""
    async with open_shop() as (door, _):  # noqa: SIM117 - read from without to within
        async with talking(door, SOCKETS[1], FOLLOW, {"id": HIS}, headers=STAFF, more=ANN) as talk:
            told = await talk.next()

    assert gist_of(told) == (HIS, 3)


@pytest.mark.parametrize("transport", STREAMS)
async def test_a_token_of_somebody_else_is_refused(transport: str) -> None:
    """What Bob has seen says nothing of Ann: his token is no beginning for her."""
    async with open_shop() as (door, _):
        async with talking(door, transport, FOLLOW, {"id": HIS}, headers=STAFF) as talk:
            [result] = await talk.results(1)
        after = result["extensions"]["consistency"]["token"]
        async with talking(
            door, transport, *OWN_ASKED, headers=ANN, more={"last-event-id": after}
        ) as talk:
            told = await talk.next()

    assert gist_of(told) == "INVALID_CONSISTENCY_TOKEN"
