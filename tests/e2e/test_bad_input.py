"""Whatever a client sends: a coded answer that names the field, no 500, and nothing written."""

from typing import Final

import pytest

from tests.e2e.house import House
from tests.e2e.shopper import EVENTUAL, LIVE, Answer, Json, Shopper, order_input

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("nothing_written")]

LONG_ID: Final = "o" * 65
BAD_IDS: Final = ("", " ", "../admin/faults", "o 1", "o-1/cancel", "o-1?x=1", "ö", "💥", LONG_ID)
BAD_TOKENS: Final = ("", "x", "ct1", "Y3Qx" * 20, "💥", "A" * 3000, "=" * 40)


def refusal(answer: Answer) -> tuple[str, str]:
    """Code and field of the only error of an answer, which is never a 500."""
    assert answer.response.status_code < 500, answer.body
    [error] = answer.errors
    return error["extensions"]["code"], error["extensions"].get("field", "")


@pytest.mark.parametrize("consistency", [None, EVENTUAL, LIVE], ids=["default", "eventual", "live"])
def test_unknown_ids_are_null_without_noise(shopper: Shopper, consistency: Json | None) -> None:
    """What does not exist is null, its list is empty, and there is no error."""
    answer = shopper.ask(
        """query($how: Consistency) {
            order(id: "o-0", consistency: $how) { id }
            customer(id: "c-0", consistency: $how) { id }
            product(id: "p-0", consistency: $how) { id }
            orders(customerId: "c-0", consistency: $how) { edges { cursor } }
        }""",
        {"how": consistency},
    )

    assert answer.errors == []
    assert answer.data == {
        "order": None,
        "customer": None,
        "product": None,
        "orders": {"edges": []},
    }


@pytest.mark.parametrize("bad_id", BAD_IDS, ids=repr)
def test_malformed_id_of_a_read_is_refused(shopper: Shopper, bad_id: str) -> None:
    """An id that can be none is refused before anybody is asked, and the field is named."""
    order = shopper.order(bad_id)
    orders = shopper.ask(
        "query($id: ID!) { orders(customerId: $id) { edges { cursor } } }", {"id": bad_id}
    )

    assert refusal(order) == ("BAD_USER_INPUT", "id")
    assert refusal(orders) == ("BAD_USER_INPUT", "customerId")


@pytest.mark.parametrize("bad_token", BAD_TOKENS, ids=lambda token: repr(token[:8]))
def test_token_that_is_none_is_refused_in_the_argument(shopper: Shopper, bad_token: str) -> None:
    """Garbage and oversized tokens are refused with the argument's name."""
    answer = shopper.order("o-1", {"atLeast": {"tokens": [bad_token]}})

    assert refusal(answer) == ("INVALID_CONSISTENCY_TOKEN", "consistency.atLeast.tokens")
    assert answer.data == {"order": None}


@pytest.mark.parametrize("bad_token", ["x", "Y3Qx" * 20, "A" * 3000], ids=lambda token: token[:8])
def test_token_that_is_none_is_refused_in_the_header(shopper: Shopper, bad_token: str) -> None:
    """A bad header refuses the request as a whole, even a mutation: nothing is run."""
    read = shopper.order("o-1", token=bad_token)
    written = shopper.mutate("placeOrder", order_input(), token=bad_token)

    assert (read.response.status_code, read.codes) == (400, {"": "INVALID_CONSISTENCY_TOKEN"})
    assert (written.response.status_code, written.codes) == (400, {"": "INVALID_CONSISTENCY_TOKEN"})


def test_forged_token_is_refused(shopper: Shopper, genuine_token: str) -> None:
    """A genuine token with any one character changed is refused; unchanged it is accepted."""
    places = range(0, len(genuine_token), 7)
    forged = [_changed_at(place, genuine_token) for place in places]

    genuine = shopper.order("o-1", token=genuine_token)
    answers = [shopper.order("o-1", token=token) for token in forged]

    assert genuine.errors == []
    assert {answer.response.status_code for answer in answers} == {400}


def test_bad_cookie_is_dropped(shopper: Shopper) -> None:
    """A browser cannot know that its cookie is bad, so it is answered as if it had none."""
    answer = shopper.order("o-1", headers={"Cookie": "bff-consistency=forged"})

    assert answer.errors == []
    assert answer.data["order"]["id"] == "o-1"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ('{ orders(customerId: "c-1", first: -1) { edges { cursor } } }', "first"),
        ('{ orders(customerId: "c-1", first: 101) { edges { cursor } } }', "first"),
        ('{ orders(customerId: "c-1", after: "yesterday") { edges { cursor } } }', "after"),
        ('{ order(id: "o-1", consistency: { live: false }) { id } }', "consistency"),
        (
            '{ order(id: "o-1", consistency: { bounded: { maxStalenessMs: -1 } }) { id } }',
            "consistency.bounded.maxStalenessMs",
        ),
    ],
)
def test_argument_out_of_range_is_refused(shopper: Shopper, query: str, field: str) -> None:
    """An argument that cannot be right is named."""
    answer = shopper.ask(query)

    assert refusal(answer) == ("BAD_USER_INPUT", field)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ order { id } }", "GRAPHQL_VALIDATION_FAILED"),
        (
            'mutation { updateProduct(input: { id: "p-1", stock: 3000000000 }) { __typename } }',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            'mutation { updateProduct(input: { id: "p-1", price: "much" }) { product { id } } }',
            "GRAPHQL_VALIDATION_FAILED",
        ),
        (
            'mutation { updateOrder(input: { id: "o-1", note: "\\uD800" }) { order { id } } }',
            "GRAPHQL_PARSE_FAILED",
        ),
        (
            "{ customer(id: 5) {" + "orders { edges { node { customer {" * 9 + "id" + "}" * 38,
            "QUERY_TOO_LARGE",
        ),
    ],
)
def test_document_that_makes_no_sense_is_refused(shopper: Shopper, query: str, code: str) -> None:
    """A document that cannot be read, validated or afforded is refused as a whole."""
    answer = shopper.ask(query)

    assert set(answer.codes.values()) == {code}
    assert answer.body.get("data") is None


@pytest.fixture(scope="module")
def genuine_token(house: House) -> str:
    """A token that a read of its own writer accepts."""
    with house.shopper() as shopper:
        return shopper.write("updateCustomer", {"id": "c-131", "name": "Grace"}).token


def _changed_at(place: int, token: str) -> str:
    other = "A" if token[place] != "A" else "B"
    return token[:place] + other + token[place + 1 :]
