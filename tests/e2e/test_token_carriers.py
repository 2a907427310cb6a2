"""However a token travels it demands the same; and it is worth nothing to another session.

The order feed is held back in every test, so only a token can show the new note.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http.cookiejar import CookieJar

import httpx
import pytest

from tests.e2e.house import HELD, House
from tests.e2e.processes import eventually
from tests.e2e.shopper import (
    EVENTUAL,
    LIVE,
    TOKEN_COOKIE,
    Answer,
    Shopper,
    listed_ids,
    quiet_client,
)

pytestmark = pytest.mark.e2e


@dataclass(frozen=True, slots=True)
class HeldWrite:
    """An order whose note is new at its owner and old in the projection."""

    order_id: str
    token: str


@pytest.fixture
def held(house: House) -> Iterator[HeldWrite]:
    """Written by the session `ada`."""
    with house.shopper("ada") as ada:
        order = ada.place("c-111", note="old")
        eventually(lambda: ada.order(order.id, EVENTUAL).data["order"], about="it is projected")
        with house.with_faults("orders", HELD):
            written = ada.write("updateOrder", {"id": order.id, "note": "new"})
            yield HeldWrite(order.id, written.token)


def note_in(answer: Answer) -> str:
    note: str = answer.data["order"]["note"]
    return note


def test_read_without_a_token_shows_the_projection(house: House, held: HeldWrite) -> None:
    """The control of this page: who brings nothing is shown the old note, even the writer."""
    with house.shopper("ada") as ada:
        answer = ada.order(held.order_id)

    assert note_in(answer) == "old"


def test_token_in_the_header(house: House, held: HeldWrite) -> None:
    """`X-Consistency-Token` demands for every field of the operation."""
    with house.shopper("ada") as ada:
        answer = ada.order(held.order_id, token=held.token)

    assert note_in(answer) == "new"


def test_token_in_the_argument(house: House, held: HeldWrite) -> None:
    """`consistency.atLeast.tokens` demands for its field."""
    with house.shopper("ada") as ada:
        answer = ada.order(held.order_id, {"atLeast": {"tokens": [held.token]}})

    assert note_in(answer) == "new"


def test_token_in_the_cookie(house: House, held: HeldWrite) -> None:
    """The cookie demands as the header does."""
    with house.shopper("ada") as ada:
        answer = ada.order(held.order_id, headers={"Cookie": f"{TOKEN_COOKIE}={held.token}"})

    assert note_in(answer) == "new"


def test_browser_reads_its_own_write_without_code(house: House) -> None:
    """With BFF_TOKEN_COOKIE a client that keeps cookies sees its writes and does nothing for it."""
    with (
        quiet_client(house.started.address, CookieJar()) as with_jar,
        house.shopper() as other,
    ):
        browser = Shopper(with_jar)
        order = browser.place("c-112", note="old")
        eventually(lambda: other.order(order.id, EVENTUAL).data["order"], about="it is projected")
        with house.with_faults("orders", HELD):
            browser.write("updateOrder", {"id": order.id, "note": "new"})

            seen_by_other = other.order(order.id)
            seen_by_browser = browser.order(order.id)

    assert note_in(seen_by_other) == "old"
    assert note_in(seen_by_browser) == "new"


def test_late_answer_in_one_tab_wipes_no_write_of_another(house: House) -> None:
    """Tabs share their cookies: what was asked before a write and comes after it takes nothing."""
    jar = CookieJar()
    with quiet_client(house.started.address, jar) as with_jar, house.shopper() as other:
        browser = Shopper(with_jar)
        order = other.place("c-114", note="old")
        eventually(lambda: other.order(order.id, EVENTUAL).data["order"], about="it is projected")
        with house.with_faults("orders", HELD):
            late = other.order(order.id, LIVE)
            browser.write("updateOrder", {"id": order.id, "note": "new"})
            httpx.Cookies(jar).extract_cookies(late.response)

            seen = browser.order(order.id)

    assert "bff-consistency=" in late.response.headers["set-cookie"]
    assert note_in(seen) == "new"


def test_writes_of_two_tabs_are_both_shown(house: House) -> None:
    """Two writes on their way at once get a cookie each, whichever is answered last."""
    jar = CookieJar()
    with quiet_client(house.started.address, jar) as with_jar, house.shopper() as other:
        browser = Shopper(with_jar)
        orders = [other.place("c-115", note="old").id for _ in range(2)]
        eventually(lambda: set(orders) <= {*listed_ids(other.orders("c-115"))}, about="projected")
        with house.with_faults("orders", HELD):
            for order_id in orders:
                written = other.write("updateOrder", {"id": order_id, "note": "new"})
                httpx.Cookies(jar).extract_cookies(written.answer.response)

            seen = [note_in(browser.order(order_id)) for order_id in orders]

    assert seen == ["new", "new"]


def test_second_client_of_the_same_session_may_use_the_token(house: House, held: HeldWrite) -> None:
    """A token belongs to a session, not to a connection: a second device reads by it as well."""
    with house.shopper("ada") as second_device:
        before = second_device.order(held.order_id)
        answer = second_device.order(held.order_id, token=held.token)

    assert (note_in(before), note_in(answer)) == ("old", "new")


def test_token_of_another_session_is_refused(house: House, held: HeldWrite) -> None:
    """Somebody else's token is refused by a code, wherever it is: nothing is read for it."""
    with house.shopper("eve") as eve:
        in_header = eve.order(held.order_id, token=held.token)
        in_argument = eve.order(held.order_id, {"atLeast": {"tokens": [held.token]}})

    assert in_header.response.status_code == 400
    assert in_header.codes == {"": "INVALID_CONSISTENCY_TOKEN"}
    assert in_argument.data == {"order": None}
    assert in_argument.codes == {"order": "INVALID_CONSISTENCY_TOKEN"}


def test_joined_token_goes_back_in_header_and_extensions(house: House, held: HeldWrite) -> None:
    """An answer hands out one joined token, and it still demands what was brought."""
    with house.shopper("ada") as ada:
        another = ada.write("updateCustomer", {"id": "c-113", "name": "Ada"}, token=held.token)
        joined = another.answer.token
        answer = ada.order(held.order_id, token=joined)

    assert another.answer.response.headers["X-Consistency-Token"] == joined
    assert another.token != joined
    assert note_in(answer) == "new"
