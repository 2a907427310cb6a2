"""True answers to forge: one situation each, asked of a gateway in this process.

A situation leaves its answer as the last one examined. A forgery changes what the answer says and
leaves what has happened as it was.
"""

from collections.abc import Awaitable, Callable
from copy import deepcopy
from dataclasses import dataclass, replace

import httpx

from projections.token import ConsistencyToken, Seen
from projections.versions import AggregateKey, AggregateType, Version
from tests.answer_truth import Examination
from tests.faults.misbehaviour import failing, hanging, misbehave, slow_down
from tests.gateway_in_process import GatewayInProcess, own, pass_time
from tests.graphql_answers import Json
from tests.projection_by_hand import wall_clock_s
from tests.resolvers.rows import ORDER, changed

PLAIN = '{ order(id: "o-1") { id version note customer { id version } } }'
LIVE = '{ order(id: "o-1", consistency: {live: true}) { id version note } }'
LIST = '{ orders(customerId: "c-1") { edges { node { id version } } } }'
LIVE_LIST = LIST.replace('"c-1")', '"c-1", consistency: {live: true})')
STALE = """query ($token: ConsistencyToken!) {
  order(id: "o-1", consistency: {atLeast: {tokens: [$token], onTimeout: STALE}}) { id version } }"""
BOUNDED = '{ order(id: "o-1", consistency: {bounded: {maxStalenessMs: 1500}}) { id version } }'
NOTE = """mutation { updateOrder(input: {id: "o-1", note: "Ring"}) {
  order { id version } consistencyToken } }"""
NEWER = changed(ORDER, note="Ring twice")
TOMORROW_S = 24 * 60 * 60

Situation = Callable[[GatewayInProcess], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Said:
    """What a forgery changes: the data, the extension, and by its paths each component."""

    bff: GatewayInProcess
    data: Json
    told: Json

    def component(self, path: str = "order") -> Json:
        return next(one for one in self.told["components"] if one["path"] == path)

    def hand_out(self, token: ConsistencyToken) -> None:
        self.told["token"] = self.bff.seal_token(token)


Forgery = Callable[[Said], object]


def forged(bff: GatewayInProcess, forge: Forgery) -> Examination:
    """The last answer, changed in what it says."""
    examined = bff.examined
    body = deepcopy(examined.answer.body)
    told = body["extensions"]["consistency"]
    before = told["token"]
    forge(Said(bff, body["data"], told))
    header = examined.answer.header_token if told["token"] == before else told["token"]
    return replace(examined, answer=replace(examined.answer, body=body, header_token=header))


async def plain(bff: GatewayInProcess) -> None:
    """Read from the projection, a second after its last proof."""
    await pass_time(1)
    await bff.ask(PLAIN)


async def listed(bff: GatewayInProcess) -> None:
    await pass_time(1)
    await bff.ask(LIST)


async def listed_live(bff: GatewayInProcess) -> None:
    await bff.ask(LIVE_LIST)


async def live(bff: GatewayInProcess) -> None:
    """Read from the owner, who takes half a second."""
    slow_down(bff.twins, "orders", 0.5)
    await bff.ask(LIVE)


async def behind(bff: GatewayInProcess) -> None:
    """The token demands what no event has told: waited for in vain, and had from a slow owner."""
    own(bff.twins, NEWER)
    slow_down(bff.twins, "orders", 0.5)
    await bff.ask(PLAIN, token=bff.seal(NEWER))


async def heard_before(bff: GatewayInProcess) -> None:
    """The same, right after somebody else was told the older version."""
    await bff.ask(LIVE)
    await behind(bff)


async def shared(bff: GatewayInProcess) -> None:
    """The owner was asked by somebody else, a moment ago."""
    await bff.projection.park(ORDER.key)
    await bff.ask(PLAIN)
    await pass_time(0.3)
    await bff.ask(PLAIN)


async def denied(bff: GatewayInProcess) -> None:
    """The token demands what not even the owner has."""
    await bff.ask(PLAIN, token=bff.seal(NEWER))


async def failed(bff: GatewayInProcess) -> None:
    """The owner cannot be asked for what the token demands."""
    misbehave(bff.twins, "orders", failing(httpx.ConnectError))
    await bff.ask(PLAIN, token=bff.seal(NEWER))


async def stood_in(bff: GatewayInProcess) -> None:
    """The owner cannot be asked for what has grown too old: it is shown all the same, and told."""
    misbehave(bff.twins, "orders", failing(httpx.ConnectError))
    await pass_time(3)
    await bff.ask(PLAIN)


async def gone(bff: GatewayInProcess) -> None:
    """There is no such order any more, and no event has told."""
    del bff.twins.order_shelf.rows["o-1"]
    await bff.ask(LIVE)


async def arrived(bff: GatewayInProcess) -> None:
    """The token demands what the projection holds; less would do."""
    await bff.ask(STALE, {"token": bff.seal(ORDER)})


async def bounded(bff: GatewayInProcess) -> None:
    await bff.ask(BOUNDED)


async def written(bff: GatewayInProcess) -> None:
    await bff.ask(NOTE)


async def unknown(bff: GatewayInProcess) -> None:
    """Nobody knows what became of a write."""
    misbehave(bff.twins, "orders", hanging)
    await bff.ask(NOTE)


async def marked(bff: GatewayInProcess) -> None:
    """The token demands a world of tomorrow."""
    tomorrow = int(wall_clock_s()) + TOMORROW_S
    token = ConsistencyToken(marks={AggregateType.ORDER: tomorrow})
    await bff.ask(PLAIN, token=bff.seal_token(token))


async def floored(bff: GatewayInProcess) -> None:
    """The token has seen more of the log than there is."""
    [log] = bff.opened((await bff.ask(LIST)).token).floor
    token = ConsistencyToken(floor={log: Seen(1000, int(wall_clock_s() // 60))})
    await bff.ask(PLAIN, token=bff.seal_token(token))


async def uncertain(bff: GatewayInProcess) -> None:
    """The token does not know what became of a write."""
    token = ConsistencyToken(uncertain=frozenset([ORDER.key]))
    await bff.ask(PLAIN, token=bff.seal_token(token))


async def expired(bff: GatewayInProcess) -> None:
    token = bff.seal_versions({ORDER.key: ORDER.at}, issued_minutes_ago=60 * 24 * 40)
    await bff.ask(PLAIN, token=token)


def comes_from(source: str, reason: str, path: str = "order") -> Forgery:
    """The component says that it came from there."""
    return lambda said: said.component(path).update(source=source, reason=reason)


def is_at(number: int) -> Forgery:
    """Data and component show another version."""

    def forge(said: Said) -> None:
        said.data["order"]["version"] = number
        said.component()["version"] = number

    return forge


def misses(version: int, of: AggregateKey = ORDER.key) -> Forgery:
    """Says that this version is missing."""
    entry = {"type": of.type.value, "id": of.id, "version": version, "epoch": 1}
    return lambda said: said.told.update(missing=[entry], satisfied=False)


def hands_out(*keys: AggregateKey) -> Forgery:
    """The token demands no more than the first version of these."""
    return lambda said: said.hand_out(ConsistencyToken(dict.fromkeys(keys, Version(1, 1))))


def tells(**members: Json) -> Forgery:
    """The extension says something else."""
    return lambda said: said.told.update(members)


def both(*forgeries: Forgery) -> Forgery:
    """One forgery after the other."""
    return lambda said: [forge(said) for forge in forgeries]
