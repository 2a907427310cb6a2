"""A world with one copy of everything: each answer is what its owner has at that moment.

It is what all guarantees imitate, so no history of it breaks a law; and a history of it that was
changed afterwards must.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from math import inf

from projections.versions import AggregateType, Version
from projections.views.orders import OrderStatus
from resolvers.answer import Reason
from resolvers.demand import Live, Mode
from tests.laws.proof.history import PLAIN, Answer, Commit, Key, Listed, Operation, Shown
from tests.laws.proof.owners import is_lost
from tests.laws.proof.tale import Tale, customer, order, page, position_of, product, seen

Step = tuple[str, str, int]
"""What is done, by whom, and to the how-manieth thing."""

PAGE_SIZE = 2


@dataclass(slots=True)
class SingleCopy:
    """Takes steps and tells them; ``order_count`` is how many orders were ever placed."""

    tale: Tale = field(default_factory=Tale)
    order_count: int = 0

    def __post_init__(self) -> None:
        self.tale.commit(customer())
        self.tale.commit(product())

    def take(self, step: Step) -> None:
        """Do one step; what needs an order places one if there is none."""
        verb, session, number = step
        acts: dict[str, Callable[[str, int], object]] = {
            "place": self._place,
            "annotate": lambda who, n: self._write(who, self._order(n)),
            "cancel": lambda _, n: self._change(self._order(n), OrderStatus.CANCELLED),
            "delete": lambda _, n: self._change(self._order(n), is_deletion=True),
            "rename": lambda who, _: self._write(who, customer()),
            "restock": lambda who, _: self._write(who, product()),
            "lose": lambda _, n: self._lose(self._order(n)),
            "read": lambda who, n: self._read(who, self._order(n)),
            "read live": lambda who, n: self._read(who, self._order(n), mode=Live()),
            "list": lambda who, _: self._list(who, None),
            "list placed": lambda who, _: self._list(who, OrderStatus.PLACED),
        }
        acts[verb](session, number)

    def _place(self, session: str, _: int = 0) -> None:
        self.order_count += 1
        self.tale.write(session, order(self.order_count))

    def _order(self, number: int) -> Key:
        if not self.order_count:
            self._place("somebody")
        return order(1 + number % self.order_count)

    def _newest(self, key: Key) -> Commit | None:
        kept = [c for c in self.tale.commits if c.key == key and not is_lost(c, inf)]
        return kept[-1] if kept else None

    def _write(self, session: str, key: Key) -> None:
        if (newest := self._newest(key)) is not None and newest.state is not None:
            self.tale.write(session, key, version=self._next(key), status=_status(newest))

    def _change(
        self,
        key: Key,
        status: OrderStatus = OrderStatus.PLACED,
        *,
        is_deletion: bool = False,
    ) -> None:
        newest = self._newest(key)
        if newest is not None and newest.state is not None:
            version = self._next(key)
            self.tale.commit(key, version=version, status=status, is_deletion=is_deletion)

    def _next(self, key: Key) -> Version:
        """The next version; in a new epoch if the service has lost the last one."""
        of_key = [commit for commit in self.tale.commits if commit.key == key]
        is_restored = any(is_lost(commit, inf) for commit in of_key)
        newest = self._newest(key)
        number = 1 if newest is None else newest.at.number + 1
        return Version(max(c.at.epoch for c in of_key) + 1 if is_restored else 0, number)

    def _lose(self, key: Key) -> None:
        if (newest := self._newest(key)) is not None:
            self.tale.lose(newest)

    def _read(self, session: str, key: Key, mode: Mode = PLAIN) -> None:
        reason = Reason.LIVE_REQUESTED if isinstance(mode, Live) else Reason.DEFAULT
        shown = [self._shown(key, "order", reason)]
        if not shown[0].is_absent:
            shown.append(self._shown(customer(), "order.customer", reason))
            shown.append(self._shown(product(), "order.items.product", reason))
        self._answer(session, shown, mode=mode)

    def _shown(self, key: Key, path: str, reason: Reason) -> Shown:
        newest = self._newest(key)
        if newest is None or newest.state is None:
            return replace(seen(key, None, reason=reason), path=path)
        shown = seen(key, newest.at.number, reason=reason)
        return replace(shown, path=path, version=newest.at, state=newest.state)

    def _list(self, session: str, status: OrderStatus | None) -> None:
        """All pages of the list, one after the other, at one moment."""
        ids = sorted(self._listed(status), key=position_of, reverse=True)
        before: Operation | None = None
        for start in range(0, max(len(ids), 1), PAGE_SIZE):
            on_it = ids[start : start + PAGE_SIZE]
            listed = replace(
                page(*on_it, has_more=start + PAGE_SIZE < len(ids)),
                status=status,
                first=PAGE_SIZE,
                after=position_of(ids[start - 1]) if start else None,
                follows=None if before is None else before.number,
            )
            nodes = [self._shown(key, "orders.edges.node", Reason.DEFAULT) for key in on_it]
            before = self._answer(session, nodes, (listed,))

    def _listed(self, status: OrderStatus | None) -> Iterator[Key]:
        for number in range(1, self.order_count + 1):
            newest = self._newest(order(number))
            if newest and newest.listing and status in (None, newest.listing.status):
                yield newest.key

    def _answer(
        self,
        session: str,
        shown: list[Shown],
        pages: tuple[Listed, ...] = (),
        mode: Mode = PLAIN,
    ) -> Operation:
        """The answer, which says so if an owner has lost what was demanded."""
        last = self.tale.last.get(session)
        sent = last.answer.got.entries if last and last.answer else {}
        touched = {part.key for part in shown}
        touched |= {key for key in sent if pages and key.type is AggregateType.ORDER}
        missing = {
            key: at
            for key, at in sent.items()
            if key in touched and ((newest := self._newest(key)) is None or newest.at < at)
        }
        answer = Answer(shown=tuple(shown), pages=pages, missing=missing, is_satisfied=not missing)
        return self.tale.operate(session, answer, mode=mode)


def _status(commit: Commit) -> OrderStatus:
    return OrderStatus.PLACED if commit.listing is None else commit.listing.status
