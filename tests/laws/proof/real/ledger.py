"""The truth about real services: what their outboxes committed, read from the logs they filled.

The logs are read by plain JSON and none of the code that is judged. An event that was told twice is
one commit; it has been applied by whoever has read past the first time that it was told.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from projections.token import FloorKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views.orders import ListingPosition, OrderStatus
from tests.e2e.distributed.log_oracle import changes
from tests.e2e.distributed.stored_rows import ANY_STATUS, Stored
from tests.laws.proof.convergence import Held, Holdings
from tests.laws.proof.history import Commit, Key, Listing
from tests.laws.proof.real.states import Json, committed_fields, instant_of
from tests.servers.kafka_records import Record

TYPES: Mapping[str, AggregateType] = {of.source: of for of in AggregateType}


def read_commits(
    records: Mapping[str, Sequence[Record]], logs: Collection[FloorKey]
) -> Iterator[Commit]:
    """Every commit that the logs of these services hold.

    ``logs`` are all the names that readers gave to these logs: one that has lost what it knew of a
    partition reads it again under another name.
    """
    for service, of_service in records.items():
        told: dict[tuple[Key, Version], Commit] = {}
        for record in of_service:
            for event in changes([record]):
                commit = _commit(TYPES[service], event, record, logs)
                told.setdefault((commit.key, commit.at), commit)
        yield from told.values()


def _commit(of: AggregateType, event: Json, record: Record, logs: Iterable[FloorKey]) -> Commit:
    state = event["data"]
    is_order = of is AggregateType.ORDER
    return Commit(
        key=AggregateKey(of, event["subject"]),
        at=Version(event["sourceepoch"], event["aggregateversion"]),
        committed_at_s=instant_of(event["time"]).timestamp(),
        state=committed_fields(of, state),
        listing=_listing(state) if is_order else None,
        refers_to=_referred(state) if is_order else (),
        depends_on=dict(map(parse_dep, state["causalDeps"])) if is_order else {},
        told={
            log: record.offset + 1
            for log in logs
            if (log.type, log.partition) == (of, record.partition)
        },
    )


def _listing(state: Json) -> Listing:
    position = ListingPosition(instant_of(state["placedAt"]), state["id"])
    return Listing(
        customer_id=state["customerId"], status=OrderStatus(state["status"]), position=position
    )


def _referred(state: Json) -> tuple[Key, ...]:
    products = dict.fromkeys(item["productId"] for item in state["items"])
    return (
        AggregateKey(AggregateType.CUSTOMER, state["customerId"]),
        *(AggregateKey(AggregateType.PRODUCT, product_id) for product_id in products),
    )


def parse_dep(text: str) -> tuple[Key, Version]:
    """The aggregate and the version in ``customer:c-1@0.3``."""
    named, _, version = text.rpartition("@")
    of, _, id_ = named.partition(":")
    epoch, _, number = version.partition(".")
    return AggregateKey(AggregateType(of), id_), Version(int(epoch), int(number))


def holdings_of(stored: Stored) -> Holdings:
    """What lies in Redis, as the checker of convergence wants it."""
    rows = {
        AggregateKey(TYPES[service], id_): Held(
            Version(*row.at),
            None if row.state is None else committed_fields(TYPES[service], row.state),
        )
        for (service, id_), row in stored.rows.items()
    }
    listed = groupby(stored.listed, key=lambda entry: entry[:2])
    return Holdings(
        rows,
        {
            (customer_id, None if status == ANY_STATUS else OrderStatus(status)): tuple(
                order_id for *_, order_id in reversed(list(entries))
            )
            for (customer_id, status), entries in listed
        },
    )
