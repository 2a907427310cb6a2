"""Values that no honest client sends: each is answered with a code, quickly, and never by a 500."""

import time

import pytest

from tests.gateway.front_door import Json, only_error, open_door

pytestmark = pytest.mark.steered_time

READ = "query ($v: ID!) { order(id: $v) { id } }"
PAGE = 'query ($v: Int) { orders(customerId: "c-1", first: $v) { pageInfo { hasNextPage } } }'
AFTER = 'query ($v: String) { orders(customerId: "c-1", after: $v) { pageInfo { hasNextPage } } }'
TOKENS = (
    "query ($v: [ConsistencyToken!]!) "
    '{ order(id: "o-1", consistency: {atLeast: {tokens: $v}}) { id } }'
)
PLACE = (
    "mutation ($v: [OrderItemInput!]!) "
    '{ r: placeOrder(input: {customerId: "c-1", items: $v}) { userErrors { code field } } }'
)
PRICE = (
    "mutation ($v: Decimal) "
    '{ r: updateProduct(input: {id: "p-1", price: $v}) { userErrors { code field } } }'
)
NOTE = (
    "mutation ($v: Int) "
    '{ r: updateOrder(input: {id: "o-1", note: "a", expectedVersion: $v}) '
    "{ userErrors { code field currentVersion } } }"
)


def deep(levels: int, innermost: Json = 1) -> Json:
    """A list in a list in a list."""
    value = innermost
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("query", "value"),
    [
        (READ, None),
        (READ, 1.5),
        (READ, True),
        (READ, ["o-1"]),
        (READ, {"id": "o-1"}),
        (PAGE, "ten"),
        (PAGE, 1e300),
        (PAGE, 2**31),
        (PAGE, [1]),
        (AFTER, {"a": 1}),
        (TOKENS, None),
        (TOKENS, [{"a": 1}]),
        (TOKENS, [1]),
        (TOKENS, deep(50)),
        (PLACE, deep(50)),
        (PLACE, [{"productId": "p-1"}]),
        (PLACE, [{"productId": "p-1", "quantity": 1, "price": 0}]),
        (PRICE, "twelve"),
        (PRICE, {"a": 1}),
        (PRICE, deep(50)),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_variable_of_the_wrong_type_is_named_before_anything_runs(
    query: str, value: Json
) -> None:
    """A variable that does not fit is the client's mistake, told with its name; nothing is run."""
    async with open_door() as door:
        response = await door.ask(query, {"v": value})

    error = response.json()["errors"][0]
    assert "data" not in response.json()
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "$v" in error["message"]
    assert door.calls == []


@pytest.mark.parametrize(
    ("query", "value", "field"),
    [
        (READ, "", "id"),
        (READ, "../customers/c-1", "id"),
        (READ, "a\r\nX-Evil: 1", "id"),
        (READ, "ö€😀", "id"),
        (READ, "a" * 65, "id"),
        (READ, "a" * 200_000, "id"),
        (PAGE, 0, "first"),
        (PAGE, -1, "first"),
        (PAGE, 101, "first"),
        (PAGE, -(2**31), "first"),
        (AFTER, "%%%", "after"),
        (AFTER, "AAAA", "after"),
        (AFTER, "QUFB" * 20_000, "after"),
        (TOKENS, ["a"] * 33, "consistency.atLeast.tokens"),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_value_that_can_never_be_right_is_named(
    query: str, value: Json, field: str
) -> None:
    """A field refuses a hopeless value with the argument's name, and asks no service."""
    async with open_door() as door:
        response = await door.ask(query, {"v": value})

    [error] = response.json()["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT", "field": field}
    assert door.calls == []


async def test_a_forged_token_in_an_argument_is_named() -> None:
    """A token argument that is not ours has the token's code, and asks no service."""
    async with open_door() as door:
        response = await door.ask(TOKENS, {"v": ["zzz"]})

    [error] = response.json()["errors"]
    assert error["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
    assert error["extensions"]["field"] == "consistency.atLeast.tokens"
    assert door.calls == []


@pytest.mark.parametrize(
    "price",
    ["0", "-0", "-1", "NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999", "0E+999999999"],
)
async def test_a_price_that_is_no_amount_is_refused_unsent(price: str) -> None:
    """No price stands for more digits than an amount has: written out they would fill memory."""
    async with open_door() as door:
        started_at_s = time.perf_counter()
        response = await door.ask(PRICE, {"v": price})
        took_s = time.perf_counter() - started_at_s

    [error] = response.json()["data"]["r"]["userErrors"]
    assert error == {"code": "INVALID_INPUT", "field": ["input", "price"]}
    assert door.calls == []
    assert took_s < 1


async def test_a_price_that_is_an_amount_is_sent_written_out() -> None:
    """The control: an odd spelling of an amount reaches its service in the plain one."""
    async with open_door() as door:
        response = await door.ask(PRICE, {"v": "1.5E+2"})

    assert response.json()["data"]["r"]["userErrors"] == []
    assert door.wire.hits[0].body == b'{"price":"150"}'


async def test_a_thousand_mistakes_are_told_as_the_first_twenty() -> None:
    """The answer to a hopeless order does not grow with it."""
    hopeless = [{"productId": "!", "quantity": -1}] * 1000
    async with open_door() as door:
        response = await door.ask(PLACE, {"v": hopeless})

    assert len(response.json()["data"]["r"]["userErrors"]) == 20
    assert door.calls == []


async def test_an_order_without_items_is_refused_unsent() -> None:
    """Nothing ordered is a user error of the field, and nothing is written."""
    async with open_door() as door:
        response = await door.ask(PLACE, {"v": []})

    [error] = response.json()["data"]["r"]["userErrors"]
    assert error == {"code": "INVALID_INPUT", "field": ["input", "items"]}
    assert door.calls == []


async def test_a_version_conflict_names_the_input_not_a_header() -> None:
    """The user is told of `expectedVersion`, which she gave, not of the header it travelled in."""
    async with open_door() as door:
        response = await door.ask(NOTE, {"v": 77})

    [error] = response.json()["data"]["r"]["userErrors"]
    assert error == {
        "code": "VERSION_CONFLICT",
        "field": ["input", "expectedVersion"],
        "currentVersion": 1,
    }


async def test_what_is_nested_beyond_any_input_is_not_read() -> None:
    """The schema's inputs nest four deep; who sends five hundred means our stack."""
    async with open_door() as door:
        response = await door.ask(READ, {"v": deep(500)})

    assert response.status_code == 400
    assert only_error(response)["extensions"]["code"] == "BAD_REQUEST"
