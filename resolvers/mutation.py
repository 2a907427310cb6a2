"""The root of all writes: inputs become commands to the owners, results become payloads."""

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import strawberry
from strawberry import UNSET, Private

from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    ProductRoot,
    Root,
)
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow
from resolvers.causality import seen_by_writer
from resolvers.context import Info
from resolvers.costs import WRITE
from resolvers.ownership import require_naming, require_ordering, require_staff
from resolvers.scalars import ConsistencyToken
from resolvers.selecting import SelectionReader
from resolvers.types import Customer, Order, Product
from resolvers.upstream.customers import CustomerChange
from resolvers.upstream.orders import OrderLine, PlaceOrder
from resolvers.upstream.products import ProductChange
from resolvers.user_errors import UserError
from resolvers.write_inputs import (
    CancelOrderInput,
    PlaceOrderInput,
    UpdateCustomerInput,
    UpdateOrderInput,
    UpdateProductInput,
    problems_of_change,
    problems_of_order,
)
from resolvers.writing import NotWritten, Write, Written, perform

T = TypeVar("T")

WITH_ALL_IT_SHOWS = OrderSelection(CustomerSelection(), has_products=True)
PayloadT = TypeVar("PayloadT", bound="Payload")
SHOWN = "Null with user errors, and where it is gone by now."


@strawberry.type
class Payload:
    """What every mutation answers beside the resource. ``written`` is None where nothing was."""

    written: Private[Written | None] = None
    consistency_token: ConsistencyToken | None = strawberry.field(
        default=None,
        description="Promises this write alone; the joined token of the operation is in "
        "`extensions.consistency.token` and the header `X-Consistency-Token`.",
    )
    user_errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class OrderPayload(Payload):
    """What every mutation of an order answers."""

    @strawberry.field(description=SHOWN)
    def order(self, info: Info) -> Order | None:
        written = self.written
        return None if written is None else Order.shown(info, written.answer, written.key)


@strawberry.type
class PlaceOrderPayload(OrderPayload):
    pass


@strawberry.type
class UpdateOrderPayload(OrderPayload):
    pass


@strawberry.type
class CancelOrderPayload(OrderPayload):
    pass


@strawberry.type
class UpdateCustomerPayload(Payload):
    @strawberry.field(description=SHOWN)
    def customer(self, info: Info) -> Customer | None:
        written = self.written
        return None if written is None else Customer.shown(info, written.answer, written.key)


