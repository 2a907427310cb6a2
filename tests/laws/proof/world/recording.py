"""A run becomes a history for the laws to judge: operations, commits, and what is held then."""

from collections.abc import Iterator

from projections.selection import OrdersRoot, PageSelection, Root, root_of
from projections.token import FloorKey
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderRow, OrderStatus, Row
from tests.laws.proof import history
from tests.laws.proof.convergence import Held, Holdings
from tests.laws.proof.history import Fields, History, Listing, Operation
from tests.laws.proof.world.house import CUSTOMERS, House
from tests.laws.proof.world.owners import Commit
from tests.laws.proof.world.service import Service

LONGEST_LIST = 100


def recorded(house: House, operations: list[Operation]) -> History:
    """All that happened; operations in the order of their numbers."""
    commits = [c for service in house.services.values() for c in _commits(service)]
    return History(
        operations=tuple(sorted(operations, key=lambda operation: operation.number)),
        commits=tuple(commits),
        owners_may_lag=any(service.has_lagged for service in house.services.values()),
        failures={of: tuple(s.wire.failed_at_s) for of, s in house.services.items()},
    )


async def held(house: House) -> Holdings:
    """All that the store holds, and the whole lists of every customer."""
    keys = {c.key for service in house.services.values() for c in service.owner.commits}
    lists = [(of, status) for of in CUSTOMERS for status in (None, *OrderStatus)]
    roots: list[Root] = [root_of(key) for key in sorted(keys)]
    roots += [OrdersRoot(of, PageSelection(LONGEST_LIST, None, status)) for of, status in lists]
    cut = await house.store.read(roots)
    return Holdings(
        {k: Held(stored.at, state_of(stored.row)) for k, stored in cut.rows.items() if stored},
        {(key.customer_id, key.status): page.order_ids for key, page in cut.pages.items()},
    )


def state_of(row: Row | None) -> Fields | None:
    """The fields of a row that queries ask for."""
    match row:
        case None:
            return None
        case OrderRow():
            return {"version": row.version, "note": row.note, "status": row.status.value}
        case _:
            return {"version": row.version, "name": row.name}


def _commits(service: Service) -> Iterator[history.Commit]:
    told = service.topic.told()
    lost = service.owner.lost
    for commit in service.owner.commits:
        yield history.Commit(
            key=commit.key,
            at=commit.at,
            committed_at_s=commit.at_s,
            state=state_of(commit.row),
            listing=_listing(commit),
            refers_to=tuple(_refers_to(commit)),
            depends_on=commit.row.depends_on if isinstance(commit.row, OrderRow) else {},
            told={
                FloorKey(commit.key.type, partition, log): offset
                for (partition, log), offset in told.get((commit.key, commit.at), {}).items()
            },
            lost_at_s=lost.get((commit.key, commit.at)),
        )


def _listing(commit: Commit) -> Listing | None:
    if not isinstance(commit.row, OrderRow):
        return None
    return Listing(
        customer_id=commit.row.customer_id, status=commit.row.status, position=commit.row.listed_at
    )


def _refers_to(commit: Commit) -> Iterator[AggregateKey]:
    if isinstance(commit.row, OrderRow):
        yield AggregateKey(AggregateType.CUSTOMER, commit.row.customer_id)
        for item in commit.row.items:
            yield AggregateKey(AggregateType.PRODUCT, item.product_id)
