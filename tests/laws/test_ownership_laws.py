"""The law of ownership: in no world is a customer shown anything of another one's.

Every row of another customer carries words that stand nowhere else; none of them may be in what she
is told: data, errors, extensions, headers, and what her tokens say.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.projector import StoredRow
from projections.selection import CustomerRoot, OrderRoot, OrdersRoot, PageSelection, ProductRoot
from projections.store import Cut
from projections.token_codec import Opened, TokenCodec
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from resolvers.ownership import may_ask, may_see, visible_part
from resolvers.viewer import Role, Viewer
from tests.builders.rows import customer_row, order_row, product_row
from tests.gateway.front_door import Door, open_door
from tests.gateway.identity.bearers import BELIEVING, as_customer, as_staff
from tests.gateway.identity.two_customers import rule_off
from tests.gateway_in_process import KEYS, pass_time
from tests.laws.at_hand_histories import on_steered_time
from tests.projection_by_hand import ProjectionByHand, wall_clock_s

CUSTOMERS = ("c-1", "c-2", "c-3")
ORDERS = tuple(f"o-{number}" for number in range(1, 6))
PRODUCTS = ("p-1", "p-2")
ANN = CUSTOMERS[0]

DETAILS = "id note customer { id name email orders(first: 3) { edges { cursor node { id } } } }"
ENDED = "consistencyToken userErrors { code currentVersion }"
DOCUMENTS = tuple(
    f"query ($id: ID!) {{ {body} }}"
    for body in (
        f"order(id: $id) {{ {DETAILS} items {{ product {{ name }} }} }}",
        f"order(id: $id, consistency: {{live: true}}) {{ {DETAILS} }}",
        f"order(id: $id, consistency: {{causal: {{}}}}) {{ {DETAILS} }}",
        "order(id: $id, consistency: {eventual: true}) { version }",
        'order(id: $id) { id } customer(id: "c-1") { id name }',
        'orders(customerId: "c-1") { edges { node { note } } } order(id: $id) { status }',
        'orders(customerId: "c-2") { edges { node { id } } } order(id: $id) { id }',
        'customer(id: "c-3") { name } order(id: $id) { id }',
    )
) + tuple(
    f"mutation ($id: ID!) {{ {body} }}"
    for body in (
        f'updateOrder(input: {{id: $id, note: "new"}}) {{ order {{ note }} {ENDED} }}',
        f"cancelOrder(input: {{id: $id, expectedVersion: 9}}) {{ order {{ version }} {ENDED} }}",
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: who, what, of which order."""

    who: str
    document: int
    order_id: str
    after_s: float


def requests() -> st.SearchStrategy[Asked]:
    return st.builds(
        Asked,
        who=st.sampled_from([ANN, ANN, ANN, *CUSTOMERS[1:], "staff"]),
        document=st.integers(0, len(DOCUMENTS) - 1),
        order_id=st.sampled_from((*ORDERS, "o-99")),
        after_s=st.sampled_from([0, 0, 0, 0.05, 0.3, 1, 4]),
    )


worlds = st.fixed_dictionaries(
    {
        "owners": st.lists(st.sampled_from(CUSTOMERS), min_size=5, max_size=5),
        "events": st.sampled_from(["feed", "feed", "none"]),
        "projected": st.sets(st.sampled_from(ORDERS)),
        "parked": st.sets(st.sampled_from(ORDERS), max_size=1),
        "buried": st.sets(st.sampled_from(ORDERS), max_size=1),
    }
)


def rows_of(owners: Sequence[str]) -> list[Row]:
    """Each with words of its own."""
    orders = [
        order_row(of, 5, customer_id=owner, note=f"note-of-{owner}-{of}", product_ids=PRODUCTS)
        for of, owner in zip(ORDERS, owners, strict=True)
    ]
    customers = [customer_row(of, name=f"name-of-{of}") for of in CUSTOMERS]
    return [*orders, *customers, *map(product_row, PRODUCTS)]


async def live_through(world: dict[str, object], history: Sequence[Asked]) -> None:
    """Ask all of it, one after another, and look at all that Ann is told."""
    owners: list[str] = world["owners"]  # type: ignore[assignment]  # see `worlds`
    rows = rows_of(owners)
    given_settings = {**BELIEVING, "events": world["events"], "retries": 0}
    async with open_door(*rows, **given_settings) as door:
        projection = ProjectionByHand(door.gateway.store)
        await _project(world, rows, projection, door)
        token: str | None = None
        for asked in history:
            await pass_time(asked.after_s)
            headers = as_staff() if asked.who == "staff" else as_customer(asked.who)
            if asked.who == ANN and token is not None:
                headers["x-consistency-token"] = token
            answer = await door.ask(DOCUMENTS[asked.document], {"id": asked.order_id}, headers)
            if asked.who == ANN:
                token = answer.headers.get("x-consistency-token", token)
                told = answer.text + json.dumps(dict(answer.headers)) + said_by(token)
                require_nothing_of_others(told, owners, asked)


