"""What sessions ask of a gateway: documents, the modes they may ask in, and what to make of each.

Every document selects all that a state has, so that whatever is shown can be held against what was
committed. Pure: chance is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from projections.versions import AggregateKey, AggregateType
from projections.views.orders import ListingPosition, OrderStatus
from resolvers.demand import AtLeast, Bounded, Eventual, Live, Mode, OnTimeout
from resolvers.pages import parse_cursor, split_seen
from tests.laws.proof.history import PLAIN, Key

Json = dict[str, Any]

CUSTOMER: Final = "id version name email"
PRODUCT: Final = "id version name price currency stock"
PLAIN_ORDER: Final = "id version status note currency total placedAt"
ORDER: Final = f"""{PLAIN_ORDER} customer {{ {CUSTOMER} }}
  items {{ quantity unitPrice product {{ {PRODUCT} }} }}"""
CONNECTION: Final = f"""edges {{ cursor node {{ {ORDER} }} }}
  pageInfo {{ hasNextPage endCursor }}"""

ONE_ORDER: Final = f"""query($id: ID!, $consistency: Consistency) {{
  order(id: $id, consistency: $consistency) {{ {ORDER} }} }}"""
TWO_ROOTS: Final = f"""query($id: ID!, $product: ID!, $consistency: Consistency) {{
  order(id: $id, consistency: $consistency) {{ {ORDER} }}
  product(id: $product, consistency: $consistency) {{ {PRODUCT} }} }}"""
ONE_LIST: Final = f"""query($customer: ID!, $status: OrderStatus, $first: Int!, $after: String,
    $consistency: Consistency) {{
  orders(customerId: $customer, status: $status, first: $first, after: $after,
      consistency: $consistency) {{ {CONNECTION} }} }}"""
LIST_OF_A_CUSTOMER: Final = f"""query($customer: ID!, $first: Int!, $consistency: Consistency) {{
  customer(id: $customer, consistency: $consistency) {{
    {CUSTOMER} orders(first: $first) {{ {CONNECTION} }} }} }}"""

WRITES: Final[Mapping[str, tuple[str, AggregateType, str]]] = {
    "placeOrder": ("PlaceOrderInput", AggregateType.ORDER, ORDER),
    "updateOrder": ("UpdateOrderInput", AggregateType.ORDER, PLAIN_ORDER),
    "cancelOrder": ("CancelOrderInput", AggregateType.ORDER, PLAIN_ORDER),
    "updateCustomer": ("UpdateCustomerInput", AggregateType.CUSTOMER, CUSTOMER),
    "updateProduct": ("UpdateProductInput", AggregateType.PRODUCT, PRODUCT),
}
"""Of each mutation: the type of its input, what it writes, and what is selected of that."""

LIST: Final = "orders"
"""Where a list is in the answer to its query."""

BOUNDS_S: Final = (0.05, 0.5, 3.0)
WAITS_S: Final = (0.0, 0.02, 0.1, None)


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is asked for, where in the answer it is, and whose cursor it goes on from."""

    path: str
    customer_id: str
    first: int
    status: OrderStatus | None = None
    after: ListingPosition | None = None
    follows: int | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """A write that is asked for. ``may_repeat``: it may have been done before."""

    mutation: str
    given: Json
    may_repeat: bool = False

    @property
    def key(self) -> Key | None:
        """What is to be written; None for an order that has no id yet."""
        of = WRITES[self.mutation][1]
        return AggregateKey(of, self.given["id"]) if "id" in self.given else None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. ``cursor_token`` is what the cursor in it carries, as text."""

    document: str
    variables: Json
    page: Page | None = None
    intents: tuple[Intent, ...] = ()
    cursor_token: str | None = None


@dataclass(frozen=True, slots=True)
class Manner:
    """How a query is asked: its mode, and the argument that says so."""

    mode: Mode = PLAIN
    argument: Json | None = None


AS_USUAL: Final = Manner()


def asked_page(page: Page, cursor: str | None = None) -> Asked:
    """A page of a list; ``cursor`` is the text behind ``page.after``."""
    variables = {
        "customer": page.customer_id,
        "status": page.status,
        "first": page.first,
        "after": cursor,
    }
    token = None if cursor is None else split_seen(cursor)[1]
    return Asked(ONE_LIST, variables, page=page, cursor_token=token)


def page_after(page: Page, data: Json, number: int) -> Asked | None:
    """The page after this one, which operation ``number`` has shown; None if there is none."""
    ends = (data.get(page.path) or {}).get("pageInfo")
    if not ends or not ends["hasNextPage"] or not ends["endCursor"]:
        return None
    after = parse_cursor(split_seen(ends["endCursor"])[0])
    return asked_page(replace(page, after=after, follows=number), ends["endCursor"])


def asked_writes(*intents: Intent) -> Asked:
    """One operation that makes these writes in this order, each under a response key of its own."""
    names = [f"write{number}" for number in range(len(intents))]
    given = ", ".join(
        f"${name}: {WRITES[intent.mutation][0]}!"
        for name, intent in zip(names, intents, strict=True)
    )
    fields = " ".join(
        f"{name}: {intent.mutation}(input: ${name}) {{ {_payload(intent)} }}"
        for name, intent in zip(names, intents, strict=True)
    )
    variables = {name: intent.given for name, intent in zip(names, intents, strict=True)}
    return Asked(f"mutation({given}) {{ {fields} }}", variables, intents=intents)


def _payload(intent: Intent) -> str:
    _, of, fields = WRITES[intent.mutation]
    return f"{of.value} {{ {fields} }} consistencyToken userErrors {{ code }}"


@dataclass(frozen=True, slots=True)
class Chances:
    """Draws manners. ``wait_cap_s``: no server waits longer."""

    random: Random
    kinds: Sequence[str] = field(
        default=("plain",) * 6
        + ("atLeast",) * 3
        + ("causal",) * 4
        + ("bounded",) * 3
        + ("live", "eventual")
    )

    def manner(self, tokens: Sequence[str]) -> Manner:
        """How the next query is asked; ``tokens`` travel in its argument where it takes any."""
        kind = self.random.choice(self.kinds)
        if kind == "plain":
            return AS_USUAL
        if kind == "live":
            return Manner(Live(), {"live": True})
        if kind == "eventual":
            return Manner(Eventual(), {"eventual": True})
        on_timeout = self.random.choice((*OnTimeout, OnTimeout.LIVE, OnTimeout.LIVE))
        told: Json = {"onTimeout": on_timeout.value}
        if kind == "bounded":
            bound_s = self.random.choice(BOUNDS_S)
            told["maxStalenessMs"] = round(bound_s * 1000)
            return Manner(Bounded(bound_s, on_timeout), {kind: told})
        wait_s = self.random.choice(WAITS_S)
        told |= {"tokens": list(tokens)}
        if wait_s is not None:
            told["maxWaitMs"] = round(wait_s * 1000)
        return Manner(AtLeast(wait_s, on_timeout, is_causal=kind == "causal"), {kind: told})
