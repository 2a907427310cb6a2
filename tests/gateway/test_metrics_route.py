"""`/metrics` as a page: what is on it, what never is, and where there is none."""

import pytest

from gateway.metrics.names import COUNTER, FAMILIES, HISTOGRAM, LABELS
from gateway.request import RequestHeaders
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, a_token, open_door
from tests.gateway.metered import BODY, LIVE, RAW_JSON, Shown, projecting_door, scrape

pytestmark = pytest.mark.steered_time


async def a_day(door: Door, number: int = 0) -> None:
    """Something of everything that strangers can send; ``number`` makes it unlike any other."""
    bodies = (b"%d" % number, b'{"query":"{ a%d"}' % number, b'{"query":"{ a%d }"}' % number)
    for body in bodies:
        await door.post(body, {"x-request-id": f"r-{number}", "user-agent": f"u-{number}"})
    for query in (A_QUERY, LIVE, A_MUTATION, LIVE.replace("o-1", f"o-{number}")):
        await door.ask(f"query Q{number} {query}" if query[0] == "{" else query)
    token = a_token(f"o-{number}")
    await door.ask(A_QUERY, headers={"x-consistency-token": token, "x-shopper": f"s-{number}"})
    await door.ask(A_QUERY, headers={"x-consistency-token": f"ct1{number}"})
    await door.client.put("/graphql")
    await door.client.get(f"/graphql/{number}")


def undistinguished(shown: Shown) -> set[tuple[str, frozenset[str]]]:
    """Series with the bounds of their buckets left out."""
    return {
        (name, frozenset(label for label, _ in labels if label != "le"))
        for name, labels in shown.values
    }


async def test_everything_on_the_page_has_its_name() -> None:
    """The families are those of `names`, of that kind, in that order, each with its sentence."""
    async with projecting_door() as door:
        await a_day(door)
        shown = await scrape(door.client)

    told = [(of.name, of.type, of.documentation) for of in shown.families.values()]
    known = [
        (of.name.removesuffix("_total") if of.kind == COUNTER else of.name, of.kind, of.about)
        for of in FAMILIES
    ]
    assert told == known


async def test_a_label_has_only_words_of_its_list() -> None:
    """Every label of a family is on its list, and so is every value that it has taken."""
    async with projecting_door() as door:
        await a_day(door)
        shown = await scrape(door.client)

    labels_of = {of.name: set(of.labels) for of in FAMILIES}
    for name, labels in shown.values:
        of = next(f.name for f in FAMILIES if name == f.name or is_part(name, f.name))
        assert {label for label, _ in labels} - {"le"} == labels_of[of]
        assert all(value in LABELS[label] for label, value in labels if label != "le")


def is_part(name: str, of: str) -> bool:
    """Is this a series of that histogram?"""
    return name in {f"{of}_bucket", f"{of}_count", f"{of}_sum"}


async def test_no_flood_makes_a_series_more() -> None:
    """Ids, texts, tokens, subjects, addresses and names that nobody has sent before add nothing."""
    async with projecting_door(subject_header="x-shopper") as door:
        await a_day(door)
        before = await scrape(door.client)
        for number in range(1, 60):
            await a_day(door, number)
        after = await scrape(door.client)

    assert after.values.keys() == before.values.keys()
    assert after["bff_operations_total", {}] > before["bff_operations_total", {}] + 400


def test_names_follow_the_conventions() -> None:
    """Our prefix, a unit at the end, `_total` for what only grows; no label without a list."""
    names = [of.name for of in FAMILIES]
    histograms = [of.name for of in FAMILIES if of.kind == HISTOGRAM]

    assert len(names) == len(set(names))
    assert all(name.startswith("bff_") for name in names)
    assert all(of.name.endswith("_total") == (of.kind == COUNTER) for of in FAMILIES)
    assert all(name.endswith("_seconds") for name in histograms)
    assert {label for of in FAMILIES for label in of.labels} == LABELS.keys()


async def test_a_gateway_without_a_projection_shows_none() -> None:
    """The families are there, and have nothing to tell."""
    async with open_door() as door:
        shown = await scrape(door.client)

    assert shown.families["bff_projection_age_seconds"].samples == []
    assert shown.families["bff_dead_letters"].samples == []


async def test_two_gateways_count_for_themselves() -> None:
    """What one process holds twice is counted twice, each on its page."""
    async with open_door() as asked, open_door() as idle:
        await asked.ask(A_QUERY)
        shown, other = await scrape(asked.client), await scrape(idle.client)

    assert shown["bff_operations_total", {}] == 1
    assert other["bff_operations_total", {}] == 0
    assert undistinguished(other) <= undistinguished(shown)


async def test_switched_off_there_is_no_page() -> None:
    """It is a plain 404, and answers at hand are not looked at twice."""
    async with projecting_door(metrics=False) as door:
        await door.ask(A_QUERY)
        reply = door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), BODY)
        response = await door.client.get("/metrics")

    assert reply is not None
    assert response.status_code == 404
    assert door.gateway.operations.counts.outcomes["at_hand", "ok"] == 0


async def test_the_page_is_shown_while_others_are_refused() -> None:
    """Who looks after a gateway that sheds load is let in."""
    async with open_door(operation_limit=1, queue_time_ms=1) as door:
        response = await door.client.get("/metrics")

    assert response.status_code == 200
