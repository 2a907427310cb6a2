"""Whom an order will lead to, guessed before its owner has told: two hops become one.

The rule: a guess is a reason to ask early and never anything to show. It is kept as ids, and what
comes back is looked at only if the order, as its owner tells it, leads there too.

Nobody may be told by a guess what she may not know: a guessed read carries the names of the reader
for whom it is made, its failure is told to nobody, and what it brought is dropped unless her own
order leads there. But the ids come from what others have read (`KnownLinks` is one a process): who
may see her own orders only is guessed for by the links of those alone (`ownership.OwnLinks`), and
the owner's word on an order is the only way from it to what it leads to (`reach`).
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from projections.selection import OrderLinks, PageKey, Root, reach
from projections.store import Cut
from projections.versions import ORDER, AggregateKey
from projections.views import OrderRow, Row
from resolvers.answer import Answer
from resolvers.guess_budget import GuessBudget, GuessOptions
from resolvers.ownership import Links


class KnownLinks:
    """Whom the orders lead to of which was heard last. Ids only, bounded."""

    def __init__(self, entry_limit: int) -> None:
        self._limit = entry_limit
        self._links: OrderedDict[str, OrderLinks] = OrderedDict()

    def __len__(self) -> int:
        return len(self._links)

    def learn(self, rows: Iterable[Row | None]) -> None:
        """Remember the orders among these rows, in place of those heard of longest ago."""
        for order in rows:
            if isinstance(order, OrderRow):
                self._links[order.id] = OrderLinks.of(order)
                self._links.move_to_end(order.id)
        while len(self._links) > self._limit:
            self._links.popitem(last=False)

    def of(self, key: AggregateKey) -> OrderLinks | None:
        """Whom this order led to when it was last heard of; None of anything else."""
        return self._links.get(key.id) if key.type is ORDER else None


@dataclass(slots=True)
class GuessCounts:
    """Reads of this process since its start: guessed, and how that ended; those left unguessed.

    What is under way, and what its reader has left alone, is guessed and neither right nor wrong.
    """

    guessed: int = 0
    right: int = 0
    wrong: int = 0
    refused: int = 0


@dataclass(slots=True)
class Guesses:
    """What one process knows to guess from, what that has come to, and how much it may."""

    options: GuessOptions = field(default_factory=GuessOptions)
    counts: GuessCounts = field(default_factory=GuessCounts)
    links: KnownLinks = field(init=False)
    budget: GuessBudget = field(init=False)

    def __post_init__(self) -> None:
        self.links = KnownLinks(self.options.entry_limit)
        self.budget = GuessBudget(self.options)

    def take(self, read_count: int, now_s: float) -> bool:
        """May so many reads be guessed now? Counted either way."""
        is_granted = self.budget.take(read_count, now_s)
        if is_granted:
            self.counts.guessed += read_count
        else:
            self.counts.refused += read_count
        return is_granted

    def judge(self, now_s: float, *, right_count: int, wrong_count: int) -> None:
        """So many of the guessed reads were needed, and so many were for nothing."""
        self.counts.right += right_count
        self.counts.wrong += wrong_count
        self.budget.give_back(now_s, right_count=right_count, wrong_count=wrong_count)


def guessed_keys(
    root: Root, answer: Answer, cut: Cut, links: Links, *, is_cut_of_root: bool = False
) -> Sequence[AggregateKey]:
    """The customers and products that ``root`` will need, if things are as they were. Pure.

    What the answer has goes before what the projection holds, however old, and that before what is
    remembered. Nothing that the answer has is among them. ``is_cut_of_root``: the cut was read for
    this root and for nothing else.
    """
    if is_cut_of_root and not (answer.components or answer.pages):
        walked = _led_to_in(cut)
        if walked is not None:
            return walked

    def row_of(key: AggregateKey) -> Row | OrderLinks | None:
        if key in answer.components:
            return answer.row_of(key)
        stored = cut.rows.get(key)
        return links.of(key) if stored is None or stored.row is None else stored.row

    def page_of(key: PageKey) -> Sequence[str] | None:
        if key in answer.pages:
            return answer.page_of(key)
        projected = cut.pages.get(key)
        return None if projected is None else projected.order_ids

    return [
        key
        for key in reach(root, row_of, page_of).keys
        if key.type is not ORDER and key not in answer.components
    ]


def _led_to_in(cut: Cut) -> Sequence[AggregateKey] | None:
    """What the store has found its way to; None where an order without a row was in its way.

    So it is too where nothing was read at all.
    """
    keys: list[AggregateKey] = []
    for key, stored in cut.rows.items():
        if key.type is not ORDER:
            keys.append(key)
        elif stored is None or stored.row is None:
            return None
    return keys if cut.rows else None
