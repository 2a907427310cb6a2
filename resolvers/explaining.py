"""What a read would ask of whom, told from its selection alone: nothing is read for it. Pure.

The rule: it tells what `order_details`, `projected` and `read_path` do, wave by wave, and never
more than they do. Which of it happens is decided by the rows at that moment, and told afterwards by
`extensions.consistency` and `extensions.plan`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

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
from resolvers.ladder import may_be_stale
from resolvers.wait_choice import wait_budget_s


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
    stale_if_error_s: float
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
        yield Part(path, "orders", wave, call, self._ladder_of_list())
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

    def _ladder_of_list(self) -> tuple[Rung, ...]:
        """Of lists the projection alone has anything at hand: owners' answers are kept of rows."""
        ladder = ladder_of(self._demand, AggregateType.ORDER, None, self._circumstances)
        if self._circumstances.has_projection:
            return ladder
        return tuple(rung for rung in ladder if rung.tried is not Try.STALE)

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
    live = Rung(Try.LIVE, f"its owner is asked{demanded}")
    end = (*_stand_ins(demand, circumstances), NULL)
    if not circumstances.has_projection:
        return live, *end
    match demand.mode:
        case Live():
            return live, *end
        case Eventual():
            held = Rung(Try.PROJECTION, "what it holds, however old, its word taken for absence")
            return held, Rung(Try.LIVE, "only while it is parked, building or out of reach"), *end
        case Bounded(max_staleness_s=limit_s):
            pass
        case AtLeast():
            limit_s = circumstances.staleness_budgets_s[of]
    held = Rung(Try.PROJECTION, f"proven current within {limit_s:g} s{demanded}")
    return held, *_waits(demand, of, key, circumstances), *_after(demand, live), *end


NULL = Rung(Try.NULL, "with an error that says why, if nobody can tell")
UNTRUSTED = Rung(Try.LIVE, "only what it does not hold or trust")


def _after(demand: Demand, live: Rung) -> tuple[Rung, ...]:
    """What is tried where the projection is too old."""
    match demand.on_timeout:
        case OnTimeout.LIVE:
            return (live,)
        case OnTimeout.STALE:
            return Rung(Try.STALE, "what the projection holds, and satisfied is false"), UNTRUSTED
        case OnTimeout.ERROR:
            return Rung(Try.REFUSED, "CONSISTENCY_TIMEOUT, with what is missing"), UNTRUSTED


def _stand_ins(demand: Demand, circumstances: Circumstances) -> tuple[Rung, ...]:
    """What is tried where the owner fails."""
    limit_s = circumstances.stale_if_error_s
    if not (limit_s and may_be_stale(demand)):
        return ()
    return (Rung(Try.STALE, f"what is at hand, less than {limit_s:g} s old, if its owner fails"),)


def _waits(
    demand: Demand, of: AggregateType, key: AggregateKey | None, circumstances: Circumstances
) -> tuple[Rung, ...]:
    """The wait for what the tokens name, where there is one."""
    wait_s = wait_budget_s(demand, cap_s=circumstances.wait_cap_s, time_left_s=inf, reserve_s=0.0)
    if not (wait_s and _is_named(demand, of, key)):
        return ()
    return (Rung(Try.WAIT, f"up to {wait_s:g} s, if that version is on its way"),)


def _is_named(demand: Demand, of: AggregateType, key: AggregateKey | None) -> bool:
    """Do the tokens ask for a version of it, or of any of its type?"""
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
    if key is None and _is_named(demand, of, None):
        words.append("no older than its token's entries")
    if told.floor or told.marks:
        words.append("no older than what was seen of its type")
    if demand.is_causal and of is not AggregateType.ORDER:
        words.append("no older than the order's writer had seen")
    return "".join(f", {word}" for word in words)