@strawberry.type
class UpdateProductPayload(Payload):
    @strawberry.field(description=SHOWN)
    def product(self, info: Info) -> Product | None:
        written = self.written
        return None if written is None else Product.shown(info, written.answer, written.key)


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Place an order. The order service sets the prices.", directives=[WRITE]
    )
    async def place_order(self, info: Info, input: PlaceOrderInput) -> PlaceOrderPayload:
        require_naming(info.context.viewer, input.customer_id)
        own_key = _given(input.idempotency_key)
        command = PlaceOrder(
            customer_id=input.customer_id,
            items=tuple(OrderLine(item.product_id, item.quantity) for item in input.items),
            note=_given(input.note),
            idempotency_key=own_key or str(uuid.uuid4()),
        )
        orders, call = info.context.clients.orders, info.context.call
        return await _write_order(
            info,
            PlaceOrderPayload,
            problems_of_order(input),
            lambda causes: orders.place(command, call, causal_deps=causes),
            [CustomerRoot(input.customer_id), *(ProductRoot(i.product_id) for i in input.items)],
            idempotency_key=command.idempotency_key,
            may_be_repeated=bool(own_key),
        )

    @strawberry.mutation(description="Change the note of an order.", directives=[WRITE])
    async def update_order(self, info: Info, input: UpdateOrderInput) -> UpdateOrderPayload:
        orders, call = info.context.clients.orders, info.context.call
        version = _given(input.expected_version)
        return await _write_order(
            info,
            UpdateOrderPayload,
            problems_of_change(input),
            lambda causes: orders.update_note(
                input.id, input.note, call, expected_version=version, causal_deps=causes
            ),
            [OrderRoot(input.id, WITH_ALL_IT_SHOWS)],
            order_id=input.id,
        )

    @strawberry.mutation(
        description="Cancel an order that has not been shipped.", directives=[WRITE]
    )
    async def cancel_order(self, info: Info, input: CancelOrderInput) -> CancelOrderPayload:
        orders, call = info.context.clients.orders, info.context.call
        reason, version = _given(input.reason), _given(input.expected_version)
        return await _write_order(
            info,
            CancelOrderPayload,
            problems_of_change(input),
            lambda causes: orders.cancel(
                input.id, reason, call, expected_version=version, causal_deps=causes
            ),
            [OrderRoot(input.id, WITH_ALL_IT_SHOWS)],
            order_id=input.id,
        )

    @strawberry.mutation(
        description="Change a customer; fields left out stay as they are.", directives=[WRITE]
    )
    async def update_customer(
        self, info: Info, input: UpdateCustomerInput
    ) -> UpdateCustomerPayload:
        require_naming(info.context.viewer, input.id)
        asked = SelectionReader(info)
        selection = asked.customer(asked.below(asked.nodes, "customer"))
        change = CustomerChange(name=_given(input.name), email=_given(input.email))
        write = Write(
            problems_of_change(input),
            lambda: info.context.clients.customers.update(
                input.id, change, info.context.call, expected_version=_given(input.expected_version)
            ),
            lambda customer: CustomerRoot(customer.id, selection),
            AggregateKey(AggregateType.CUSTOMER, input.id),
        )
        return _payload(UpdateCustomerPayload, await perform(info, write))

    @strawberry.mutation(
        description="Change a product; fields left out stay as they are.", directives=[WRITE]
    )
    async def update_product(self, info: Info, input: UpdateProductInput) -> UpdateProductPayload:
        require_staff(info.context.viewer)
        change = ProductChange(
            name=_given(input.name), price=_given(input.price), stock=_given(input.stock)
        )
        write = Write(
            problems_of_change(input),
            lambda: info.context.clients.products.update(
                input.id, change, info.context.call, expected_version=_given(input.expected_version)
            ),
            lambda product: ProductRoot(product.id),
            AggregateKey(AggregateType.PRODUCT, input.id),
        )
        return _payload(UpdateProductPayload, await perform(info, write))


async def _write_order(
    info: Info,
    payload: type[PayloadT],
    problems: Iterable[UserError],
    send: Callable[[Mapping[AggregateKey, Version]], Awaitable[OrderRow]],
    causes: Sequence[Root],
    *,
    order_id: str | None = None,
    idempotency_key: str | None = None,
    may_be_repeated: bool = False,
) -> PayloadT:
    """Perform a write of an order and answer with ``payload``.

    The service is told what its writer has seen of the order's ``causes``: customer and products.
    """
    context = info.context
    require_ordering(context.viewer)
    asked = SelectionReader(info)
    selection = asked.order(asked.below(asked.nodes, "order"))

    async def send_with_causes() -> OrderRow:
        return await send(await seen_by_writer(context.report.token, causes, context.model))

    write = Write(
        problems,
        send_with_causes,
        lambda order: OrderRoot(order.id, selection),
        None if order_id is None else AggregateKey(AggregateType.ORDER, order_id),
        idempotency_key,
        may_be_repeated,
    )
    return _payload(payload, await perform(info, write))


def _payload(payload: type[PayloadT], ended: Written | NotWritten) -> PayloadT:
    match ended:
        case Written(token=token):
            return payload(written=ended, consistency_token=token)
        case NotWritten(errors=errors):
            return payload(user_errors=errors)


def _given(value: T | None) -> T | None:
    return None if value is UNSET else value
