"""What a caller's tokens are worth: read before any I/O, joined, and never overriding each other.

The order service has committed a note, the customer service a name, that nobody has heard of yet.
"""

import pytest

from projections.views import CustomerRow, OrderRow
from tests.gateway_in_process import open_composing_gateway, open_gateway, own, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import CUSTOMER, LAMP, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

NOTED: OrderRow = changed(ORDER, note="Ring twice")
RENAMED: CustomerRow = changed(CUSTOMER, name="Ada Lovelace")
DEARER = changed(LAMP, stock=0)

READ = '{ order(id: "o-1") { note customer { name } } }'
READ_AT_LEAST = """query ($tokens: [ConsistencyToken!]!) {
  order(id: "o-1", consistency: {atLeast: {tokens: $tokens}}) {
    note customer { name } items { product { stock } } } }"""
TOKEN_LIFETIME_MIN = 24 * 60


def spoilt(token: str) -> str:
    """The token with one letter changed."""
    return token[:-1] + ("A" if token[-1] != "A" else "B")


async def test_a_forged_token_in_the_argument_is_refused_by_name_and_costs_nothing() -> None:
    """The error names the argument; nobody waits and nobody is asked."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ_AT_LEAST, {"tokens": [spoilt(bff.seal(NOTED))]})

        assert answer.partial_data == {"order": None}
        assert answer.error["path"] == ["order"]
        assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
        assert answer.error["extensions"]["field"] == "consistency.atLeast.tokens"
        assert (answer.elapsed_s, bff.calls) == (0.0, [])


@pytest.mark.parametrize("token", ["", "x", "ct1", "ct1B" + "A" * 60, "A" * 3000, "🙂"])
async def test_no_text_is_too_strange_to_be_refused(token: str) -> None:
    """Garbage, too short, too long, not even letters: one code, no call."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ_AT_LEAST, {"tokens": [token]})

        assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
        assert bff.calls == []


async def test_a_forged_token_leaves_the_other_fields_alone() -> None:
    """Only the field whose argument is wrong is lost."""
    query = """{ a: order(id: "o-1", consistency: {atLeast: {tokens: ["x"]}}) { id }
                 b: order(id: "o-1") { id } }"""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(query)

        assert answer.partial_data == {"a": None, "b": {"id": "o-1"}}
        assert answer.codes == {"a": "INVALID_CONSISTENCY_TOKEN"}


async def test_a_forged_token_in_the_header_refuses_the_request() -> None:
    """It holds for every field, so nothing is run at all."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask(READ, token=spoilt(bff.seal(NOTED)))

        assert answer.response.status_code == 400
        assert answer.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
        assert bff.calls == []


async def test_a_forged_cookie_is_dropped() -> None:
    """Who sends it may not even know of it: the read is answered as without."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        cookie = f"bff-consistency={spoilt(bff.seal(NOTED))}"

        answer = await bff.ask(READ, headers={"Cookie": cookie})

        assert answer.data["order"]["note"] is None
        assert answer.consistency["satisfied"] is True


async def test_a_token_is_worth_nothing_to_another_caller() -> None:
    """Tokens are bound to the session that got them, where sessions are told apart."""
    async with open_gateway(twins_of(*SHOP), subject_header="X-Session") as bff:
        mine = await bff.ask(
            '{ order(id: "o-1", consistency: {live: true}) { id } }', headers={"X-Session": "me"}
        )

        kept = await bff.ask(READ, token=mine.token, headers={"X-Session": "me"})
        stolen = await bff.ask(READ, token=mine.token, headers={"X-Session": "her"})

        assert kept.errors == []
        assert stolen.error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"


@pytest.mark.parametrize(
    ("age_min", "expired"), [(TOKEN_LIFETIME_MIN, 0), (TOKEN_LIFETIME_MIN + 1, 1)]
)
async def test_an_expired_token_demands_nothing_and_is_told(age_min: int, expired: int) -> None:
    """By then the projection has long caught up: neither an error nor a wait."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        token = bff.seal_versions({NOTED.key: NOTED.at}, issued_minutes_ago=age_min)

        answer = await bff.ask(READ, token=token)

        assert answer.consistency.get("expiredTokens", 0) == expired
        assert answer.elapsed_s == (0.0 if expired else 0.25)
        assert answer.consistency["satisfied"] is bool(expired)


def demands_of(places: list[str], tokens: list[str]) -> tuple[dict[str, Json], dict[str, str]]:
    """The arguments and the headers that bring these tokens in these places."""
    by_place = dict(zip(places, tokens, strict=True))
    headers = {
        "X-Consistency-Token": by_place.get("header", ""),
        "Cookie": f"bff-consistency={by_place['cookie']}" if "cookie" in by_place else "",
    }
    return {"tokens": [by_place["argument"]]}, headers


@pytest.mark.parametrize(
    "places",
    [["argument", "header", "cookie"], ["header", "cookie", "argument"]],
    ids=["order by argument", "order by header"],
)
async def test_argument_header_and_cookie_all_hold(places: list[str]) -> None:
    """Three tokens in three places about three rows: none of the rows may be old."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED, RENAMED, DEARER)
        tokens = [bff.seal(row) for row in (NOTED, RENAMED, DEARER)]
        arguments, headers = demands_of(places, tokens)

        answer = await bff.ask(READ_AT_LEAST, arguments, headers=headers)

        order = answer.data["order"]
        assert (order["note"], order["customer"]) == ("Ring twice", {"name": "Ada Lovelace"})
        assert order["items"][0]["product"] == {"stock": 0}
        assert bff.opened(answer.token).entries == {
            row.key: row.at for row in (NOTED, RENAMED, DEARER)
        }


async def test_of_two_tokens_about_one_row_the_newer_holds() -> None:
    """Merging takes the greater version, in whatever order the tokens come."""
    third = changed(NOTED, note="Ring three times")
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, third)
        await bff.projection.apply(NOTED)

        for tokens in ([bff.seal(third), bff.seal(NOTED)], [bff.seal(NOTED), bff.seal(third)]):
            answer = await bff.ask(READ_AT_LEAST, {"tokens": tokens})

            assert answer.data["order"]["note"] == "Ring three times"
            assert bff.opened(answer.token).entries == {third.key: third.at}


async def test_tokens_may_come_in_one_header_or_in_several() -> None:
    """A repeated header and a list in one mean the same."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        listed = f"{bff.seal(NOTED)}, {bff.seal(RENAMED)}"

        answer = await bff.ask(READ, token=listed)

        assert {entry["id"] for entry in answer.consistency["missing"]} == {"o-1", "c-1"}


async def test_more_tokens_than_a_session_needs_are_refused() -> None:
    """Thirty-two in one place; the last one alone would do."""
    async with open_composing_gateway(twins_of(*SHOP)) as bff:
        token = bff.seal(ORDER)

        enough = await bff.ask(READ_AT_LEAST, {"tokens": [token] * 32})
        calls = bff.calls
        too_many = await bff.ask(READ_AT_LEAST, {"tokens": [token] * 33})

        assert enough.errors == []
        assert too_many.error["extensions"]["code"] == "BAD_USER_INPUT"
        assert too_many.error["extensions"]["field"] == "consistency.atLeast.tokens"
        assert bff.calls == calls
