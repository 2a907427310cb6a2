"""What one operation demanded, waited for, wrote and showed: the truth of `extensions.consistency`.

The joined token is made here: everything the caller had already seen, everything she wrote, every
row she was shown that the event stream does not hold yet, and a floor under all that it does. A
caller that always sends the last joined token is never shown an older world than she has seen.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from projections.selection import PageKey
from projections.token import (
    EMPTY_TOKEN,
    ConsistencyToken,
    mark_at,
    merge,
    raised,
    with_doubts,
    without_uncertain,
)
from projections.token_shrinking import StreamedView, floor_from, shrunk
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from projections.waiters import WaitEnd
from resolvers.answer import Answer, Provenance
from resolvers.answer_tally import tally_of

MAX_SHOWN = 100
"""Components told of one by one; a page of orders with all their products would be a thousand."""


class Shown(Struct, frozen=True):
    """One component as the client sees it: response path without list indexes, and provenance."""

    path: str
    key: AggregateKey | PageKey
    version: Version | None
    provenance: Provenance

    @property
    def aggregate_type(self) -> AggregateType:
        """The type of what is shown; of a list, that of what it lists."""
        return self.key.type if isinstance(self.key, AggregateKey) else AggregateType.ORDER


class ConsistencyReport(Struct):
    """Collects while the operation runs; read once at its end.

    ``waits`` has, for each demanded entry that the first cut missed, how the wait for it ended.
    """

    token: ConsistencyToken = EMPTY_TOKEN
    waited_s: float = 0.0
    waits: list[WaitEnd] = field(default_factory=list)
    missing: dict[AggregateKey, Version] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    omitted_count: int = 0
    is_stale_shown: bool = False
    is_held_back: bool = False
    _told: dict[str, set[AggregateKey | PageKey]] = field(default_factory=dict)

    @property
    def is_satisfied(self) -> bool:
        """Was nothing shown, and nothing held back, that is older than demanded?"""
        return not (self.missing or self.is_stale_shown or self.is_held_back)

    def demand(self, token: ConsistencyToken) -> None:
        """Join what a field demands: the caller has seen that world already."""
        self.token = merge(self.token, token)

    def write(self, row: Row) -> None:
        """Join a write that its owner has confirmed."""
        self.demand(ConsistencyToken({row.key: row.at}))

    def write_uncertain(self, key: AggregateKey | None, now_s: float) -> None:
        """Join a write whose outcome is unknown; of a thing whose id is unknown, mark its lists."""
        if key is None:
            self.demand(ConsistencyToken(marks={AggregateType.ORDER: mark_at(now_s)}))
        else:
            self.demand(ConsistencyToken(uncertain=frozenset([key])))

    def add(
        self,
        answer: Answer,
        missing: Mapping[AggregateKey, Version],
        view: StreamedView,
        now_s: float,
    ) -> ConsistencyToken:
        """Join one completed root field, read from ``view``, and what was not new enough in it.

        Returns what it has shown, by itself: whoever goes on from there must not fall behind it.
        """
        tally = tally_of(answer)
        marks = dict.fromkeys(tally.outdated_types, mark_at(now_s))
        floor = floor_from(view, tally.projected_types, now_s)
        bounds = merge(floor, ConsistencyToken(marks=marks))
        denied = {key for key, at in missing.items() if at == self.token.entries.get(key)}
        joined = without_uncertain(raised(self.token, tally.seen), tally.told_live)
        joined = with_doubts(joined, denied & tally.told_live, mark_at(now_s))
        self.token = shrunk(merge(joined, bounds), view, now_s)
        for key, at in missing.items():
            self.missing[key] = max(at, self.missing.get(key, at))
        self.is_held_back |= tally.is_held_back
        self.is_stale_shown |= tally.is_stale
        return merge(bounds, ConsistencyToken(tally.seen))

    def show(
        self,
        path: str,
        provenance: Provenance,
        key: AggregateKey | PageKey,
        version: Version | None,
    ) -> None:
        """Note that a component or a page is shown at ``path``; told once for each path."""
        told = self._told.get(path)
        if told is None:
            told = self._told[path] = set()
        if key in told:
            return
        told.add(key)
        if len(self.shown) < MAX_SHOWN:
            self.shown.append(Shown(path, key, version, provenance))
        else:
            self.omitted_count += 1

    def untell(self) -> None:
        """Forget what was shown where: it is going to be shown anew."""
        self.shown.clear()
        self._told.clear()
        self.omitted_count = 0
