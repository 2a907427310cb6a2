"""Days in the house as Hypothesis makes them up: any order of what people and machines may do.

What a rule needs is drawn from few small values, so a schedule that breaks a law shrinks to the
lines that matter. Rules can be left out by their names.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import ClassVar

from tests.laws.proof.world.acts import act
from tests.laws.proof.world.asking import Ask, Mode, read_page
from tests.laws.proof.world.deeds import SHOWS, Deed, Look, do, look_at
from tests.laws.proof.world.house_rules import GATEWAY, NTH, HouseRules
from tests.laws.proof.world.run import SESSION_COUNT, Run
from tests.laws.proof.world.sessions import Carry

WHO = (0, 0, *range(SESSION_COUNT))
LOOK = tuple(Look)
DEED = tuple(Deed)
MODE = (Mode.DEFAULT, Mode.DEFAULT, Mode.DEFAULT, Mode.DEFAULT, *Mode)
HONEST = (Carry.LAST, Carry.LAST, Carry.ALL, Carry.ALL_REVERSED, Carry.ARGUMENT)
DISHONEST = (Carry.TAMPERED, Carry.FOREIGN, Carry.GARBAGE)


def has_next_page(schedule: "Schedule") -> bool:
    """Is there a list that goes on?"""
    return any(session.next_page for session in schedule.run.sessions)


class Schedule(HouseRules):
    """One schedule. ``judge`` is given every run when it is over, and raises what it finds."""

    judge: ClassVar[Callable[[Run], None]] = staticmethod(lambda _: None)
    ignores_tokens: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self.run = Run(ignores_tokens=self.ignores_tokens)

    def teardown(self) -> None:
        self.run.end()
        type(self).judge(self.run)

    @act(4, who=WHO, through=GATEWAY, what=LOOK, nth=NTH, mode=MODE, carry=HONEST)
    def look(self, who: int, through: int, what: Look, nth: int, mode: Mode, carry: Carry) -> None:
        self._look(who, through, what, nth, mode, carry)

    @act(4, who=WHO, what=LOOK, nth=NTH, mode=MODE, next_mode=MODE)
    def look_at_both(self, who: int, what: Look, nth: int, mode: Mode, next_mode: Mode) -> None:
        self._look(who, 0, what, nth, mode)
        self._look(who, 1, what, nth, next_mode)

    @act(2, who=WHO, what=LOOK, nth=NTH, next_what=LOOK, next_nth=NTH, through=GATEWAY)
    def look_further(
        self, who: int, what: Look, nth: int, next_what: Look, next_nth: int, through: int
    ) -> None:
        self._look(who, through, what, nth)
        self._look(who, through, next_what, next_nth)

    @act(2, when=has_next_page, who=WHO, through=GATEWAY, first=(20, 1, 2), mode=MODE)
    def turn_page(self, who: int, through: int, first: int, mode: Mode) -> None:
        if page := self.run.sessions[who].next_page:
            self._ask(who, through, read_page(replace(page, first=first), mode))

    @act(4, who=WHO, through=GATEWAY, what=DEED, nth=NTH, carry=HONEST)
    def do(self, who: int, through: int, what: Deed, nth: int, carry: Carry) -> None:
        self._do(who, through, what, nth, carry)

    @act(6, who=WHO, through=GATEWAY, what=DEED, nth=NTH, next_what=LOOK, next_nth=NTH, mode=MODE)
    def do_and_look(
        self,
        who: int,
        through: int,
        what: Deed,
        nth: int,
        next_what: Look,
        next_nth: int,
        mode: Mode,
    ) -> None:
        self._do(who, through, what, nth)
        self._look(who, 1 - through, next_what, next_nth, mode)

    @act(6, who=WHO, through=GATEWAY, what=DEED, nth=NTH)
    def do_it_and_look(self, who: int, through: int, what: Deed, nth: int) -> None:
        self._do(who, through, what, nth)
        self._look(who, through, SHOWS[what], nth)

    @act(1, who=WHO, through=GATEWAY, nth=NTH, carry=DISHONEST)
    def lie(self, who: int, through: int, nth: int, carry: Carry) -> None:
        self._look(who, through, Look.ORDER, nth, carry=carry)

    def _look(
        self,
        who: int,
        through: int,
        what: Look,
        nth: int,
        mode: Mode = Mode.DEFAULT,
        carry: Carry = Carry.LAST,
    ) -> None:
        self._ask(who, through, look_at(what, nth, self.run.orders(), mode), carry)

    def _do(self, who: int, through: int, what: Deed, nth: int, carry: Carry = Carry.LAST) -> None:
        key = f"key {self.run.exchanges.asked_count}"
        self._ask(who, through, do(what, nth, self.run.orders(), key), carry)

    def _ask(self, who: int, through: int, ask: Ask, carry: Carry = Carry.LAST) -> None:
        self.run.ask(self.run.sessions[who], through, ask, carry)


def schedules(*, without: Collection[str] = ()) -> type[Schedule]:
    """Schedules that follow from the rules but for these."""
    return type("Schedule", (Schedule,), dict.fromkeys(without))
