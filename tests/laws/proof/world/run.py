"""One schedule while it runs: the house, its clients, and the story of what happened."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import async_solipsism

from projections.versions import AggregateType
from tests.laws.proof.convergence import Holdings
from tests.laws.proof.verdict import as_if_carried, violations_of
from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.asking import Ask, Mode, Page, read_page
from tests.laws.proof.world.exchanges import Exchanges
from tests.laws.proof.world.house import CUSTOMERS, SEEDED_ORDERS, House
from tests.laws.proof.world.projectors import rebuild
from tests.laws.proof.world.recording import held, recorded
from tests.laws.proof.world.sessions import Carry, Session

T = TypeVar("T")

SESSION_COUNT = 3
NEAR_ROW_COUNT = 100
PATIENCE_S = 2.0
"""Longer than any operation may take."""


class Run:
    """One schedule. Every method that lets something happen tells it to the story."""

    def __init__(self, *, ignores_tokens: bool) -> None:
        self._runner = asyncio.Runner(loop_factory=async_solipsism.EventLoop)
        self.story: list[str] = []
        self.house = self.do(self._open())
        self.exchanges = Exchanges(self.house, ignores_tokens=ignores_tokens)
        self.sessions = [Session(str(n + 1)) for n in range(SESSION_COUNT)]
        self.fault_count = 0
        self.holdings = Holdings({})
        self.waiter_count = 0
        self._ignores_tokens = ignores_tokens
        self._ended_after = 0, 0
        self._began_at_s = self.house.wall_clock()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the house's clock to its end."""
        return self._runner.run(work)

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        at_s = self.house.wall_clock() - self._began_at_s
        self.story.append(f"{at_s:10.3f} s  {line}")

    def happen(self, line: str, work: Callable[[], object] = lambda: None) -> None:
        """Something happens to the house that no client asked for."""
        self.fault_count += 1
        self.do(self.house.step())
        self.tell(line)
        work()
        self.do(self.house.settle())

    def sleep(self, line: str, duration_s: float) -> None:
        """Let time go by once everybody has been answered, without living through it."""
        self.do(self._be_answered())
        self.happen(line, lambda: self.house.wall_clock.set_ahead(duration_s))

    def rebuild(self, of: AggregateType) -> None:
        """Rebuild what there is of a type, beside whatever follows."""
        self.do(self._rebuild(of))

    def ask(self, session: Session, nth: int, ask: Ask, carry: Carry) -> None:
        """A session asks through the nth gateway; what takes time goes on beside what follows."""
        self.do(self._ask(session, nth, ask, carry))

    def orders(self) -> list[str]:
        """Every order that ever was, by id."""
        placed = [c.key.id for c in self.house.services[AggregateType.ORDER].owner.commits]
        return list(dict.fromkeys([*SEEDED_ORDERS, *placed]))

    def end(self) -> None:
        """Let everything be well, look at everything once more, and close the house."""
        try:
            self.do(self._end())
        finally:
            self.close()

    def close(self) -> None:
        """Close the house, whatever state it is in."""
        self._runner.close()

    async def _open(self) -> House:
        house = House(near_row_count=NEAR_ROW_COUNT)
        await house.open()
        return house

    async def _rebuild(self, of: AggregateType) -> None:
        async def work() -> None:
            became = await rebuild(
                self.house.store, self.house.services[of].topic, self.house.rebuilding
            )
            self.tell(f"the rebuild of {of.source} has {became}")

        self.house.begin(work())

    async def _ask(self, session: Session, nth: int, ask: Ask, carry: Carry) -> None:
        if session.running is not None:
            await asyncio.wait([session.running])
        await self.house.step()
        work = self._exchange(session, nth, ask, carry)
        session.running = self.house.begin(work)
        await self.house.settle()
        if not session.running.done():
            self.tell(f"{self._asked(session, nth, ask, carry)} and waits")

    async def _exchange(self, session: Session, nth: int, ask: Ask, carry: Carry) -> None:
        gateway = self.house.gateways[nth]
        others = (other.last_token for other in self.sessions if other is not session)
        foreign = next((token for token in others if token is not None), None)
        told = await self.exchanges.run(session, gateway, ask, carry, foreign)
        self.tell(f"{self._asked(session, nth, ask, carry)} and {told}")

    def _asked(self, session: Session, nth: int, ask: Ask, carry: Carry) -> str:
        mode = "" if ask.mode is Mode.DEFAULT else f" {ask.mode.value}"
        carried = f" {carry.value}" if carry.value else ""
        through = self.house.gateways[nth].name
        return f"session {session.name} {ask.told}{mode} through {through}{carried}"

    async def _be_answered(self) -> None:
        for session in self.sessions:
            if session.running is not None:
                await asyncio.wait([session.running])

    async def _end(self) -> None:
        await self._be_answered()
        await self.house.pass_time(PATIENCE_S)
        await self.house.mend()
        self.tell("all is well again, and everything has arrived")
        self._ended_after = self.exchanges.asked_count, len(self.story)
        await self.house.step()
        for nth, session in enumerate(self.sessions):
            page = read_page(Page(CUSTOMERS[nth % 2]), Mode.EVENTUAL if nth else Mode.DEFAULT)
            await self._exchange(session, nth % 2, page, Carry.LAST)
        self.holdings = await held(self.house)
        self.waiter_count = sum(gateway.waiting_count for gateway in self.house.gateways)
        await self.house.close()

    def story_of(self, violations: Sequence[Violation]) -> str:
        """The story, and how it broke the laws; the last look only where it matters."""
        asked_count, line_count = self._ended_after
        is_told_to_the_end = any((v.number or asked_count + 1) > asked_count for v in violations)
        lines = self.story if is_told_to_the_end else self.story[: line_count - 1]
        return "\n".join([*lines, "", *map(str, violations)])

    def violations(self) -> list[Violation]:
        """Every law that was broken."""
        history = recorded(self.house, self.exchanges.operations)
        if self._ignores_tokens:
            history = as_if_carried(history)
        found = violations_of(history, holdings=self.holdings, waiter_count=self.waiter_count)
        if history.owners_may_lag:
            # What a copy that was behind has said heals the projection too, and nobody can know.
            found = [violation for violation in found if violation.law is not Law.FRESHNESS]
        return [*self.exchanges.mistakes, *found]
