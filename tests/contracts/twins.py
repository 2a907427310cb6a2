"""respx twins of the three services: they answer like the contract from rows held in memory.

A twin is for tests of what stands in front of a service: it is deterministic, needs no port, and
counts its hits (`twins.orders.call_count`). It obeys the REST contract as far as a gateway can see
it, and the contract suite holds it to that beside the stubs.

    router = respx.Router(assert_all_called=False)
    twins = upstream_twins(router, orders=[order], customers=[customer])
    upstream = Upstream.over_http(
        "orders", UpstreamOptions(base_url=ORDERS_URL), innermost=twins.network
    )

To make a service fail, replace one of its routes: `twins.orders.mock(return_value=...)`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import httpx
import msgspec
import respx

from projections.views import CustomerRow, OrderItemRow, OrderRow, OrderStatus, ProductRow, Row
from projections.views.orders import ListingPosition
from tests.contracts.twin_causality import caused, seen_by_writer, with_causes
from tests.contracts.twin_rendering import Problem, render_time, rendered, rendered_row

ORDERS_URL = "http://orders.test"
CUSTOMERS_URL = "http://customers.test"
PRODUCTS_URL = "http://products.test"

RowT = TypeVar("RowT", bound=Row)


@dataclass
class Shelf(Generic[RowT]):
    """The rows of one service and how it answers for them."""

    rows: dict[str, RowT]
    remembered: dict[str, tuple[bytes, httpx.Response]] = field(default_factory=dict)

    def existing(self, row_id: str) -> RowT:
        if row_id not in self.rows:
            raise Problem(404, "not-found", field="id")
        return self.rows[row_id]

    def read(self, request: httpx.Request, row_id: str) -> httpx.Response:
        row = self.existing(row_id)
        if row.version < int(request.headers.get("Min-Version", "0")):
            raise Problem(409, "version-behind", currentVersion=row.version)
        return rendered_row(row)

    def read_batch(self, request: httpx.Request) -> httpx.Response:
        ids = dict.fromkeys(request.url.params["ids"].split(","))
        return rendered({"items": [self.rows[row_id] for row_id in ids if row_id in self.rows]})

    def change(
        self, request: httpx.Request, row_id: str, change: Callable[[RowT], RowT]
    ) -> httpx.Response:
        row = self.existing(row_id)
        if request.headers.get("If-Match", f'"{row.version}"') != f'"{row.version}"':
            raise Problem(412, "version-conflict", field="If-Match", currentVersion=row.version)
        changed = change(row)
        if changed != row:
            changed = msgspec.structs.replace(changed, version=row.version + 1)
        self.rows[row_id] = changed
        return rendered_row(changed)

    def once(self, request: httpx.Request, act: Callable[[], httpx.Response]) -> httpx.Response:
        """Answer a repeated key as the first time; refuse it for another request."""
        key = request.headers.get("Idempotency-Key", "")
        asked = b" ".join((request.method.encode(), request.url.raw_path, request.content))
        first_asked, answer = self.remembered.get(key, (asked, None))
        if first_asked != asked:
            raise Problem(422, "idempotency-key-reused", field="Idempotency-Key")
        answer = answer or act()
        if key:
            self.remembered[key] = (asked, answer)
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)


@dataclass
class UpstreamTwins:
    """The three twins: their rows, the one route of each that can be replaced, and the network."""

    router: respx.Router
    order_shelf: Shelf[OrderRow]
    customer_shelf: Shelf[CustomerRow]
    product_shelf: Shelf[ProductRow]
    orders: respx.Route = field(init=False)
    customers: respx.Route = field(init=False)
    products: respx.Route = field(init=False)

    def __post_init__(self) -> None:
        self.orders = self.route(ORDERS_URL, self.answer_orders)
        self.customers = self.route(
            CUSTOMERS_URL, lambda request: answer_patchable(self.customer_shelf, request)
        )
        self.products = self.route(
            PRODUCTS_URL, lambda request: answer_patchable(self.product_shelf, request)
        )

    @property
    def network(self) -> httpx.AsyncBaseTransport:
        """The innermost transport: every layer above it runs for real."""
        return httpx.MockTransport(self.router.async_handler)

    def route(
        self, base_url: str, answer: Callable[[httpx.Request], httpx.Response]
    ) -> respx.Route:
        def answer_or_refuse(request: httpx.Request) -> httpx.Response:
            try:
                return answer(request)
            except Problem as problem:
                return problem.answer()

        return self.router.route(host=httpx.URL(base_url).host).mock(side_effect=answer_or_refuse)

    def answer_orders(self, request: httpx.Request) -> httpx.Response:
        match request.method, parts_of(request):
            case "GET", ["orders"]:
                return page_of(self.order_shelf.rows.values(), request.url.params)
            case "GET", ["orders", order_id]:
                return self.order_shelf.read(request, order_id)
            case "POST", ["orders"]:
                return self.order_shelf.once(request, lambda: self.place(request))
            case "PATCH", ["orders", order_id]:
                return self.order_shelf.once(request, lambda: self.patch_order(request, order_id))
            case "POST", ["orders", order_id, "cancel"]:
                return self.order_shelf.once(
                    request, lambda: self.change_order(request, order_id, cancelled)
                )
            case _:
                raise Problem(405, "method-not-allowed")

    def place(self, request: httpx.Request) -> httpx.Response:
        wish = msgspec.json.decode(request.content, type=PlaceOrderBody)
        if wish.customer_id not in self.customer_shelf.rows:
            raise Problem(422, "unknown-customer", field="customerId")
        order = with_causes(self.priced(wish), seen_by_writer(request))
        self.order_shelf.rows[order.id] = order
        return rendered_row(order, status=201)

    def priced(self, wish: "PlaceOrderBody") -> OrderRow:
        items = tuple(self.priced_line(index, line) for index, line in enumerate(wish.items))
        return OrderRow(
            id=f"new-{len(self.order_shelf.rows) + 1}",
            customer_id=wish.customer_id,
            status=OrderStatus.PLACED,
            note=wish.note,
            currency="EUR",
            total=sum((item.line_total for item in items), start=Decimal(0)),
            placed_at=self.next_moment(),
            items=items,
            version=1,
            epoch=1,
        )

    def next_moment(self) -> datetime:
        """Return a time after that of every order: the twin's clock ticks when it is used."""
        moments = [order.placed_at for order in self.order_shelf.rows.values()]
        return max(moments, default=datetime(2026, 1, 1, tzinfo=UTC)) + timedelta(seconds=1)

    def priced_line(self, index: int, line: "OrderLineBody") -> OrderItemRow:
        product = self.product_shelf.rows.get(line.product_id)
        if product is None:
            raise Problem(422, "unknown-product", field=f"items.{index}.productId")
        return OrderItemRow(product_id=product.id, quantity=line.quantity, unit_price=product.price)

    def patch_order(self, request: httpx.Request, order_id: str) -> httpx.Response:
        note = msgspec.json.decode(request.content, type=dict[str, str | None])["note"]
        return self.change_order(
            request, order_id, lambda order: msgspec.structs.replace(order, note=note)
        )

    def change_order(
        self, request: httpx.Request, order_id: str, change: Callable[[OrderRow], OrderRow]
    ) -> httpx.Response:
        return self.order_shelf.change(request, order_id, caused(change, seen_by_writer(request)))


class OrderLineBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    product_id: str
    quantity: int


class PlaceOrderBody(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    customer_id: str
    items: list[OrderLineBody]
    note: str | None = None


def upstream_twins(
    router: respx.Router,
    *,
    orders: Iterable[OrderRow] = (),
    customers: Iterable[CustomerRow] = (),
    products: Iterable[ProductRow] = (),
) -> UpstreamTwins:
    """Let `router` answer as the three services that own these rows."""
    return UpstreamTwins(router, shelf_of(orders), shelf_of(customers), shelf_of(products))


def shelf_of(rows: Iterable[RowT]) -> Shelf[RowT]:
    return Shelf({row.id: row for row in rows})


def answer_patchable(
    shelf: Shelf[CustomerRow] | Shelf[ProductRow], request: httpx.Request
) -> httpx.Response:
    """Answer as a service of which rows are read, read in batches, and patched."""
    match request.method, parts_of(request):
        case "GET", [_]:
            return shelf.read_batch(request)
        case "GET", [_, row_id]:
            return shelf.read(request, row_id)
        case "PATCH", [_, row_id]:
            return shelf.once(request, lambda: shelf.change(request, row_id, patched_by(request)))
        case _:
            raise Problem(405, "method-not-allowed")


def patched_by(request: httpx.Request) -> Callable[[RowT], RowT]:
    """Return the change that sets the fields of the request's body."""
    fields = msgspec.json.decode(request.content, type=dict[str, str | int])

    def patch(row: RowT) -> RowT:
        wire = msgspec.to_builtins(row)
        return msgspec.convert({**wire, **fields}, type(row))

    return patch


def cancelled(order: OrderRow) -> OrderRow:
    if order.status in (OrderStatus.SHIPPED, OrderStatus.DELIVERED):
        raise Problem(409, "too-late-to-cancel", field="id", currentVersion=order.version)
    return msgspec.structs.replace(order, status=OrderStatus.CANCELLED)


def page_of(orders: Iterable[OrderRow], params: httpx.QueryParams) -> httpx.Response:
    """List newest first, after the cursor, at most `limit`; a next cursor only if more follow."""
    newest_first = sorted(orders, key=lambda order: order.listed_at, reverse=True)
    wanted = [
        order
        for order in newest_first
        if order.customer_id == params.get("customerId", order.customer_id)
        and order.status == params.get("status", order.status)
    ]
    if "cursor" in params:
        placed_at, _, order_id = params["cursor"].partition("_")
        after = ListingPosition(datetime.fromisoformat(placed_at), order_id)
        wanted = [order for order in wanted if order.listed_at < after]
    page = wanted[: int(params.get("limit", "20"))]
    next_cursor = cursor_of(page[-1]) if len(wanted) > len(page) else None
    return rendered({"items": page, "nextCursor": next_cursor})


def cursor_of(order: OrderRow) -> str:
    return f"{render_time(order.placed_at)}_{order.id}"


def parts_of(request: httpx.Request) -> list[str]:
    return request.url.path.strip("/").split("/")
