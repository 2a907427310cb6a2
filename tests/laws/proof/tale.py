"""Tells a history by hand, step by step: what a test does not say is as it ought to be.

Every step takes ten milliseconds. Each session carries the token of its last answer, and each
answer's token demands all that was sent and shown; a test changes the one thing it is about.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.versions import AggregateType, Version
from projections.views.orders import ListingPosition, OrderStatus
from resolvers.answer import Reason, Source
from resolvers.demand import Mode
from tests.laws.proof.history import (
    PLAIN,
    Answer,
    Commit,
    History,
    Key,
    Listed,
    Listing,
    Operation,
    Outcome,
    Shown,
    Write,
)
from tests.laws.proof.truth import OF_THE_PROJECTION

STARTS_AT_S: Final = 1_000.0
STEP_S: Final = 0.01
FIRST_DAY: Final = datetime(2025, 3, 1, tzinfo=UTC)


def order(number: int = 1) -> Key:
    """The order of this number; a greater one was placed later."""
    return Key(AggregateType.ORDER, f"o-{number}")


def customer(number: int = 1) -> Key:
    return Key(AggregateType.CUSTOMER, f"c-{number}")


def product(number: int = 1) -> Key:
    return Key(AggregateType.PRODUCT, f"p-{number}")


def at(number: int, epoch: int = 0) -> Version:
    return Version(epoch, number)


def position_of(key: Key) -> ListingPosition:
    """Where an order of a tale stands in its lists."""
    placed_at = FIRST_DAY + timedelta(minutes=int(key.id.removeprefix("o-")))
    return ListingPosition(placed_at, key.id)


def seen(key: Key, number: int | None, *, reason: Reason = Reason.DEFAULT) -> Shown:
    """The component at this version, absent without a number; its reason tells its source."""
    return Shown(
        path=key.type.value,
        key=key,
        version=None if number is None else at(number),
        source=source_of(reason),
        reason=reason,
        is_absent=number is None,
    )


def page(*orders: Key, reason: Reason = Reason.DEFAULT, has_more: bool = False) -> Listed:
    """The first page of all orders of c-1."""
    return Listed(
        path="orders",
        customer_id="c-1",
        order_ids=tuple(key.id for key in orders),
        has_more=has_more,
        source=source_of(reason),
        reason=reason,
    )


def source_of(reason: Reason) -> Source:
    """Where a component with this reason comes from."""
    return Source.PROJECTION if reason in OF_THE_PROJECTION else Source.LIVE


@dataclass(slots=True)
class Tale:
    """A history in the making."""

    commits: list[Commit] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    now_s: float = STARTS_AT_S
    last: dict[str, Operation] = field(default_factory=dict)

    def passes(self, seconds: float) -> None:
        """Nothing happens for so long."""
        self.now_s += seconds

    def commit(
        self,
        key: Key,
        *,
        version: Version | None = None,
        status: OrderStatus = OrderStatus.PLACED,
        is_deletion: bool = False,
    ) -> Commit:
        """An owner commits the next version; an order is one of c-1, over p-1."""
        self.now_s += STEP_S
        before = max((c.at for c in self.commits if c.key == key), default=at(0))
        version = version or before.successor
        is_order = key.type is AggregateType.ORDER
        made = Commit(
            key=key,
            at=version,
            committed_at_s=self.now_s,
            state=None if is_deletion else {"id": key.id, "note": f"as of {version}"},
            listing=_listing(key, status) if is_order and not is_deletion else None,
            refers_to=(customer(), product()) if is_order else (),
        )
        self.commits.append(made)
        return made

    def lose(self, commit: Commit) -> None:
        """The owner forgets the commit: it is restored from a backup."""
        self.now_s += STEP_S
        place = self.commits.index(commit)
        self.commits[place] = replace(commit, lost_at_s=self.now_s)

    def write(
        self,
        session: str,
        key: Key,
        *,
        version: Version | None = None,
        status: OrderStatus = OrderStatus.PLACED,
    ) -> Operation:
        """A session writes, the owner commits and confirms, and the answer shows it."""
        began_at_s = self.now_s
        made = self.commit(key, version=version, status=status)
        write = Write(key=key, outcome=Outcome.CONFIRMED, version=made.at)
        result = replace(seen(key, 1, reason=Reason.WRITE_RESULT), version=made.at)
        told = self.operate(session, Answer(shown=(result,)), writes=(write,))
        return self.amend(replace(told, invoked_at_s=began_at_s))

    def read(
        self,
        session: str,
        *parts: Shown | Listed,
        mode: Mode = PLAIN,
        carried: tuple[int, ...] | None = None,
    ) -> Operation:
        """A session reads and is shown these components and pages."""
        shown = tuple(part for part in parts if isinstance(part, Shown))
        pages = tuple(part for part in parts if isinstance(part, Listed))
        answer = Answer(shown=shown, pages=pages)
        return self.operate(session, answer, mode=mode, carried=carried)

    def operate(
        self,
        session: str,
        answer: Answer,
        *,
        mode: Mode = PLAIN,
        carried: tuple[int, ...] | None = None,
        sent: ConsistencyToken | None = None,
        writes: tuple[Write, ...] = (),
    ) -> Operation:
        """A session's next operation, at gateway a.

        Without ``carried`` it carries the session's last token; ``sent`` is what that demands.
        """
        if carried is None:
            carried = (self.last[session].number,) if session in self.last else ()
        if sent is None:
            sent = merge(EMPTY_TOKEN, *(self._got(number) for number in carried))
        invoked_at_s = self.now_s
        self.now_s += STEP_S
        made = Operation(
            number=len(self.operations),
            session=session,
            gateway="a",
            invoked_at_s=invoked_at_s,
            returned_at_s=self.now_s,
            mode=mode,
            carried=carried,
            sent=sent,
            writes=writes,
            answer=replace(answer, got=merge(sent, answer.got, token_of(answer.shown))),
        )
        self.operations.append(made)
        return self.amend(made)

    def amend(self, operation: Operation) -> Operation:
        """Tell an operation otherwise; its session goes on from there."""
        self.operations[operation.number] = operation
        self.last[operation.session] = operation
        return operation

    def history(self) -> History:
        """The tale as far as it is told."""
        return History(operations=tuple(self.operations), commits=tuple(self.commits))

    def _got(self, number: int) -> ConsistencyToken:
        answer = self.operations[number].answer
        return EMPTY_TOKEN if answer is None else answer.got


def _listing(key: Key, status: OrderStatus) -> Listing:
    return Listing(customer_id="c-1", status=status, position=position_of(key))


def token_of(shown: Iterable[Shown]) -> ConsistencyToken:
    """The token that demands all that was shown, entry by entry."""
    tokens = (
        ConsistencyToken({part.key: part.version}) for part in shown if part.version is not None
    )
    return merge(EMPTY_TOKEN, *tokens)
