"""What the three services answer: the REST contract, as bytes, from what their owners hold.

A desk is the service's front: it reads and commits at the moment a request arrives. When the answer
gets back, if at all, is the wire's business.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from projections.versions import AggregateType
from projections.views import CustomerRow, OrderRow, OrderStatus, ProductRow, Row
from projections.views.causal_deps import parse_causal_deps, render_causal_deps
from projections.views.orders import ListingPosition
from resolvers.upstream.orders import render_cursor
from resolvers.upstream.transport import Request, Response
from tests.laws.proof.world.owners import Commit, Owner, new_order

NOT_FOUND = Response(404, {}, b'{"code": "not-found"}')


class _Patch(msgspec.Struct):
    """What a PATCH may say; UNSET leaves as it is."""

    note: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    stock: int | msgspec.UnsetType = msgspec.UNSET


class _Line(msgspec.Struct, rename="camel"):
    product_id: str
    quantity: int


class _Wish(msgspec.Struct, rename="camel"):
    customer_id: str
    items: list[_Line]
    note: str | None = None


@dataclass(slots=True)
class Desk:
    """The front of one service.

    ``replica``: while set, rows are read as this tells them, unless ``Min-Version`` is asked for:
    a copy that is behind, as services have them. Deletions and lists are always up to date.
    """

    owner: Owner
    new_id: Callable[[], str]
    replica: Callable[[str], Commit | None] | None = None

    def answer(self, request: Request) -> Response:
        """The answer, with whatever it says committed."""
        _, _, *below = request.path.split("/")
        match request.method, below:
            case "GET", []:
                return self._many(request.params)
            case "GET", [row_id]:
                return _told(self._read(row_id, request.headers))
            case "POST", []:
                return self._place(request)
            case "POST", [row_id, "cancel"]:
                return self._change(row_id, request, cancelled)
            case "PATCH", [row_id]:
                patch = msgspec.json.decode(request.body or b"", type=_Patch)
                return self._change(row_id, request, lambda row: patched(row, patch))
            case _:
                raise AssertionError(f"nobody should ask this: {request}")

    def _read(self, row_id: str, headers: Mapping[str, str]) -> Row | None:
        row = self.owner.row_of(row_id)
        if row is None or self.replica is None or "Min-Version" in headers:
            return row
        behind = self.replica(row_id)
        return None if behind is None else behind.row

    def _many(self, params: Mapping[str, str]) -> Response:
        if self.owner.of is AggregateType.ORDER:
            return _page(self.owner, params)
        rows = (self._read(row_id, {}) for row_id in params["ids"].split(","))
        return _json({"items": [row for row in rows if row is not None]})

    def _place(self, request: Request) -> Response:
        key = request.headers["Idempotency-Key"]
        order_id = self.owner.placed_under.get(key)
        if order_id is None:
            wish = msgspec.json.decode(request.body or b"", type=_Wish)
            order_id = self.owner.placed_under[key] = self.new_id()
            products = tuple(line.product_id for line in wish.items)
            order = new_order(order_id, wish.customer_id, products, len(self.owner.commits))
            written = replace(order, note=wish.note, causal_deps=_deps_of(request))
            self.owner.commit(written, by=request.headers["X-Request-Id"])
        return _told(self.owner.row_of(order_id), status=201)

    def _change(self, row_id: str, request: Request, change: Callable[[Row], Row]) -> Response:
        row = self.owner.row_of(row_id)
        if row is None:
            return NOT_FOUND
        changed = change(row)
        if isinstance(changed, OrderRow):
            changed = replace(changed, causal_deps=_joined(changed.causal_deps, _deps_of(request)))
        return _told(self.owner.commit(changed, by=request.headers["X-Request-Id"]))


def _deps_of(request: Request) -> tuple[str, ...]:
    """What the writer says that she has seen."""
    header = request.headers.get("X-Causal-Deps", "")
    return tuple(dep.strip() for dep in header.split(",") if dep)


def _joined(known: tuple[str, ...], told: tuple[str, ...]) -> tuple[str, ...]:
    return render_causal_deps(parse_causal_deps((*known, *told)))


def patched(row: Row, patch: _Patch) -> Row:
    """The row with what the patch says."""
    said: dict[str, Any] = {
        name: value
        for name in patch.__struct_fields__
        if (value := getattr(patch, name)) is not msgspec.UNSET
    }
    match row:
        case OrderRow() | CustomerRow() | ProductRow():
            return replace(row, **said)


def cancelled(row: Row) -> Row:
    assert isinstance(row, OrderRow)
    return replace(row, status=OrderStatus.CANCELLED)


def is_listed(order: OrderRow, customer_id: str, status: OrderStatus | None) -> bool:
    """Does the order belong to this list?"""
    return order.customer_id == customer_id and status in (None, order.status)


def _page(owner: Owner, params: Mapping[str, str]) -> Response:
    status = OrderStatus(params["status"]) if "status" in params else None
    customer_id = params["customerId"]
    orders = [row for row in owner.rows() if isinstance(row, OrderRow)]
    listed = [order for order in orders if is_listed(order, customer_id, status)]
    listed.sort(key=lambda order: order.listed_at, reverse=True)
    if "cursor" in params:
        placed_at, _, order_id = params["cursor"].partition("_")
        after = ListingPosition(datetime.fromisoformat(placed_at), order_id)
        listed = [order for order in listed if order.listed_at < after]
    page = listed[: int(params["limit"])]
    goes_on = len(listed) > len(page)
    return _json(
        {"items": page, "nextCursor": render_cursor(page[-1].listed_at) if goes_on else None}
    )


def _told(row: Row | None, *, status: int = 200) -> Response:
    return NOT_FOUND if row is None else _json(row, status=status)


def _json(value: object, *, status: int = 200) -> Response:
    return Response(status, {}, msgspec.json.encode(value))
