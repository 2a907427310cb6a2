"""Somebody sends tokens that are none: she is refused at once, and nobody else pays for it.

The projection holds everything, so that whatever reaches a service was caused by a token.
"""

import random
from collections.abc import AsyncIterator, Mapping

import pytest

from benchmarks.forged_tokens import (
    CONSISTENCY_GIVEN,
    FLOODER,
    ORDER,
    TOKENS_GIVEN,
    Carrier,
    Forger,
    Forgery,
)
from projections.token import ConsistencyToken
from projections.token_codec import TokenCodec
from projections.versions import Version
from tests.gateway_in_process import KEYS, GatewayInProcess, open_gateway, twins_of
from tests.graphql_answers import Answer, Json
from tests.projection_by_hand import wall_clock_s
from tests.resolvers.rows import ORDER as ROW
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

FLOOD_COUNT = 1_000
READ_EVERY = 10
SESSION = "X-Session"
READ = '{ order(id: "o-1") { note customer { name } } }'
WRITE = 'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { version } } }'
TOKENS_IN_ONE_HEADER = 32


@pytest.fixture
async def bff() -> AsyncIterator[GatewayInProcess]:
    async with open_gateway(twins_of(*SHOP), subject_header=SESSION) as bff:
        yield bff


@pytest.fixture
async def forger() -> Forger:
    return Forger(KEYS, now_minute(), random.Random(1))


def now_minute() -> int:
    return int(wall_clock_s() // 60)


def sealed_for(subject: str, version: int) -> str:
    """A genuine token that demands the order."""
    token = ConsistencyToken({ROW.key: Version(ROW.epoch, version)})
    return TokenCodec(KEYS).seal(token, subject, now_minute())


async def bring(bff: GatewayInProcess, token: str, carrier: Carrier) -> Answer:
    """What the one who floods is answered."""
    headers = {SESSION: FLOODER}
    demand: Mapping[str, Json] = {"atLeast": {"tokens": [token]}}
    match carrier:
        case Carrier.HEADER:
            return await bff.ask(ORDER, {"id": "o-1"}, token=token, headers=headers)
        case Carrier.ARGUMENT:
            given: Mapping[str, Json] = {"id": "o-1", "tokens": [token]}
            return await bff.ask(TOKENS_GIVEN, given, headers=headers)
        case Carrier.INPUT:
            given = {"id": "o-1", "consistency": demand}
            return await bff.ask(CONSISTENCY_GIVEN, given, headers=headers)


@pytest.mark.parametrize("carrier", Carrier)
@pytest.mark.parametrize("forgery", Forgery)
async def test_a_forged_token_costs_no_wait_no_look_and_no_call(
    bff: GatewayInProcess, forger: Forger, forgery: Forgery, carrier: Carrier
) -> None:
    """However it is wrong and however it comes: one code, and only then not even a row is read."""
    looks_before = bff.store.asked_count

    answer = await bring(bff, forger.forge(forgery), carrier)

    assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
    assert (answer.partial_data or {}).get("order") is None
    assert (answer.elapsed_s, bff.calls) == (0.0, [])
    assert bff.store.asked_count == looks_before


@pytest.mark.parametrize("carrier", Carrier)
async def test_a_genuine_token_is_looked_for(bff: GatewayInProcess, carrier: Carrier) -> None:
    """The control: of the same caller, in the same place, it is worth a wait and a call."""
    looks_before = bff.store.asked_count

    answer = await bring(bff, sealed_for(FLOODER, ROW.version + 1), carrier)

    assert answer.errors == []
    assert answer.elapsed_s > 0.0
    assert "GET /orders/o-1" in bff.calls
    assert bff.store.asked_count > looks_before


async def test_a_thousand_forged_tokens_leave_other_sessions_alone(
    bff: GatewayInProcess, forger: Forger
) -> None:
    """Each is refused, each read among them is answered in full, and no service is asked."""
    sorts = [(forgery, carrier) for carrier in Carrier for forgery in Forgery]
    codes: list[str] = []
    reads: list[Json] = []

    for number in range(FLOOD_COUNT):
        forgery, carrier = sorts[number % len(sorts)]
        answer = await bring(bff, forger.forge(forgery), carrier)
        codes.append(answer.error["extensions"]["code"])
        if number % READ_EVERY == 0:
            token = sealed_for("ada", ROW.version)
            read = await bff.ask(READ, token=token, headers={SESSION: "ada"})
            reads.append((read.data["order"]["customer"], read.elapsed_s))

    assert codes == ["INVALID_CONSISTENCY_TOKEN"] * FLOOD_COUNT
    assert reads == [({"name": "Ada"}, 0.0)] * (FLOOD_COUNT // READ_EVERY)
    assert bff.calls == []


@pytest.mark.parametrize("forgery", Forgery)
async def test_a_write_with_a_forged_token_is_not_done(
    bff: GatewayInProcess, forger: Forger, forgery: Forgery
) -> None:
    """Who cannot be believed about what she has seen does not write either."""
    answer = await bff.ask(WRITE, token=forger.forge(forgery), headers={SESSION: FLOODER})

    assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
    assert bff.calls == []


async def test_one_forged_token_among_genuine_ones_refuses_the_request(
    bff: GatewayInProcess, forger: Forger
) -> None:
    """The last of as many as a header may bring: none of the others is waited for."""
    genuine = [sealed_for(FLOODER, ROW.version + 1)] * (TOKENS_IN_ONE_HEADER - 1)
    header = ",".join([*genuine, forger.forge(Forgery.CHANGED)])

    answer = await bring(bff, header, Carrier.HEADER)

    assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
    assert (answer.elapsed_s, bff.calls) == (0.0, [])
