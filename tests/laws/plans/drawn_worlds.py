"""What the owners and the projection have to say, drawn: rows, their absence, failures, pages.

A world answers any read, and the same read always alike. In an odd world rows hold what their types
do not allow, as no decoder would let them: nulls, numbers too large, text for numbers.

The rule: an answer holds what its read reaches, and nothing else. Who asks for too little finds
less than it looks for.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Final

import msgspec

from projections.selection import PageKey, reach
from projections.store import Cut
from projections.token import EMPTY_TOKEN
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderItemRow, OrderRow, OrderStatus, Row
from resolvers.answer import (
    Absent,
    Answer,
    Component,
    Failed,
    Found,
    FoundPage,
    Provenance,
    Reason,
    Source,
)
from resolvers.errors import ConsistencyTimeout
from resolvers.read_request import ReadRequest
from resolvers.report import ConsistencyReport
from resolvers.upstream.errors import DeadlineExceeded, UpstreamTimeout, UpstreamUnavailable
from tests.builders.rows import customer_row, order_row, product_row
from tests.laws.plans.desk import (
    CUSTOMER_IDS,
    LESS,
    NOW_S,
    ORDER_IDS,
    PRODUCT_IDS,
    SEEN,
    position,
)

PROVENANCES: Final = (
    Provenance(Source.PROJECTION, Reason.DEFAULT, 0.25),
    Provenance(Source.PROJECTION, Reason.STALE_ALLOWED, 7.0),
    Provenance(Source.LIVE, Reason.TOKEN_NOT_REACHED),
    Provenance(Source.LIVE, Reason.STALE_IF_ERROR, 3.0, UpstreamTimeout("orders")),
)
FAILURES: Final = (
    UpstreamUnavailable("orders"),
    UpstreamTimeout("customers"),
    DeadlineExceeded("products"),
    ConsistencyTimeout({AggregateKey(AggregateType.ORDER, "o-2"): Version(1, 9)}, 0.5),
)
NOTHING: Final = Absent(PROVENANCES[0])
ODD_VALUES: Final = (None, None, None, "", 7, True, 2**31, -(2**31) - 1, 2**60, 3.0, 2.5, "odd", ())
HUGE: Final = Decimal("9E+999999")
"""An amount of money that can be read, and not be multiplied."""

TALL: Final = (2**31 - 1, -(2**31), 0)
"""Numbers that an Int just holds."""

KEYS: Final = tuple(
    AggregateKey(of, one)
    for of, ids in (
        (AggregateType.ORDER, ORDER_IDS),
        (AggregateType.CUSTOMER, CUSTOMER_IDS),
        (AggregateType.PRODUCT, PRODUCT_IDS),
    )
    for one in ids
)


class OddItem(msgspec.Struct, kw_only=True):
    """A line of an order that nobody has checked."""

    product_id: object
    quantity: object
    unit_price: object
    line_total: object


@dataclass(slots=True)
class World:
    """Everything that can be read. ``is_whole``: nothing failed, and all there is is there.

    ``odd_share``: so many rows of an odd world are odd.
    """

    random: Random
    is_odd: bool = False
    is_whole: bool = False
    odd_share: float = 0.4
    components: dict[AggregateKey, Component] = field(default_factory=dict)
    pages: dict[PageKey, FoundPage | Failed] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in KEYS:
            self.components[key] = self._component(key)

    def answer(self, request: ReadRequest) -> Answer:
        """What the read reaches."""
        reached = reach(request.root, self._row_of, self._page_of)
        components = {key: self.components.get(key, NOTHING) for key in reached.keys}
        return Answer(components, {key: self.page(key) for key in reached.pages})

    def page(self, key: PageKey) -> FoundPage | Failed:
        """The page of this name."""
        if key not in self.pages:
            self.pages[key] = self._drawn_page(key)
        return self.pages[key]

    def _row_of(self, key: AggregateKey) -> Row | None:
        match self.components.get(key):
            case Found(row=OrderRow(items=items)) if not _are_lines(items):
                return None
            case Found(row=row):
                return row
            case _:
                return None

    def _page_of(self, key: PageKey) -> Sequence[str] | None:
        page = self.page(key)
        return None if isinstance(page, Failed) else page.order_ids

    def _component(self, key: AggregateKey) -> Component:
        dice = 1.0 if self.is_whole else self.random.random()
        if dice < 0.12:
            return Failed(self.random.choice(FAILURES))
        provenance = self.random.choice(PROVENANCES)
        if dice < 0.24:
            at = self.random.choice((None, Version(1, 4)))
            return Absent(provenance, at, at, may_come_back=self.random.random() < 0.2)
        row = self._row(key)
        is_odd = self.is_odd and self.random.random() < self.odd_share
        if is_odd:
            self._spoil(row)
        return Found(row, provenance, is_streamed=is_odd or self.random.random() < 0.7)

    def _row(self, key: AggregateKey) -> Row:
        pick, version = self.random.choice, self.random.randint(1, 5)
        match key.type:
            case AggregateType.ORDER:
                count = self.random.randrange(4)
                return order_row(
                    key.id,
                    version,
                    customer_id=pick(CUSTOMER_IDS),
                    status=pick(list(OrderStatus)),
                    note=pick((None, "", 'at "noon"')),
                    placed_at=position(key.id).placed_at,
                    product_ids=tuple(pick(PRODUCT_IDS) for _ in range(count)),
                )
            case AggregateType.CUSTOMER:
                return customer_row(key.id, version, name=pick(("Ada", "")))
            case AggregateType.PRODUCT:
                return product_row(key.id, version, stock=pick((5, *TALL)))

    def _spoil(self, row: Row) -> None:
        """Put what must not be into a place or two."""
        names = [name for name in row.__struct_fields__ if name not in UNSPOILT]
        if isinstance(row, OrderRow) and self.random.random() < 0.3:
            names = ["items"]
        for name in self.random.sample(names, min(len(names), self.random.choice((1, 1, 2)))):
            value = self._odd_items(row) if name == "items" else self.random.choice(ODD_VALUES)
            msgspec.structs.force_setattr(row, name, value)

    def _odd_items(self, row: Row) -> object:
        assert isinstance(row, OrderRow)
        whole = [item for item in row.items if isinstance(item, OrderItemRow)]
        items = [self._odd_item(item) for item in whole]
        return self.random.choice((None, (None, *items), (*items, None), 5, tuple(items)))

    def _odd_item(self, item: OrderItemRow) -> OddItem | OrderItemRow:
        if self.random.random() < 0.2:
            return msgspec.structs.replace(item, quantity=11, unit_price=HUGE)
        values = {name: getattr(item, name) for name in OddItem.__struct_fields__}
        if self.random.random() < 0.7:
            values[self.random.choice(OddItem.__struct_fields__)] = self.random.choice(ODD_VALUES)
        return OddItem(**values)

    def _drawn_page(self, key: PageKey) -> FoundPage | Failed:
        if not self.is_whole and self.random.random() < 0.15:
            return Failed(self.random.choice(FAILURES))
        count = min(self.random.randrange(4), key.first)
        listed = {one: position(one) for one in self.random.sample(ORDER_IDS, count)}
        return FoundPage(
            tuple(listed),
            has_more=self.random.random() < 0.5,
            provenance=self.random.choice(PROVENANCES),
            listed_at=listed,
            ends_at=min(listed.values(), default=None),
            seen=self.random.choice((EMPTY_TOKEN, EMPTY_TOKEN, SEEN, LESS)),
            lacks_listed=self.random.random() < 0.1,
        )


UNSPOILT: Final = ("epoch", "causal_deps")


@dataclass(slots=True)
class DrawnReads:
    """Reads that find what is in ``world``, and tell the report as those of the product do."""

    world: World
    report: ConsistencyReport
    missing: Mapping[AggregateKey, Version] = field(default_factory=dict)
    requests: list[ReadRequest] = field(default_factory=list)

    async def read(self, request: ReadRequest) -> Answer:
        """The answer, a turn of the loop later, as for all root fields of an operation."""
        self.requests.append(request)
        await asyncio.sleep(0)
        return self._answer(request)

    async def read_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        """Those of several."""
        self.requests += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request: ReadRequest) -> Answer:
        answer = self.world.answer(request)
        answer.shown = self.report.add(answer, self.missing, Cut(), NOW_S)
        return answer

    def forget(self) -> None:
        """Nothing was remembered."""

    def close(self) -> None:
        """Nothing is open."""


def drawn_world(random: Random, *, is_sane: bool) -> World:
    """A world that these random numbers make; a sane one is not odd, but may lack or fail."""
    own = Random(random.getrandbits(32))
    odd_share = own.choice((0.2, 0.4, 1.0))
    return World(own, is_odd=not is_sane, is_whole=own.random() < 0.3, odd_share=odd_share)


def _are_lines(items: object) -> bool:
    return isinstance(items, tuple) and all(hasattr(item, "product_id") for item in items)
