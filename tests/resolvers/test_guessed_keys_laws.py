"""What is guessed from a cut: the same, whoever has walked it."""

from hypothesis import given
from hypothesis import strategies as st

from projections.memory_store import MemoryStore
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    Root,
)
from projections.store import Cut
from projections.views import OrderRow
from resolvers.answer import Answer
from resolvers.speculation import KnownLinks, guessed_keys
from tests.builders.rows import order_row

CUSTOMERS = ("c-1", "c-2")
PRODUCTS = ("p-1", "p-2", "p-3")

WHOLE = OrderSelection(CustomerSelection(), has_products=True)
DEEP = OrderSelection(CustomerSelection((PageSelection(5, node=WHOLE),)), has_products=True)

selections = st.sampled_from([OrderSelection(CustomerSelection()), WHOLE, DEEP])
customers = st.sampled_from(CUSTOMERS)


@st.composite
def roots(draw: st.DrawFn) -> Root:
    """One order, a customer's list, or a customer with her list; of things that may not exist."""
    page = PageSelection(draw(st.integers(1, 3)), node=draw(selections))
    of_each_kind: list[Root] = [
        OrderRoot(f"o-{draw(st.integers(0, 4))}", draw(selections)),
        OrdersRoot(draw(customers), page),
        CustomerRoot(draw(customers), CustomerSelection((page,))),
    ]
    return draw(st.sampled_from(of_each_kind))


@st.composite
def shops(draw: st.DrawFn) -> list[OrderRow]:
    """Up to four orders, of anybody, for anything."""
    products = st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=4).map(tuple)
    return [
        order_row(f"o-{number}", customer_id=draw(customers), product_ids=draw(products))
        for number in range(draw(st.integers(0, 4)))
    ]


class TestGuessedKeys:
    @given(root=roots(), shop=shops(), data=st.data())
    async def test_what_the_store_has_walked_is_what_a_walk_finds(
        self, root: Root, shop: list[OrderRow], data: st.DataObject
    ) -> None:
        """Given the cut of a root, if the store answered, the same is guessed without a walk."""
        links, store = KnownLinks(100), MemoryStore()
        links.learn(order for order in shop if data.draw(st.booleans()))
        await store.heal(order for order in shop if data.draw(st.booleans()))
        cut = store.at_hand([root]) if data.draw(st.booleans()) else Cut()

        at_once = guessed_keys(root, Answer(), cut, links, is_cut_of_root=True)

        assert at_once == guessed_keys(root, Answer(), cut, links)
