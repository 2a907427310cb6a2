"""A shop of two customers, told to one of them: everything a client could notice of one request.

    told = await Told.of(ask_about("o-2"), world=PROJECTED)

Ann is c-1 and has o-1; Bob is c-2 and has o-2, of a product that nobody else ordered; there is no
o-9. What she is told of o-2 must be what she is told of o-9, but for the id that she asked for.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import httpx

from gateway.execution.documents import Documents
from projections.token_codec import Opened, TokenCodec
from projections.versions import AggregateKey, AggregateType
from projections.views import Row
from tests.builders.rows import customer_row, order_row, product_row
from tests.gateway.front_door import Door, open_door
from tests.gateway.identity.bearers import BELIEVING, as_customer, as_staff, as_visitor
from tests.gateway_in_process import KEYS
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand, wall_clock_s

ANN, BOB, STAFF, VISITOR = as_customer("c-1"), as_customer("c-2"), as_staff(), as_visitor()
HERS, HIS, NOBODY_S = "o-1", "o-2", "o-9"
SECRET_NOTE = "for Bob alone"
BOB_S_ORDER = AggregateKey(AggregateType.ORDER, HIS)
SHOP: Sequence[Row] = (
    order_row(HERS, customer_id="c-1", product_ids=("p-1",)),
    order_row(HIS, 3, customer_id="c-2", product_ids=("p-2",), note=SECRET_NOTE),
    customer_row("c-1"),
    customer_row("c-2"),
    product_row("p-1"),
    product_row("p-2"),
)

Prepare = Callable[[Door, ProjectionByHand], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class World:
    """What has happened before she asks, and by which settings."""

    name: str
    prepare: Prepare
    events: str = "feed"

    def __str__(self) -> str:
        return self.name


async def nothing(door: Door, projection: ProjectionByHand) -> None:
    """Nothing has been projected."""


async def projected(door: Door, projection: ProjectionByHand) -> None:
    """All of it is projected."""
    await projection.apply(*SHOP)


async def stale(door: Door, projection: ProjectionByHand) -> None:
    """It was, and nobody has proved it for longer than its budget."""
    await projection.apply(*SHOP)
    await asyncio.sleep(5)


async def parked(door: Door, projection: ProjectionByHand) -> None:
    """The last event of his order could not be read."""
    await projection.apply(*SHOP)
    await projection.park(BOB_S_ORDER)


async def parked_at_first(door: Door, projection: ProjectionByHand) -> None:
    """Nor could the first."""
    await projection.apply(*(row for row in SHOP if row.key != BOB_S_ORDER))
    await projection.park(BOB_S_ORDER)


async def buried(door: Door, projection: ProjectionByHand) -> None:
    """His order is gone."""
    await projection.apply(*SHOP)
    await projection.bury(BOB_S_ORDER, 4)
    del door.twins.order_shelf.rows[HIS]


async def asked_by_him(door: Door, projection: ProjectionByHand) -> None:
    """He has just asked for it himself, from its owner, and from the projection."""
    await projection.apply(*SHOP)
    for _ in range(2):
        await asking(door, DETAILS, HIS, BOB)
    await asking(door, LIVE, HIS, BOB)


async def kept(door: Door, projection: ProjectionByHand) -> None:
    """There is no projection, and he has asked a while ago: his answer is kept, and due."""
    await asking(door, DETAILS, HIS, BOB)
    await asyncio.sleep(0.7)


async def just_kept(door: Door, projection: ProjectionByHand) -> None:
    """There is no projection, and he has just asked."""
    await asking(door, DETAILS, HIS, BOB)
    await asyncio.sleep(0.15)


async def owners_down(door: Door, projection: ProjectionByHand) -> None:
    """His answer is kept, and now nobody can be asked."""
    await asking(door, DETAILS, HIS, BOB)
    await asyncio.sleep(3)
    door.twins.orders.mock(side_effect=httpx.ConnectError("down"))


async def projected_and_down(door: Door, projection: ProjectionByHand) -> None:
    """It was projected; that is stale, and nobody can be asked."""
    await stale(door, projection)
    door.twins.orders.mock(side_effect=httpx.ConnectError("down"))


WORLDS = (
    World("nothing projected", nothing),
    World("projected", projected),
    World("stale", stale),
    World("parked", parked),
    World("parked at first", parked_at_first),
    World("gone", buried),
    World("he has asked", asked_by_him),
    World("composed", nothing, "none"),
    World("kept", kept, "none"),
    World("just kept", just_kept, "none"),
    World("owners down", owners_down, "none"),
    World("projected, owners down", projected_and_down),
)

PLAIN = "query ($id: ID!) { order(id: $id) { id note version } }"
DETAILS = (
    "query ($id: ID!) { order(id: $id) { id note customer { id name orders(first: 2) "
    "{ edges { node { id } } } } items { quantity product { id name } } } }"
)
LIVE = DETAILS.replace("id: $id", "id: $id, consistency: {live: true}", 1)
EVENTUAL = DETAILS.replace("id: $id", "id: $id, consistency: {eventual: true}", 1)
CAUSAL = DETAILS.replace("id: $id", "id: $id, consistency: {causal: {}}", 1)
BOUNDED = DETAILS.replace(
    "id: $id", "id: $id, consistency: {bounded: {maxStalenessMs: 100, onTimeout: ERROR}}", 1
)
BESIDE = PLAIN[:-1] + f'own: order(id: "{HERS}") {{ id }} product(id: "p-2") {{ id }} }}'
UPDATE = (
    'mutation ($id: ID!) { updateOrder(input: {id: $id, note: "mine"}) '
    "{ order { id note } consistencyToken userErrors { code message field currentVersion } } }"
)
UPDATE_AT = UPDATE.replace('note: "mine"', 'note: "mine", expectedVersion: 7')
CANCEL = UPDATE.replace("updateOrder", "cancelOrder").replace(', note: "mine"', "")
QUERIES = {
    "plain": PLAIN,
    "details": DETAILS,
    "live": LIVE,
    "eventual": EVENTUAL,
    "causal": CAUSAL,
    "bounded": BOUNDED,
    "beside": BESIDE,
    "update": UPDATE,
    "update at": UPDATE_AT,
    "cancel": CANCEL,
}


async def asking(
    door: Door, query: str, order_id: str, headers: Mapping[str, str]
) -> httpx.Response:
    """One request about one order."""
    return await door.ask(query, {"id": order_id}, headers)


async def answered(query: str, headers: Mapping[str, str], events: str) -> tuple[Json, list[str]]:
    """The answer, asked twice, and the calls for it."""
    async with open_door(*SHOP, **{**BELIEVING, "events": events}) as door:
        if events == "feed":
            await ProjectionByHand(door.gateway.store).apply(*SHOP)
        await door.ask(query, headers=headers)
        answer = (await door.ask(query, headers=headers)).json()
        return answer, door.calls


@dataclass(frozen=True, slots=True)
class Told:
    """What one request led to: its status, its answer, its token, the calls made, the time (s)."""

    status: int
    body: Json
    token: object
    calls: tuple[str, ...]
    elapsed_s: float

    @classmethod
    async def of(
        cls,
        query: str,
        order_id: str,
        *,
        world: World,
        headers: Mapping[str, str] = ANN,
        times: int = 1,
    ) -> "Told":
        """The last of ``times`` answers, in a world made anew, the id left out."""
        settings = {**BELIEVING, "events": world.events, "retries": 0, "hedge": False}
        started_at_s = await _next_beginning()
        async with open_door(*SHOP, **settings) as door:
            projection = ProjectionByHand(door.gateway.store)
            await world.prepare(door, projection)
            for _ in range(times):
                door.wire.hits.clear()
                began_at_s = wall_clock_s()
                response = await asking(door, query, order_id, headers)
                elapsed_s = round(wall_clock_s() - began_at_s, 6)
            calls = tuple(str(hit) for hit in door.wire.hits)
        text = response.text
        body = json.loads(text)
        consistency = body.get("extensions", {}).get("consistency", {})
        sealed = consistency.pop("token", None)
        shown = json.loads(json.dumps(body).replace(order_id, "THE ORDER"))
        return cls(
            response.status_code,
            shown,
            None if sealed is None else _opened(sealed, headers, order_id, started_at_s),
            tuple(call.replace(order_id, "THE ORDER") for call in calls),
            elapsed_s,
        )


async def _next_beginning() -> int:
    """Let each world begin at the same minute of its clock."""
    await asyncio.sleep(600 - wall_clock_s() % 600)
    return int(wall_clock_s())


def _opened(sealed: str, headers: Mapping[str, str], order_id: str, started_at_s: int) -> object:
    """All that a token says, logs left out: each world has its own."""
    subject = "customer:c-1:c-1" if headers is ANN else "staff::clerk"
    verdict = TokenCodec(KEYS).open_token(sealed, subject, int(wall_clock_s() // 60))
    assert isinstance(verdict, Opened)
    token = verdict.token
    floor = sorted((str(log.type), log.partition, seen.offset) for log, seen in token.floor.items())
    named = {
        str(key).replace(order_id, "THE ORDER"): str(at)
        for key, at in (*token.entries.items(), *token.doubts.items())
    }
    uncertain = sorted(str(key).replace(order_id, "THE ORDER") for key in token.uncertain)
    marks = {str(of): second - started_at_s for of, second in token.marks.items()}
    return named, marks, floor, uncertain


@contextmanager
def rule_off() -> Iterator[None]:
    """The control: whoever asks is shown everything."""
    with (
        patch("resolvers.ownership.may_name", lambda *_: True),
        patch("resolvers.own_rows.may_name", lambda *_: True),
    ):
        yield


@contextmanager
def referred() -> Iterator[None]:
    """graphql-core answers everything: there are no plans."""
    with (
        patch.object(Documents, "plan", lambda *_: None),
        patch.object(Documents, "ready_plan", lambda *_: None),
    ):
        yield
