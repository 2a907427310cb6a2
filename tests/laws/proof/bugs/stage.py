"""The stage of a story: a house, its clients and its clocks, and one short word for each deed.

A story is a schedule that somebody has written down instead of Hypothesis. Sessions are numbered
from 1, gateways are A and B, and whatever is not told happens as it ought to.
"""

import random
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from projections.store import Announcement
from projections.versions import AggregateKey, AggregateType, Version
from tests.laws.proof.bugs.insistence import owners_are_pressed
from tests.laws.proof.bugs.novelty import news_are_new
from tests.laws.proof.bugs.promptness import nobody_waits_for_what_is_there
from tests.laws.proof.convergence import projection_converges
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import History
from tests.laws.proof.liveness import nobody_is_left_waiting
from tests.laws.proof.verdict import CHECKERS
from tests.laws.proof.violations import Violation
from tests.laws.proof.world.asking import (
    Ask,
    Json,
    Mode,
    Page,
    annotate,
    cancel,
    place,
    read_one,
    read_page,
    rename,
    restock,
    write,
)
from tests.laws.proof.world.gateways import GatewayAtHand
from tests.laws.proof.world.house import House
from tests.laws.proof.world.recording import recorded
from tests.laws.proof.world.run import Run
from tests.laws.proof.world.service import Service
from tests.laws.proof.world.sessions import Carry

ORDERS, CUSTOMERS, PRODUCTS = AggregateType.ORDER, AggregateType.CUSTOMER, AggregateType.PRODUCT
TYPE_OF_LETTER = {"o": ORDERS, "n": ORDERS, "c": CUSTOMERS, "p": PRODUCTS}
SEED = 4
"""Chance has a part in when those who wait are looked for; in a story always the same."""


