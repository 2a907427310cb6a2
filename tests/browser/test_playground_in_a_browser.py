"""What the playground shows and carries, in a browser that reaches no host but this machine."""

import pytest
from playwright.sync_api import Browser

from tests.browser.playground import TOKEN_HEADER, Playground
from tests.e2e.house import HELD, House

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

RENAMED = "Ada <img src=x onerror=alert(1)>"


def test_an_example_is_answered_and_told_part_by_part(playground: Playground) -> None:
    """Under an answer stands where each of its parts came from, and that the demand was met."""
    answer = playground.try_example("Order details")

    parts = answer["extensions"]["consistency"]["components"]
    assert answer["data"]["order"]["id"] == "o-1"
    assert '"o-1"' in playground.shown
    assert "satisfied" in playground.strip
    assert all(part["path"] in playground.strip for part in parts if isinstance(part["path"], str))
    assert playground.strip.count("PROJECTION") == len(parts)


def test_the_token_of_a_write_goes_with_the_next_read(playground: Playground) -> None:
    """What the page was told is carried along by itself, so the next read shows the write."""
    placed = playground.try_example("Place an order")
    token = placed["extensions"]["consistency"]["token"]

    held = playground.token
    playground.pick("Order details")
    playground.write_variables({"id": placed["data"]["placeOrder"]["order"]["id"]})
    read, request = playground.run()

    assert held == token
    assert request.header_value(TOKEN_HEADER) == token
    assert read["data"]["order"]["note"] == "Ring twice, please"
    assert "token carried" in playground.strip


def test_a_write_is_read_with_its_token_and_missed_without(
    playground: Playground, house: House
) -> None:
    """While the projection is held back the token leads to the owner; without it, to the past."""
    house.put_faults("orders", HELD)
    try:
        placed = playground.try_example("Place an order")
        with_token = playground.try_example("Read it with the token")
        strip = playground.strip
        without = playground.try_example("… and without")
    finally:
        house.put_faults("orders")

    order = placed["data"]["placeOrder"]["order"]
    assert with_token["data"]["order"]["id"] == order["id"]
    assert "LIVE" in strip
    assert playground.page.locator("#carry").is_checked() is False
    assert "no token carried" in playground.strip
    assert without["extensions"]["consistency"]["satisfied"] is True
    assert playground.variables["id"] == order["id"]


def test_the_pocket_lasts_as_long_as_the_tab_and_is_nobody_elses(
    playground: Playground, browser: Browser, house: House, tmp_path: object
) -> None:
    """The token outlives a reload of its tab, is not in another session, and can be forgotten."""
    playground.try_example("Order details")
    token = playground.token

    playground.load()
    kept = playground.token
    other = browser.new_page()
    other.goto(f"{house.started.address}/graphql")
    elsewhere = other.locator("#token").get_attribute("title")
    other.close()
    playground.page.locator("#forget").click()

    assert kept == token != ""
    assert not elsewhere
    assert playground.token == ""


def test_what_services_say_is_shown_as_text(playground: Playground) -> None:
    """A name with markup in it stands on the page as it was written, and does nothing."""
    playground.pick("Rename a customer")
    playground.write_variables({"input": {"id": "c-1", "name": RENAMED}})
    answer, _ = playground.run()

    told = answer["data"]["updateCustomer"]["customer"]["name"]
    assert told == RENAMED
    assert RENAMED in playground.shown
    assert playground.page.locator("img[src=x]").count() == 0


def test_what_is_picked_while_the_page_still_starts_is_what_runs(playground: Playground) -> None:
    """On a slow machine GraphiQL opens the tab twice; the example is in it all the same."""
    playground.slow_down(5)
    playground.forget_tabs()
    playground.load()

    answer = playground.try_example("Orders, page by page")

    assert "orders" in answer["data"]


def test_whom_you_are_decides_what_you_see(playground: Playground) -> None:
    """Each identity that is offered asks with a token of its own, and is shown what is hers."""
    shown = {}
    for name in ("Customer c-32", "Customer c-1", "Visitor", "Staff"):
        playground.be(name)
        shown[name] = playground.try_example("Order details")

    assert shown["Customer c-32"]["data"]["order"]["id"] == "o-1"
    assert shown["Staff"]["data"]["order"]["id"] == "o-1"
    assert shown["Customer c-1"]["data"]["order"] is None
    [of_another] = shown["Customer c-1"]["extensions"]["consistency"]["components"]
    assert of_another["version"] is None
    assert shown["Visitor"]["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_who_becomes_somebody_else_begins_with_an_empty_pocket(playground: Playground) -> None:
    """A token is bound to who was asking, so it is forgotten with her; the choice is kept."""
    playground.be("Staff")
    playground.try_example("Order details")
    of_staff = playground.token

    playground.be("Customer c-1")
    of_nobody = playground.token
    playground.load()

    assert of_staff
    assert of_nobody == ""
    assert playground.page.locator("#who").input_value() == "Customer c-1"


def test_an_order_is_followed_while_it_changes(playground: Playground, house: House) -> None:
    """A subscription shows the order as it is, then as it becomes, until it is stopped."""
    placed = playground.try_example("Place an order")["data"]["placeOrder"]["order"]

    playground.pick("Follow an order")
    playground.press_run()
    playground.sees(placed["id"])
    with house.shopper() as shopper:
        shopper.mutate("cancelOrder", {"id": placed["id"]})
    playground.sees("CANCELLED")
    strip = playground.strip
    playground.press_run()

    assert "told as it happened" in strip
    playground.page.locator(".graphiql-execute-button[aria-label*='Execute']").wait_for()
