"""Mistakes that answers at hand could make, each of which the law has to find."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final
from unittest.mock import patch

from msgspec.structs import replace

from gateway.execution.plan import Plan
from gateway.ready_answers import SealedFloors
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor
from projections.store import Cut
from projections.versions import AggregateType
from resolvers import at_hand
from resolvers.answer import Answer
from resolvers.demand import Demand
from resolvers.tokens import TokenDesk

Budgets = Mapping[AggregateType, float]

_still = MemoryStore.still
_suspects_of = MemoryStore._suspects_of
_seal = SealedFloors.seal
_identity = Plan.identity
_source_age_s = at_hand.source_age_s
_plain_answer = at_hand.plain_answer


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a few words; and how: ``instead`` stands where ``of`` should.

    ``also``: what else has to be wrong, lest nobody notice.
    """

    told: str
    of: str
    instead: Callable[..., object]
    also: Mapping[str, object] = field(default_factory=dict)

    @contextmanager
    def made(self) -> Iterator[None]:
        """It is made inside the block."""
        with ExitStack() as stack:
            for of, instead in {self.of: self.instead, **self.also}.items():
                stack.enter_context(patch(of, instead))
            yield


def _still_without_pages(store: MemoryStore, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    found = _still(store, replace(cut, pages={}), seen=seen)
    return None if found is None else replace(found, pages=cut.pages)


def _still_suspect(store: MemoryStore, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    found = _still(store, replace(cut, suspects=_suspects_of(store, cut.rows)), seen=seen)
    return None if found is None else replace(found, suspects=frozenset())


def _still_by_key(store: MemoryStore, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    rows = {key: store._rows.get(key) for key in cut.rows}
    return None if None in rows.values() else _still(store, replace(cut, rows=rows), seen=seen)


def _still_as_it_was(store: MemoryStore, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
    return None if _still(store, cut, seen=seen) is None else cut


def _of_any_age(cut: Cut, of: AggregateType, now_s: float, _: Budgets) -> float | None:
    return _source_age_s(cut, of, now_s, dict.fromkeys(AggregateType, float("inf")))


def _shown_in_doubt(demand: Demand, cut: Cut, now_s: float, budgets_s: Budgets) -> Answer | None:
    return _plain_answer(demand, replace(cut, suspects=frozenset()), now_s, budgets_s)


def _for_any_variables(plan: Plan, variables: Mapping[str, object]) -> Hashable | None:
    return None if _identity(plan, variables) is None else plan


def _by_equal_variables(plan: Plan, variables: Mapping[str, object]) -> Hashable | None:
    return (plan, *variables.items()) if plan._asking.is_of_rows_alone else None


def _with_cursors(plan: Plan, variables: Mapping[str, object]) -> Hashable | None:
    values = plan._variables.taken(variables)
    return None if values is None else (plan, *values.items())


def _sealed_for_who_came_first(
    floors: SealedFloors,
    cut: Cut,
    types: frozenset[AggregateType],
    tokens: TokenDesk,
    now_s: float,
) -> str | None:
    own = _seal(floors, cut, types, tokens, now_s)
    return next((text for (_, of), text in floors._texts.items() if of == types), own)


def _sealed_in_any_minute(
    floors: SealedFloors,
    cut: Cut,
    types: frozenset[AggregateType],
    tokens: TokenDesk,
    now_s: float,
) -> str | None:
    if floors._moment is not None:
        floors._moment = (*floors._moment[:2], int(now_s // 60))
    return _seal(floors, cut, types, tokens, now_s)


def _sealed_at_any_place(
    floors: SealedFloors,
    cut: Cut,
    types: frozenset[AggregateType],
    tokens: TokenDesk,
    now_s: float,
) -> str | None:
    if floors._moment is not None:
        floors._moment = (cut.positions, *floors._moment[1:])
    return _seal(floors, cut, types, tokens, now_s)


STORE: Final = "projections.memory_store.MemoryStore"
AT_HAND: Final = "gateway.answers_at_hand"
FLOORS: Final = "gateway.ready_answers.SealedFloors.seal"
IDENTITY: Final = "gateway.execution.plan.Plan.identity"

MISTAKES: Final = (
    Mistake("lists are not looked at again", f"{STORE}.still", _still_without_pages),
    Mistake("parked rows are given again", f"{STORE}.still", _still_suspect),
    Mistake("newer rows are not noticed", f"{STORE}.still", _still_by_key),
    Mistake("positions stay as they were", f"{STORE}.still", _still_as_it_was),
    Mistake("budgets are not obeyed", f"{AT_HAND}.source_age_s", _of_any_age),
    Mistake("floors and marks are ignored", f"{AT_HAND}.is_satisfied", lambda *_: True),
    Mistake("entries are ignored", f"{AT_HAND}.is_plain", lambda *_: True),
    Mistake("what else she had seen is dropped", f"{AT_HAND}._types_of", lambda _: frozenset()),
    Mistake("healed rows are as good as others", f"{AT_HAND}._healed_at_s", lambda _: {}),
    Mistake("whatever is asked for, one answer is kept", IDENTITY, _for_any_variables),
    Mistake("1 is true", IDENTITY, _by_equal_variables),
    Mistake("cursors are kept", IDENTITY, _with_cursors),
    Mistake("tokens are sealed for who came first", FLOORS, _sealed_for_who_came_first),
    Mistake("tokens are of another minute", FLOORS, _sealed_in_any_minute),
    Mistake("tokens are of another place", FLOORS, _sealed_at_any_place),
    Mistake("parked rows are shown", "resolvers.at_hand.plain_answer", _shown_in_doubt),
    Mistake(
        "no mode is obeyed",
        "resolvers.at_hand.is_usual",
        lambda _: True,
        also={"gateway.execution.plan.Plan.has_demands": property(lambda _: False)},
    ),
)
