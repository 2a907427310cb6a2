"""Makes plans, and no faster than leaves time for answers: who finds none is answered without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import strawberry
from graphql import DocumentNode, OperationDefinitionNode

from gateway.execution.collecting import Unplannable
from gateway.execution.plan import Plan

PLANS_PER_S: Final = 50.0
"""Plans made in a second, at most, and at once after a rest: a twentieth of a processor."""


@dataclass(slots=True)
class PlanCounts:
    """What became of the operations that had no plan yet.

    One was made; there can be none; or there was no time to make one.
    """

    made: int = 0
    impossible: int = 0
    put_off: int = 0


@dataclass(slots=True)
class PlanMaker:
    """Makes the plans of one schema. ``now_s`` is a monotonic clock."""

    schema: strawberry.Schema
    now_s: Callable[[], float]
    counts: PlanCounts = field(default_factory=PlanCounts)
    _left: float = PLANS_PER_S
    _looked_at_s: float = 0.0

    def make(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, bool],
        *,
        is_paced: bool = True,
    ) -> Plan | None:
        """A plan; None where there can be none. Raises `PutOff` if it is too soon for another.

        Not ``is_paced`` where nobody waits for answers yet.
        """
        if is_paced:
            self._take()
        try:
            plan = Plan.compile(self.schema, document, operation, conditions)
        except Unplannable:
            self.counts.impossible += 1
            return None
        self.counts.made += 1
        return plan

    def _take(self) -> None:
        now_s = self.now_s()
        self._left = min(PLANS_PER_S, self._left + (now_s - self._looked_at_s) * PLANS_PER_S)
        self._looked_at_s = now_s
        if self._left < 1:
            self.counts.put_off += 1
            raise PutOff
        self._left -= 1


class PutOff(Exception):
    """Answer without a plan; ask for one again next time."""
