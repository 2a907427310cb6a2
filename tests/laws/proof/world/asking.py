"""What sessions ask: every operation as a document, its variables, and how a story tells it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from projections.versions import AggregateKey, AggregateType
from resolvers import demand
from resolvers.demand import AtLeast, Bounded, Eventual, Live, OnTimeout
from tests.laws.proof.history import PLAIN

Json = dict[str, object]

ROW = "id version note status customer { id version name } items { product { id version name } }"
PAGE = f"edges {{ node {{ {ROW} }} }} pageInfo {{ hasNextPage endCursor }}"


class Mode(StrEnum):
    """What a read demands besides its tokens, and in what words a story says so."""

    DEFAULT = "as it comes"
    EVENTUAL = "eventual"
    LIVE = "live"
    BOUNDED = "at most half a second old"
    BOUNDED_OR_ERROR = "at most half a second old or an error"
    OR_STALE = "stale rather than late"
    OR_ERROR = "an error rather than late"
    IMPATIENT = "without waiting"
    CAUSAL = "with all that its writers had seen"


CONSISTENCY: dict[Mode, Json | None] = {
    Mode.DEFAULT: None,
    Mode.EVENTUAL: {"eventual": True},
    Mode.LIVE: {"live": True},
    Mode.BOUNDED: {"bounded": {"maxStalenessMs": 500}},
    Mode.BOUNDED_OR_ERROR: {"bounded": {"maxStalenessMs": 500, "onTimeout": "ERROR"}},
    Mode.OR_STALE: {"atLeast": {"tokens": [], "onTimeout": "STALE"}},
    Mode.OR_ERROR: {"atLeast": {"tokens": [], "onTimeout": "ERROR"}},
    Mode.IMPATIENT: {"atLeast": {"tokens": [], "maxWaitMs": 0}},
    Mode.CAUSAL: {"causal": {}},
}
"""The argument ``consistency`` of each mode; tokens join those in the header."""

MEANT: dict[Mode, demand.Mode] = {
    Mode.DEFAULT: PLAIN,
    Mode.EVENTUAL: Eventual(),
    Mode.LIVE: Live(),
    Mode.BOUNDED: Bounded(0.5),
    Mode.BOUNDED_OR_ERROR: Bounded(0.5, OnTimeout.ERROR),
    Mode.OR_STALE: AtLeast(on_timeout=OnTimeout.STALE),
    Mode.OR_ERROR: AtLeast(on_timeout=OnTimeout.ERROR),
    Mode.IMPATIENT: AtLeast(0.0),
    Mode.CAUSAL: AtLeast(is_causal=True),
}
"""What each argument means."""

WAIT_CAP_S = 0.25


@dataclass(frozen=True, slots=True)
class Page:
    """Which list is asked for: whose, of what status, how long, and after which cursor.

    ``follows`` is the number of the operation that gave the cursor.
    """

    customer_id: str
    status: str | None = None
    first: int = 20
    after: str | None = None
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """One operation. ``targets``: what it reads by name; ``writes``: what each root mutation is of.

    Of an order that is to be placed nobody knows the key.
    """

    told: str
    query: str
    variables: Json
    targets: tuple[AggregateKey, ...] = ()
    writes: Mapping[str, AggregateKey | None] = field(default_factory=dict)
    page: Page | None = None
    mode: Mode = Mode.DEFAULT

    @property
    def wait_budget_s(self) -> float:
        """How long it may wait for the projection."""
        return 0.0 if self.mode in {Mode.LIVE, Mode.EVENTUAL, Mode.IMPATIENT} else WAIT_CAP_S


def read_one(key: AggregateKey, mode: Mode) -> Ask:
    """One thing by name, with all that belongs to it."""
    shown = ROW if key.type is AggregateType.ORDER else "id version name"
    field_name = key.type.value
    query = (
        f"query($id: ID!, $as: Consistency) {{ {field_name}(id: $id, consistency: $as) "
        f"{{ {shown} }} }}"
    )
    variables: Json = {"id": key.id, "as": CONSISTENCY[mode]}
    return Ask(f"reads {key.id}", query, variables, (key,), mode=mode)


def read_page(page: Page, mode: Mode) -> Ask:
    """One page of a customer's orders."""
    query = (
        "query($of: ID!, $status: OrderStatus, $first: Int, $after: String, $as: Consistency) "
        "{ orders(customerId: $of, status: $status, first: $first, after: $after, "
        f"consistency: $as) {{ {PAGE} }} }}"
    )
    told = f"lists {page.customer_id}'s orders"
    if page.status is not None:
        told += f" that are {page.status}"
    if page.first < 20:
        told += f", {page.first} of them"
    if page.after is not None:
        told += ", the next page"
    variables: Json = {
        "of": page.customer_id,
        "status": page.status,
        "first": page.first,
        "after": page.after,
        "as": CONSISTENCY[mode],
    }
    return Ask(told, query, variables, page=page, mode=mode)


def read_both(order: AggregateKey, page: Page, mode: Mode) -> Ask:
    """An order and a list in one operation, which is one cut."""
    query = (
        "query($id: ID!, $of: ID!, $as: Consistency) { order(id: $id, consistency: $as) "
        f"{{ {ROW} }} orders(customerId: $of, consistency: $as) {{ {PAGE} }} }}"
    )
    variables: Json = {"id": order.id, "of": page.customer_id, "as": CONSISTENCY[mode]}
    told = f"reads {order.id} and lists {page.customer_id}'s orders"
    return Ask(told, query, variables, (order,), page=page, mode=mode)


WRITES = {
    "updateOrder": ("UpdateOrderInput", AggregateType.ORDER, ROW),
    "cancelOrder": ("CancelOrderInput", AggregateType.ORDER, ROW),
    "placeOrder": ("PlaceOrderInput", AggregateType.ORDER, ROW),
    "updateCustomer": ("UpdateCustomerInput", AggregateType.CUSTOMER, "id version name"),
    "updateProduct": ("UpdateProductInput", AggregateType.PRODUCT, "id version name"),
}


def write(told: str, *changes: tuple[str, Json]) -> Ask:
    """One or more root mutations, done in this order."""
    declared, roots = [], []
    variables: Json = {}
    writes: dict[str, AggregateKey | None] = {}
    for number, (mutation, given) in enumerate(changes):
        input_type, of, shown = WRITES[mutation]
        declared.append(f"$i{number}: {input_type}!")
        roots.append(
            f"w{number}: {mutation}(input: $i{number}) "
            f"{{ {of.value} {{ {shown} }} consistencyToken userErrors {{ code }} }}"
        )
        variables[f"i{number}"] = given
        writes[f"w{number}"] = AggregateKey(of, str(given["id"])) if "id" in given else None
    query = f"mutation({', '.join(declared)}) {{ {' '.join(roots)} }}"
    return Ask(told, query, variables, writes=writes)


def annotate(order_id: str, note: str) -> tuple[str, Json]:
    return "updateOrder", {"id": order_id, "note": note}


def cancel(order_id: str) -> tuple[str, Json]:
    return "cancelOrder", {"id": order_id}


def place(customer_id: str, product_id: str, key: str) -> tuple[str, Json]:
    items = [{"productId": product_id, "quantity": 1}]
    return "placeOrder", {"customerId": customer_id, "items": items, "idempotencyKey": key}


def rename(customer_id: str, name: str) -> tuple[str, Json]:
    return "updateCustomer", {"id": customer_id, "name": name}


def restock(product_id: str, stock: int) -> tuple[str, Json]:
    return "updateProduct", {"id": product_id, "stock": stock}
