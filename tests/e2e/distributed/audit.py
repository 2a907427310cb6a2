"""The audit at the end of every scenario: log, services and Redis tell the same story.

Nothing lost and nothing twice means: every row is what the fold of its log says, and what its owner
says; every order stands in the listings of its customer and its status and in no others; and every
partition stands at the end that its log had when the writing was over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.log_oracle import SERVICES, Key, Told, fold, owned
from tests.e2e.distributed.stored_rows import Stored, listings_of, plain, read_stored
from tests.e2e.processes import NeverHappened, eventually
from tests.servers.kafka_records import Record, read_records

LISTED_MOST: Final = 12

NextOffsets = Mapping[tuple[str, int], int]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, and where it differed; ``parked`` are the rows rightly not trusted."""

    row_count: int
    change_count: int
    parked: frozenset[Key]
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs at one moment: the newest of every aggregate, and where each partition ends."""

    newest: Mapping[Key, Told]
    ends: NextOffsets
    change_count: int


def audited(house: DistributedHouse) -> Audit:
    """The audit once everything has arrived. Nobody may write meanwhile.

    Raises `NeverHappened` with the first differences when they do not go away; AssertionError when
    somebody has made a mistake on the way.
    """
    last: list[Audit] = []

    def agrees() -> bool:
        last[:] = [audit(house)]
        return not last[0].differences

    try:
        eventually(agrees, about="a projection that agrees with the log and the services")
    except NeverHappened as never:
        told = "\n  ".join(last[0].differences[:LISTED_MOST])
        raise NeverHappened(f"{never}; {len(last[0].differences)} differ:\n  {told}") from never
    mistakes = house.mistakes()
    assert not mistakes, "\n".join(mistakes)
    return last[0]


def audit(house: DistributedHouse) -> Audit:
    """Compare log, services and Redis as they are now."""
    logs = read_logs(house.kafka.address)
    stored = read_stored(house.valkey.url, house.prefix)
    unreadable = {key for key, told in logs.newest.items() if told.state is None}
    return Audit(
        row_count=len(stored.rows),
        change_count=logs.change_count,
        parked=stored.suspects & unreadable,
        differences=(
            *(f"{key}: the log is not as its owner says" for key in _unlike_owner(house, logs)),
            *_differing_rows(logs.newest, stored),
            *(f"{key}: suspect without a reason" for key in stored.suspects - unreadable),
            *_differing_listings(stored),
            *_places_before(logs.ends, stored.next_offsets),
        ),
    )


def read_logs(address: str) -> Logs:
    """All three logs, from their beginnings to their ends."""
    records = {service: read_records(address, f"{service}.events") for service in SERVICES}
    newest: dict[Key, Told] = {}
    for service in SERVICES:
        newest |= fold(service, records[service])
    return Logs(newest, dict(_ends(records)), sum(map(len, records.values())))


def _ends(records: Mapping[str, Sequence[Record]]) -> Iterator[tuple[tuple[str, int], int]]:
    for service, of_service in records.items():
        for record in of_service:  # in order, so that the last of a partition stays
            yield (service, record.partition), record.offset + 1


def _unlike_owner(house: DistributedHouse, logs: Logs) -> set[Key]:
    return owned(house.http, house.urls, logs.newest)


def _differing_rows(newest: Mapping[Key, Told], stored: Stored) -> Iterator[str]:
    for key in newest.keys() | stored.rows.keys():
        told, row = newest.get(key), stored.rows.get(key)
        if told is None:
            yield f"{key}: a row of which the log knows nothing"
        elif told.state is None:
            if key not in stored.suspects and (row is None or row.at < told.at):
                yield f"{key}: its newest event is unreadable, and nothing says so"
        elif row is None or row.state is None:
            yield f"{key}: lost, the log tells {told.at}"
        elif row.at != told.at or plain(row.state) != plain(told.state):
            yield f"{key}: the row says {row.at}, the log {told.at}"
        elif not row.is_streamed:
            yield f"{key}: the stream has brought {told.at}, and the row does not know it"


def _differing_listings(stored: Stored) -> Iterator[str]:
    listed, expected = sorted(stored.listed), listings_of(stored.rows)
    for entry in sorted({*listed, *expected}):
        if (count := listed.count(entry)) != (right := expected.count(entry)):
            yield f"{entry}: listed {count} times, not {right}"


def _places_before(ends: NextOffsets, reached: NextOffsets) -> Iterator[str]:
    for (service, partition), end in ends.items():
        if reached.get((service, partition), 0) < end:
            yield f"{service}/{partition}: {reached.get((service, partition))} of {end} records"
