"""Three services in memory that own their rows: each commit is noted, and none is forgotten.

What a service says shows which commit it is: the note of an order and the name of a customer or a
product end with their version, as in ``red@1.4``. So an observer knows the epoch too, which no
field of the schema tells, and a row put together from two commits gives itself away.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, OrderItemRow, OrderRow, OrderStatus, ProductRow, Row

PRICE = Decimal("2.50")


@dataclass(frozen=True, slots=True)
class Commit:
    """One committed change. ``row`` is None for a deletion; ``at_s`` is the wall clock's.

    ``by`` is the request that asked for it; empty where nobody did.
    """

    key: AggregateKey
    at: Version
    row: Row | None
    at_s: float
    by: str = ""

    @property
    def previous_number(self) -> int | None:
        return self.at.number - 1 or None


@dataclass(slots=True)
class Owner:
    """One service. ``commits`` are all that it ever made; ``log`` those it still knows, in order.

    ``lost`` are those it has forgotten, and when (wall clock).

    ``life`` counts how often it was restored; its log is another one in every life. The first
    ``kept_count`` of its log are on the backup, and never lost.
    """

    of: AggregateType
    wall_clock: Callable[[], float]
    epoch: int = 1
    life: int = 1
    commits: list[Commit] = field(default_factory=list)
    lost: dict[tuple[AggregateKey, Version], float] = field(default_factory=dict)
    log: list[Commit] = field(default_factory=list)
    states: dict[str, Commit] = field(default_factory=dict)
    placed_under: dict[str, str] = field(default_factory=dict)
    kept_count: int = 0

    @property
    def source(self) -> str:
        return self.of.source

    def row_of(self, row_id: str) -> Row | None:
        """The row as it is now; None where there is none, or none any more."""
        commit = self.states.get(row_id)
        return None if commit is None else commit.row

    def rows(self) -> Iterator[Row]:
        """Everything there is."""
        return (commit.row for commit in self.states.values() if commit.row is not None)

    def commit(self, row: Row, *, by: str = "") -> Row:
        """Commit this state of an aggregate; its version is given to it here."""
        before = self.states.get(row.id)
        number = 1 if before is None else before.at.number + 1
        written = signed(row, Version(self.epoch, number))
        self._note(Commit(row.key, written.at, written, self.wall_clock(), by))
        return written

    def delete(self, row_id: str) -> None:
        """Commit that there is no such thing any more."""
        before = self.states[row_id]
        at = Version(self.epoch, before.at.number + 1)
        self._note(Commit(before.key, at, None, self.wall_clock()))

    def back_up(self) -> None:
        """What there is by now will not be lost."""
        self.kept_count = len(self.log)

    def restore(self, lost_count: int) -> None:
        """Lose the last commits, as after a restore from backup.

        Everything there is left is told anew in a new epoch, in a new log: the outbox is part of
        what was restored.
        """
        kept = self.log[: max(self.kept_count, len(self.log) - lost_count)]
        lost = self.log[len(kept) :]
        self.lost.update(((commit.key, commit.at), self.wall_clock()) for commit in lost)
        self.epoch += 1
        self.life += 1
        self.log, self.states = [], {}
        for commit in {commit.key: commit for commit in kept}.values():
            self._note(self._retold(commit))
        self.back_up()
        self.placed_under = {k: id_ for k, id_ in self.placed_under.items() if id_ in self.states}

    def _retold(self, commit: Commit) -> Commit:
        at = Version(self.epoch, commit.at.number)
        row = None if commit.row is None else signed(commit.row, at)
        return Commit(commit.key, at, row, self.wall_clock())

    def _note(self, commit: Commit) -> None:
        self.commits.append(commit)
        self.log.append(commit)
        self.states[commit.key.id] = commit


def signed(row: Row, at: Version) -> Row:
    """The row at this version, its text ending with it."""
    match row:
        case OrderRow(note=note):
            said = said_by(note or "")
            return replace(row, note=f"{said}@{at}", version=at.number, epoch=at.epoch)
        case CustomerRow(name=name) | ProductRow(name=name):
            return replace(row, name=f"{said_by(name)}@{at}", version=at.number, epoch=at.epoch)


def said_by(text: str) -> str:
    """The text without the version it ends with."""
    return text.rpartition("@")[0] if "@" in text else text


def version_in(text: str) -> Version:
    """The version that a text ends with."""
    epoch, _, number = text.rpartition("@")[2].partition(".")
    return Version(int(epoch), int(number))


def new_order(
    order_id: str, customer_id: str, product_ids: tuple[str, ...], place: int
) -> OrderRow:
    """An order as its service would make it; it is listed after those of lower ``place``."""
    items = tuple(OrderItemRow(product_id=id_, quantity=1, unit_price=PRICE) for id_ in product_ids)
    return OrderRow(
        id=order_id,
        customer_id=customer_id,
        status=OrderStatus.PLACED,
        note="",
        currency="EUR",
        total=PRICE * len(items),
        placed_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=place),
        items=items,
        version=1,
        epoch=1,
    )


def new_customer(customer_id: str) -> CustomerRow:
    return CustomerRow(id=customer_id, name="Ada", email="ada@example.com", version=1, epoch=1)


def new_product(product_id: str) -> ProductRow:
    return ProductRow(
        id=product_id, name="Ink", price=PRICE, currency="EUR", stock=10, version=1, epoch=1
    )
