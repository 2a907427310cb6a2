"""Does the projection say what the owners say? A sample of its rows beside their owners' answers.

Gentle: a few calls at a time, within the tower that every call goes through. What lag may explain
is looked at once more, after one bounded wait for the versions that were seen live. Whatever the
sampled orders refer to and the projection has never heard of is asked for as well: a row that is
missing can be in no sample.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from projections.selection import CustomerSelection, OrderRoot, OrderSelection, Root, root_of
from projections.store import Store
from projections.versions import AggregateKey, AggregateType, Version
from projections.waiters import WaiterOptions, Waiters
from resolvers.drift import DriftReport, Verdict, compare, look_again, may_be_late
from resolvers.loaders import Clients, LiveLoader, LiveRow
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.live_demand import LiveDemand

T = TypeVar("T")

SUBJECT = "drift"
WITH_ALL_IT_REFERS_TO = OrderSelection(customer=CustomerSelection(), has_products=True)


class SampledStore(Store, Protocol):
    """A store that can be asked for some of what it holds."""

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        """At most ``count`` different keys of rows of the source, tombstones too, any of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftOptions:
    """How gently owners are asked, and how long lag may take.

    ``order_count_at_once``: orders have no batches, so these are calls at once (default 4 of the 16
    places that a gateway has). ``batch_count``: rows in one call (default 50). ``batch_timeout_s``:
    for the calls of one batch (s, default 10: nobody waits for an answer). ``lag_grace_s``: how
    long all that is behind may take to arrive (s, default 2: twenty times the lag of a good day).
    """

    order_count_at_once: int = 4
    batch_count: int = 50
    batch_timeout_s: float = 10.0
    lag_grace_s: float = 2.0


@dataclass(frozen=True, slots=True)
class RowsCompared:
    """Signal: so many of all rows have been compared."""

    compared_count: int
    total_count: int


class DriftCheck:
    """Compares a store's rows with their owners', and heals them."""

    def __init__(
        self,
        store: SampledStore,
        clients: Clients,
        options: DriftOptions,
        observe: Callable[[RowsCompared], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clients = clients
        self._options = options
        self._observe = observe

    async def run(self, types: Sequence[AggregateType], sample_count: int) -> DriftReport:
        """One verdict a row, for at most ``sample_count`` rows of each type and what they refer to.

        Raises `StoreUnavailable`. An owner that does not answer leaves its rows `Unchecked`.
        """
        keys = [key for of in types for key in await self._store.sample(of.source, sample_count)]
        verdicts: dict[AggregateKey, Verdict] = {}
        unheard_of = await self._compare_all(keys, verdicts)
        referred = [key for key in unheard_of if key.type in types and key not in verdicts]
        await self._compare_all(referred, verdicts)
        await self._look_again(verdicts)
        return DriftReport(tuple(verdicts.values()))

    async def repair(self, report: DriftReport) -> int:
        """Heal what is behind, under the version gate; how many rows that were."""
        rows = report.healing_rows
        for chunk in _chunks(rows, self._options.batch_count):
            await self._store.heal(chunk)
        return len(rows)

    async def _compare_all(
        self, keys: Sequence[AggregateKey], verdicts: dict[AggregateKey, Verdict]
    ) -> Sequence[AggregateKey]:
        """Add a verdict for each key; what they refer to and the store knows nothing of."""
        unheard_of: dict[AggregateKey, None] = {}
        for batch in self._batches(keys):
            cut = await self._store.read([_root_of(key) for key in batch])
            stored = cut.rows
            demanded = {key: None if (row := stored[key]) is None else row.at for key in batch}
            live = await self._load(demanded)
            for key in batch:
                is_suspect = key in cut.suspects
                verdicts[key] = compare(key, stored[key], live[key], is_suspect=is_suspect)
            unheard_of.update((key, None) for key, row in stored.items() if row is None)
            self._observe(RowsCompared(len(verdicts), max(len(keys), len(verdicts))))
        return tuple(unheard_of)

    async def _load(
        self, demanded: Mapping[AggregateKey, Version | None]
    ) -> Mapping[AggregateKey, LiveRow]:
        """The owners' answers. A replica that is older than the row is asked once more."""
        deadline = Deadline.after(self._options.batch_timeout_s)
        loader = LiveLoader(self._clients, CallContext(deadline, SUBJECT))
        try:
            return await loader.load_rows({key: LiveDemand(at) for key, at in demanded.items()})
        finally:
            loader.close()

    async def _look_again(self, verdicts: dict[AggregateKey, Verdict]) -> None:
        """Give what may be late its time, all of it at once, and judge it by what it is then."""
        late = {
            key: version
            for key, verdict in verdicts.items()
            if (version := may_be_late(verdict)) is not None
        }
        if not late:
            return
        async with Waiters(self._store, WaiterOptions()).open() as waiters:
            await waiters.wait_for(late, subject=SUBJECT, timeout_s=self._options.lag_grace_s)
        for chunk in _chunks(tuple(late), self._options.batch_count):
            cut = await self._store.read([root_of(key) for key in chunk])
            verdicts.update((key, look_again(verdicts[key], cut.rows[key])) for key in chunk)

    def _batches(self, keys: Sequence[AggregateKey]) -> Iterator[Sequence[AggregateKey]]:
        """Keys of one type each, as many as may be asked for at once."""
        options = self._options
        for of in AggregateType:
            is_order = of is AggregateType.ORDER
            count = options.order_count_at_once if is_order else options.batch_count
            yield from _chunks([key for key in keys if key.type is of], count)


def _chunks(items: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    return (items[start : start + count] for start in range(0, len(items), count))


def _root_of(key: AggregateKey) -> Root:
    if key.type is AggregateType.ORDER:
        return OrderRoot(key.id, WITH_ALL_IT_REFERS_TO)
    return root_of(key)