async def _project(
    world: dict[str, object], rows: Sequence[Row], projection: ProjectionByHand, door: Door
) -> None:
    chosen: set[str] = world["projected"]  # type: ignore[assignment]  # see `worlds`
    parked: set[str] = world["parked"]  # type: ignore[assignment]
    buried: set[str] = world["buried"]  # type: ignore[assignment]
    await projection.apply(*(row for row in rows if row.id in chosen or row.id not in ORDERS))
    for of in parked:
        await projection.park(AggregateKey(AggregateType.ORDER, of))
    for of in buried:
        await projection.bury(AggregateKey(AggregateType.ORDER, of), 6)
        del door.twins.order_shelf.rows[of]


def said_by(token: str | None) -> str:
    """All ids that a token names."""
    if token is None:
        return ""
    verdict = TokenCodec(KEYS).open_token(token, f"customer:{ANN}:{ANN}", int(wall_clock_s() // 60))
    assert isinstance(verdict, Opened)
    opened = verdict.token
    return " ".join(f"<{key.id}>" for key in (*opened.entries, *opened.uncertain, *opened.doubts))


def require_nothing_of_others(told: str, owners: Sequence[str], asked: Asked) -> None:
    """No id of another's, but for the one that she has said herself; no word of theirs."""
    for of, owner in zip(ORDERS, owners, strict=True):
        if owner != ANN:
            assert f"note-of-{owner}-{of}" not in told
            assert f"<{of}>" not in told
            assert of == asked.order_id or not re.search(rf"\b{of}\b", told)
    for customer_id in CUSTOMERS[1:]:
        assert f"name-of-{customer_id}" not in told
        assert not re.search(rf"\b{customer_id}\b", told)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(worlds, st.lists(requests(), min_size=1, max_size=6))
def test_a_customer_is_shown_nothing_of_another_s(
    world: dict[str, object], history: Sequence[Asked]
) -> None:
    """Whoever has asked what before her, whatever is projected, parked, gone or kept."""
    on_steered_time(lambda: live_through(world, history))


def test_control_without_the_rule_she_is() -> None:
    """Of his order she learns what he calls it."""
    world: dict[str, object] = {
        "owners": [CUSTOMERS[1]] * 5,
        "events": "feed",
        "projected": set(ORDERS),
        "parked": set(),
        "buried": set(),
    }

    with rule_off(), pytest.raises((AssertionError, ExceptionGroup)):
        on_steered_time(lambda: live_through(world, [Asked(ANN, 0, "o-1", 0)]))


viewers = st.one_of(
    st.just(Viewer("staff", Role.STAFF)),
    st.just(Viewer("visitor", Role.VISITOR)),
    st.sampled_from(CUSTOMERS).map(lambda of: Viewer(of, Role.CUSTOMER, of)),
)
roots = st.one_of(
    st.sampled_from(ORDERS).map(OrderRoot),
    st.sampled_from(CUSTOMERS).map(CustomerRoot),
    st.sampled_from(PRODUCTS).map(ProductRoot),
    st.sampled_from(CUSTOMERS).map(lambda of: OrdersRoot(of, PageSelection(2))),
)


@given(viewers, st.lists(st.sampled_from(CUSTOMERS), min_size=5, max_size=5), roots)
def test_the_visible_part_of_a_cut_holds_no_row_that_is_not_hers(
    viewer: Viewer, owners: Sequence[str], root: object
) -> None:
    """And all that is hers, of what she may ask for."""
    rows = {row.key: StoredRow(row, Version(1, row.version)) for row in rows_of(owners)}
    cut = Cut(rows, suspects=frozenset(rows))

    part = visible_part(viewer, cut, [root])  # type: ignore[list-item]  # one of the roots

    shown = [stored.row for stored in part.rows.values() if stored is not None and stored.row]
    assert all(may_see(viewer, row) for row in shown)
    assert part is cut or part.suspects <= {row.key for row in shown}
    if isinstance(root, OrderRoot) and may_ask(viewer, root):
        own = rows[AggregateKey(AggregateType.ORDER, root.id)].row
        assert own is not None
        assert (own in shown) is may_see(viewer, own)
