"""The root of all reads: arguments become a root and a demand, the answer becomes types."""

import strawberry
from strawberry import ID, UNSET

from projections.selection import CustomerRoot, OrderRoot, OrdersRoot, PageKey, ProductRoot, Root
from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderStatus
from projections.views.aggregate import ID_RULE, is_id
from resolvers.answer import Answer
from resolvers.context import Info
from resolvers.costs import PAGE, READ
from resolvers.errors import BadInput
from resolvers.inputs import ConsistencyInput, read_demand
from resolvers.pages import DEFAULT_PAGE_SIZE
from resolvers.read_request import ReadRequest
from resolvers.selecting import SelectionReader
from resolvers.types import Customer, Order, OrderConnection, Product


@strawberry.type
class Query:
    @strawberry.field(description="One order; null when there is none.", directives=[READ])
    async def order(
        self, info: Info, id: ID, consistency: ConsistencyInput | None = UNSET
    ) -> Order | None:
        asked = SelectionReader(info)
        root = OrderRoot(check_id("id", id), asked.order(asked.nodes))
        answer = await _read(info, root, consistency, seen=asked.seen)
        return Order.shown(info, answer, AggregateKey(AggregateType.ORDER, root.id))

    @strawberry.field(description="A customer's orders, newest first.", directives=[READ, PAGE])
    async def orders(
        self,
        info: Info,
        customer_id: ID,
        status: OrderStatus | None = UNSET,
        first: int | None = DEFAULT_PAGE_SIZE,
        after: str | None = UNSET,
        consistency: ConsistencyInput | None = UNSET,
    ) -> OrderConnection:
        asked = SelectionReader(info)
        page = asked.page(first, after or None, status or None, asked.connection(asked.nodes))
        root = OrdersRoot(check_id("customerId", customer_id), page)
        answer = await _read(info, root, consistency, seen=asked.seen)
        return OrderConnection(answer=answer, page_key=PageKey.of(root.customer_id, page))

    @strawberry.field(description="One customer; null when there is none.", directives=[READ])
    async def customer(
        self, info: Info, id: ID, consistency: ConsistencyInput | None = UNSET
    ) -> Customer | None:
        asked = SelectionReader(info)
        root = CustomerRoot(check_id("id", id), asked.customer(asked.nodes))
        answer = await _read(info, root, consistency, seen=asked.seen)
        return Customer.shown(info, answer, AggregateKey(AggregateType.CUSTOMER, root.id))

    @strawberry.field(description="One product; null when there is none.", directives=[READ])
    async def product(
        self, info: Info, id: ID, consistency: ConsistencyInput | None = UNSET
    ) -> Product | None:
        root = ProductRoot(check_id("id", id))
        answer = await _read(info, root, consistency)
        return Product.shown(info, answer, AggregateKey(AggregateType.PRODUCT, root.id))


def check_id(field: str, value: str) -> str:
    """``value`` if it can be an id at all, else `BadInput` naming ``field``."""
    if not is_id(value):
        raise BadInput(field, f"must be {ID_RULE}")
    return value


async def _read(
    info: Info,
    root: Root,
    consistency: ConsistencyInput | None,
    *,
    seen: ConsistencyToken = EMPTY_TOKEN,
) -> Answer:
    demand = read_demand(consistency or None, info.context, seen)
    return await info.context.reads.read(ReadRequest(root, demand, name=str(info.path.key)))