class Stage:
    """One story while it is played. Leave its context to have everything arrive and be judged."""

    def __init__(self) -> None:
        self._chance_before = random.getstate()
        random.seed(SEED)
        self.run = Run(ignores_tokens=False)
        self._is_whole = False
        self._has_willing_owners = False
        self._news: list[Mapping[AggregateKey, Version]] = []
        self._hearing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hearing.close()
        try:
            if error_type is None:
                self.run.end()
            else:
                self.run.close()
        finally:
            random.setstate(self._chance_before)

    @property
    def house(self) -> House:
        return self.run.house

    @property
    def history(self) -> History:
        return recorded(self.house, self.run.exchanges.operations)

    def verdicts(self) -> dict[str, list[Violation]]:
        """What each judge has found, by its name; those who have found nothing are left out.

        Those who judge only where nothing goes wrong of some kind are asked only there.
        """
        evidence = Evidence(self.history)
        judges: dict[str, Iterable[Violation]] = {
            **{checker.__name__: checker(evidence) for checker in CHECKERS},
            "projection_converges": projection_converges(evidence, self.run.holdings),
            "nobody_is_left_waiting": nobody_is_left_waiting(self.run.waiter_count),
            "bad_tokens_are_refused": self.run.exchanges.mistakes,
        }
        if self._is_whole:
            judges["nobody_waits_for_what_is_there"] = nobody_waits_for_what_is_there(self.history)
            judges["news_are_new"] = news_are_new(self._news)
        if self._has_willing_owners:
            judges["owners_are_pressed"] = owners_are_pressed(evidence)
        verdicts = {name: list(found) for name, found in judges.items()}
        return {name: found for name, found in verdicts.items() if found}

    def loses_nothing(self) -> None:
        """No row or announcement gets lost, nor set aside: so waits are short, and news are new."""
        self._is_whole = True
        self._hearing.enter_context(self.house.store.listening(self._hear))

    def has_willing_owners(self) -> None:
        """Every owner can be reached, and tells a version that it has, if it is pressed for it."""
        self._has_willing_owners = True

    # What sessions do.

    def reads(
        self,
        who: int,
        what: str,
        at: str = "A",
        mode: Mode = Mode.DEFAULT,
        carry: Carry = Carry.LAST,
    ) -> None:
        self.asks(who, read_one(key_of(what), mode), at, carry)

    def lists(
        self,
        who: int,
        customer_id: str = "c-1",
        at: str = "A",
        mode: Mode = Mode.DEFAULT,
        status: str | None = None,
    ) -> None:
        self.asks(who, read_page(Page(customer_id, status), mode), at)

    def annotates(self, who: int, *order_ids: str, at: str = "A") -> None:
        changes = [annotate(order_id, "n") for order_id in order_ids]
        self.asks(who, write(f"annotates {' and '.join(order_ids)}", *changes), at)

    def cancels(self, who: int, order_id: str, at: str = "A") -> None:
        self.asks(who, write(f"cancels {order_id}", cancel(order_id)), at)

    def places(self, who: int, customer_id: str = "c-1", at: str = "A") -> None:
        key = f"key-{self.run.exchanges.asked_count}"
        ask = write(f"places an order for {customer_id}", place(customer_id, "p-1", key))
        self.asks(who, ask, at)

    def renames(self, who: int, customer_id: str = "c-1", at: str = "A") -> None:
        self.asks(who, write(f"renames {customer_id}", rename(customer_id, "Bob")), at)

    def restocks(self, who: int, product_id: str, at: str = "A") -> None:
        self.asks(who, write(f"restocks {product_id}", restock(product_id, 3)), at)

    def writes(self, who: int, told: str, *changes: tuple[str, Json], at: str = "A") -> None:
        self.asks(who, write(told, *changes), at)

    def asks(self, who: int, ask: Ask, at: str = "A", carry: Carry = Carry.LAST) -> None:
        self.run.ask(self.run.sessions[who - 1], "AB".index(at), ask, carry)

    # What the house does.

    def ships(self, of: AggregateType, count: int = 1) -> None:
        """The relay ships so many of the commits that wait, oldest first."""
        for _ in range(count):
            commit = self.service(of).topic.ship(0)
            assert commit is not None, self.run.story
            self.happens(f"the relay ships {commit.key.id}@{commit.at}")

    def ships_again(self, of: AggregateType, count: int) -> None:
        topic = self.service(of).topic
        self.happens(
            f"the last {count} {of.source} are shipped again", lambda: topic.ship_again(count)
        )

    def beats(self, of: AggregateType) -> None:
        self.happens(f"the relay of {of.source} sends heartbeats", self.service(of).topic.beat)

    def applies(self, of: AggregateType, limit: int = 100) -> None:
        """Every projector of the type applies one batch."""
        for projector in self.service(of).projectors:
            told = f"the projector of {projector.partition} applies at most {limit}"
            self.works(told, projector.step(limit))

    def brings(self, *types: AggregateType) -> None:
        """Everything of these types is shipped, applied and proven current."""
        for of in types:
            self.works(f"all {of.source} are shipped and applied", self.service(of).deliver_all())

    def passes(self, duration_s: float) -> None:
        self.works(f"{duration_s:g} s go by", self.house.pass_time(duration_s))

    def works(self, told: str, work: Coroutine[Any, Any, object]) -> None:
        """Something is done to its end, whatever time that takes."""
        self.run.happen(told, lambda: self.run.do(work))

    def begins(self, told: str, work: Coroutine[None, None, None]) -> None:
        """Something is begun, and goes on beside what follows."""
        self.run.do(self._begin(work))
        self.run.tell(told)

    def happens(self, told: str, deed: Callable[[], object] = lambda: None) -> None:
        self.run.happen(told, deed)

    def service(self, of: AggregateType) -> Service:
        return self.house.services[of]

    def gateway(self, name: str) -> GatewayAtHand:
        return self.house.gateways["AB".index(name)]

    async def _begin(self, work: Coroutine[None, None, None]) -> None:
        self.house.begin(work)
        await self.house.settle()

    def _hear(self, announcement: Announcement) -> None:
        if announcement is not None:
            self._news.append(announcement)


def key_of(row_id: str) -> AggregateKey:
    """The thing of this id: ids tell their type by their first letter."""
    return AggregateKey(TYPE_OF_LETTER[row_id[0]], row_id)
