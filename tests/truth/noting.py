"""Those who note what happens: owners' shelves, and a store, that tell the world of each change."""

from collections.abc import Iterable, Mapping, Sequence

from projections.dead_letters import DeadLetter
from projections.errors import StoreUnavailable
from projections.events import StateChange
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor, Partition
from projections.projector import Applied, Duplicate, Parked, StoredRow, Verdict
from projections.selection import Root
from projections.store import Cut, EventBatch
from projections.token import FloorKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from tests.contracts.twins import RowT, Shelf, UpstreamTwins
from tests.fickle_store import FickleStore
from tests.truth.world import Timeline, World


class NotedRows(dict[str, RowT]):
    """The rows of one owner; every change is a commit."""

    def __init__(self, rows: Mapping[str, RowT], of: AggregateType, world: World) -> None:
        super().__init__()
        self._of = of
        self._world = world
        for row_id, row in rows.items():
            self[row_id] = row

    def __setitem__(self, row_id: str, row: RowT) -> None:
        super().__setitem__(row_id, row)
        self._commit(row_id, row)

    def __delitem__(self, row_id: str) -> None:
        super().__delitem__(row_id)
        self._commit(row_id, None)

    def _commit(self, row_id: str, row: Row | None) -> None:
        key = AggregateKey(self._of, row_id)
        self._world.owned.setdefault(key, Timeline()).note(self._world.now(), row)


def note_owners(twins: UpstreamTwins, world: World) -> None:
    """Let the world know of all that these services have, and of what they commit."""
    _note(twins.order_shelf, AggregateType.ORDER, world)
    _note(twins.customer_shelf, AggregateType.CUSTOMER, world)
    _note(twins.product_shelf, AggregateType.PRODUCT, world)


def _note(shelf: Shelf[RowT], of: AggregateType, world: World) -> None:
    shelf.rows = NotedRows(shelf.rows, of, world)


class NotedStore(FickleStore):
    """A fickle store; what it holds, and that it did not answer, is noted."""

    def __init__(self, world: World) -> None:
        super().__init__(wall_clock=lambda: world.wall_s(world.now()))
        self._world = world

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        try:
            return await super().read(roots, seen=seen)
        except StoreUnavailable:
            self._world.lost_count += 1
            raise

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        verdicts = await super().apply(batch)
        self._note_verdicts(verdicts)
        await self._note_position(batch.partition.source)
        for verdict in verdicts:
            if isinstance(verdict, Applied | Duplicate) and verdict.stored is not None:
                self._note_place(verdict.key, verdict.stored.at, batch)
        return verdicts

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        healed = list(rows)
        await super().heal(healed, age_s=age_s)
        for key in {row.key for row in healed}:
            self._note_row(key, self._rows.get(key))

    async def replay(self, letter: DeadLetter, change: StateChange) -> Verdict:
        verdict = await super().replay(letter, change)
        self._note_verdicts([verdict])
        return verdict

    async def forget(self, partition: Partition, cursor: str) -> None:
        await super().forget(partition, cursor)
        for key in self._world.held.keys() - self._rows.keys():
            self._note_row(key, None)
        await self._note_position(partition.source)

    def _note_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        for verdict in verdicts:
            match verdict:
                case Applied(key=key, stored=stored) | Duplicate(key=key, stored=stored):
                    if stored is not None:
                        self._note_row(key, stored)
                case Parked(key=key):
                    self._world.parked.add(key)

    def _note_row(self, key: AggregateKey, stored: StoredRow | None) -> None:
        self._world.held.setdefault(key, Timeline()).note(self._world.now(), stored)

    def _note_place(self, key: AggregateKey, at: Version, batch: EventBatch) -> None:
        for partition, place in batch.position.places.items():
            log = FloorKey(key.type, partition, place.log)
            self._world.places.setdefault(key, []).append((at, log, place.offset))

    async def _note_position(self, source: str) -> None:
        positions = (await MemoryStore.read(self, ())).positions
        timeline = self._world.positions.setdefault(source, Timeline())
        timeline.note(self._world.now(), positions.get(source))
