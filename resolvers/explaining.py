"""What a read would ask of whom, told from its selection alone: nothing is read for it. Pure.

The rule: it tells what `order_details`, `projected` and `read_path` do, wave by wave, and never
more than they do. Which of it happens is decided by the rows at that moment, and told afterwards by
`extensions.consistency` and `extensions.plan`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    ProductRoot,
    Root,
)
from projections.token import demand_for_keys
from projections.versions import AggregateKey, AggregateType
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout


class Try(StrEnum):
    """Where an answer is looked for."""

    PROJECTION = "projection"
    WAIT = "wait"
    LIVE = "live"
    STALE = "stale"
    REFUSED = "refused"
    NULL = "null"


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder of a component: what is tried, and under what condition."""

    tried: Try
    condition: str


@dataclass(frozen=True, slots=True)
class Part:
    """A component, or all components of a kind, that a read needs.

    ``path``: where the client sees it. ``wave``: of live calls, the first that can ask for it, from
    1; ``is_guessable``: it may be asked for earlier, if it is known whom the order led to before.
    ``call``: how its owner is asked; ``ladder``: what is tried, in this order.
    """

    path: str
    owner: str
    wave: int
    call: str
    ladder: tuple[Rung, ...]
    is_guessable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What of the settings a plan depends on; times in seconds."""

    has_projection: bool
    is_guessing: bool
    wait_cap_s: float
    staleness_budgets_s: Mapping[AggregateType, float]


def parts_of(name: str, root: Root, demand: Demand, circumstances: Circumstances) -> list[Part]:
    """Everything that the root field ``name`` needs, in the order in which it can be asked for."""
    walk = _Walk(demand, circumstances)
    match root:
        case OrderRoot(id, selection):
            parts = walk.order(name, id, selection)
        case OrdersRoot(customer_id, page):
            parts = walk.page(name, customer_id, page, wave=1)
        case CustomerRoot(id, selection):
            parts = walk.customer(name, id, selection, wave=1)
        case ProductRoot(id):
            parts = iter([walk.product(name, id, wave=1)])
    return sorted(parts, key=lambda part: part.wave)


class _Walk:
    def __init__(self, demand: Demand, circumstances: Circumstances) -> None:
        self._demand = demand
        self._circumstances = circumstances

    def order(self, path: str, order_id: str, selection: OrderSelection) -> Iterator[Part]:
        ladder = self._ladder(AggregateType.ORDER, order_id)
        yield Part(path, "orders", 1, f"GET /orders/{order_id}", ladder)
        yield from self._of_order(path, None, selection, wave=2)

    def page(
        self, path: str, customer_id: str | None, page: PageSelection, wave: int
    ) -> Iterator[Part]:
        of = customer_id or "<customer of the order>"
        call = f"GET /orders?customerId={of}&limit={page.first}, its orders included"
        ladder = ladder_of(self._demand, AggregateType.ORDER, None, self._circumstances)
        yield Part(path, "orders", wave, call, ladder)
        node = f"{path}.edges.node"
        yield from self._of_order(node, customer_id, page.node, wave + 1)

    def customer(
        self,
        path: str,
        customer_id: str | None,
        selection: CustomerSelection,
        wave: int,
        *,
        is_guessable: bool = False,
    ) -> Iterator[Part]:
        call = f"GET /customers?ids={customer_id or '<customer of the order>'}"
        ladder = self._ladder(AggregateType.CUSTOMER, customer_id)
        yield Part(path, "customers", wave, call, ladder, is_guessable)
        for page in selection.orders:
            yield from self.page(f"{path}.orders", customer_id, page, wave)

    def product(
        self, path: str, product_id: str | None, wave: int, *, is_guessable: bool = False
    ) -> Part:
        call = f"GET /products?ids={product_id or '<products of the orders>, 100 ids a call'}"
        ladder = self._ladder(AggregateType.PRODUCT, product_id)
        return Part(path, "products", wave, call, ladder, is_guessable)

    def _of_order(
        self, path: str, customer_id: str | None, selection: OrderSelection, wave: int
    ) -> Iterator[Part]:
        is_guessable = self._circumstances.is_guessing
        if selection.customer is not None:
            yield from self.customer(
                f"{path}.customer",
                customer_id,
                selection.customer,
                wave,
                is_guessable=is_guessable,
            )
        if selection.has_products:
            yield self.product(f"{path}.items.product", None, wave, is_guessable=is_guessable)

    def _ladder(self, of: AggregateType, row_id: str | None) -> tuple[Rung, ...]:
        key = None if row_id is None else AggregateKey(of, row_id)
        return ladder_of(self._demand, of, key, self._circumstances)


def ladder_of(
    demand: Demand,
    of: AggregateType,
    key: AggregateKey | None,
    circumstances: Circumstances,
) -> tuple[Rung, ...]:
    """What is tried for a component of this type; ``key`` where it is known beforehand. Pure."""
    demanded = _demanded(demand, of, key)
    lost = Rung(Try.NULL, "with an error that says why, if nobody can tell")
    live = Rung(Try.LIVE, f"its owner is asked{demanded}")
    if not circumstances.has_projection:
        return live, lost
    match demand.mode:
        case Live():
            return live, lost
        case Eventual():
            held = Rung(Try.PROJECTION, "what it holds, however old, its word taken for absence")
            odd = Rung(Try.LIVE, "only while it is parked, building or out of reach")
            return held, odd, lost
        case Bounded(max_staleness_s=limit_s):
            return _after(demand, f"proven current within {limit_s:g} s{demanded}", live, lost)
        case AtLeast(max_wait_s=max_wait_s):
            budget_s = circumstances.staleness_budgets_s[of]
            held_if = f"proven current within {budget_s:g} s{demanded}"
            cap_s = circumstances.wait_cap_s
            wait_s = cap_s if max_wait_s is None else min(max_wait_s, cap_s)
            wait = [Rung(Try.WAIT, f"up to {wait_s:g} s, if that version is on its way")]
            return _after(demand, held_if, live, lost, wait if _is_awaited(demand, of, key) else [])


STALE_IF_ERROR = Rung(Try.STALE, "the projected row within its age limit, if its owner fails")


def _after(
    demand: Demand, held_if: str, live: Rung, lost: Rung, wait: list[Rung] | None = None
) -> tuple[Rung, ...]:
    """The ladder below a projection that is shown only if ``held_if``."""
    first = (Rung(Try.PROJECTION, held_if), *(wait or []))
    match demand.on_timeout:
        case OnTimeout.LIVE:
            is_proven = isinstance(demand.mode, Bounded)  # what is too old is no answer to her
            return *first, live, *(() if is_proven else (STALE_IF_ERROR,)), lost
        case OnTimeout.STALE:
            older = Rung(Try.STALE, "what the projection holds, and satisfied is false")
            return *first, older, Rung(Try.LIVE, "only what it does not hold or trust"), lost
        case OnTimeout.ERROR:
            return *first, Rung(Try.REFUSED, "CONSISTENCY_TIMEOUT, with what is missing")


def _is_awaited(demand: Demand, of: AggregateType, key: AggregateKey | None) -> bool:
    entries = demand.token.entries
    return key in entries if key is not None else any(entry.type is of for entry in entries)


def _demanded(demand: Demand, of: AggregateType, key: AggregateKey | None) -> str:
    """What the tokens ask of it, in words; nothing, if nothing."""
    if key is not None and key in demand.token.uncertain:
        return ", as the outcome of its last write is unknown"
    if key is not None and key in demand.token.entries:
        return f", at version {demand.token.entries[key]} or later"
    told = demand_for_keys(demand.token, (), types=(of,))
    words = []
    if key is None and _is_awaited(demand, of, None):
        words.append("no older than its token's entries")
    if told.floor or told.marks:
        words.append("no older than what was seen of its type")
    if demand.is_causal and of is not AggregateType.ORDER:
        words.append("no older than the order's writer had seen")
    return "".join(f", {word}" for word in words)
