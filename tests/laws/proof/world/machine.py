"""Days in the house as Hypothesis makes them up: any order of what people and machines may do.

What a rule needs is drawn from few small values, so a schedule that breaks a law shrinks to the
lines that matter. Rules can be left out by their names.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RULE_MARKER, rule

from tests.laws.proof.world.asking import Ask, Mode, read_page
from tests.laws.proof.world.deeds import SHOWS, Deed, Look, do, look_at
from tests.laws.proof.world.house_rules import GATEWAY, NTH, HouseRules
from tests.laws.proof.world.run import SESSION_COUNT, Run
from tests.laws.proof.world.sessions import Carry

WHO = st.sampled_from((0, 0, *range(SESSION_COUNT)))
LOOK = st.sampled_from(Look)
DEED = st.sampled_from(Deed)
MODE = st.sampled_from((Mode.DEFAULT, Mode.DEFAULT, Mode.DEFAULT, Mode.DEFAULT, *Mode))
HONEST = st.sampled_from((Carry.LAST, Carry.LAST, Carry.ALL, Carry.ARGUMENT))
DISHONEST = st.sampled_from((Carry.TAMPERED, Carry.FOREIGN, Carry.GARBAGE))


OFTEN = {"ship", "deliver", "ship_and_deliver", "deliver_all", "catch_up"}
"""What goes on in the house all the time."""


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

    @rule(who=WHO, through=GATEWAY, what=LOOK, nth=NTH, mode=MODE, carry=HONEST)
    def look(self, who: int, through: int, what: Look, nth: int, mode: Mode, carry: Carry) -> None:
        self._look(who, through, what, nth, mode, carry)

    @rule(who=WHO, what=LOOK, nth=NTH, mode=MODE, next_mode=MODE)
    def look_at_both(self, who: int, what: Look, nth: int, mode: Mode, next_mode: Mode) -> None:
        self._look(who, 0, what, nth, mode)
        self._look(who, 1, what, nth, next_mode)

    @rule(who=WHO, what=LOOK, nth=NTH, next_what=LOOK, next_nth=NTH, through=GATEWAY)
    def look_further(
        self, who: int, what: Look, nth: int, next_what: Look, next_nth: int, through: int
    ) -> None:
        self._look(who, through, what, nth)
        self._look(who, through, next_what, next_nth)

    @rule(who=WHO, through=GATEWAY, first=st.sampled_from((20, 1, 2)), mode=MODE)
    def turn_page(self, who: int, through: int, first: int, mode: Mode) -> None:
        page = self.run.sessions[who].next_page
        if page is not None:
            self._ask(who, through, read_page(replace(page, first=first), mode))

    @rule(who=WHO, through=GATEWAY, what=DEED, nth=NTH, carry=HONEST)
    def do(self, who: int, through: int, what: Deed, nth: int, carry: Carry) -> None:
        self._do(who, through, what, nth, carry)

    @rule(who=WHO, through=GATEWAY, what=DEED, nth=NTH, next_what=LOOK, next_nth=NTH, mode=MODE)
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

    @rule(who=WHO, through=GATEWAY, what=DEED, nth=NTH)
    def do_it_and_look(self, who: int, through: int, what: Deed, nth: int) -> None:
        self._do(who, through, what, nth)
        self._look(who, through, SHOWS[what], nth)

    @rule(who=WHO, through=GATEWAY, nth=NTH, carry=DISHONEST)
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
    """Schedules without these rules, in which clients act more often than things go wrong.

    Hypothesis draws every rule as often as every other, so those of the clients are there thrice.
    """
    often = {name for name, rule_ in vars(Schedule).items() if hasattr(rule_, RULE_MARKER)} | OFTEN
    copies = {
        f"{name}_{copy}": getattr(Schedule, name)
        for name in sorted(often.difference(without))
        for copy in ("too", "also")
    }
    return type("Schedule", (Schedule,), {**copies, **dict.fromkeys(without)})
