"""The rounds of a flood: quiet, forged and cheap ones in turn, so that noise falls on all alike.

Readers go on at their pace through all of them; afterwards each read belongs to the round in which
it was due. Pure.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from benchmarks.spread import Spread, spread

SETTLE_SHARE: Final = 0.1
"""Of each round, at its beginning: what is due then belongs to none."""


class Kind(StrEnum):
    """What floods the gateway in a round."""

    QUIET = "nothing"
    FORGED = "forged tokens"
    CHEAP = "cheap requests"


ROUNDS: Final = tuple(itertools.chain.from_iterable(itertools.permutations(Kind)))
"""Every order of the three once: none of them always follows the same other."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When the first round begins (wall clock, s), how long each is (s), and the flood's rate."""

    first_at_s: float
    round_s: float
    rate: float

    @property
    def seconds(self) -> float:
        """How long all rounds take together."""
        return self.round_s * len(ROUNDS)

    def kind_at(self, since_first_s: float) -> Kind | None:
        """What floods then; None while a round begins, and before and after all of them."""
        number = math.floor(since_first_s / self.round_s)
        if not 0 <= number < len(ROUNDS):
            return None
        is_settled = since_first_s - number * self.round_s >= SETTLE_SHARE * self.round_s
        return ROUNDS[number] if is_settled else None


def used_by_kind(plan: Plan, used: Sequence[tuple[float, float]]) -> Mapping[Kind, float]:
    """What share of a core a process used, by what flooded meanwhile.

    ``used``: looks in order, each when (s, since the first round began) and what it had used (s).
    A step between two looks counts where both are in rounds of one kind.
    """
    took_s, used_s = dict.fromkeys(Kind, 0.0), dict.fromkeys(Kind, 0.0)
    for (begin_s, before_s), (end_s, after_s) in itertools.pairwise(used):
        kind = plan.kind_at(begin_s)
        if kind is not None and plan.kind_at(end_s) is kind:
            took_s[kind] += end_s - begin_s
            used_s[kind] += after_s - before_s
    return {kind: used_s[kind] / took_s[kind] for kind in Kind if took_s[kind]}


def by_kind(plan: Plan, reads: Iterable[tuple[float, float]]) -> Mapping[Kind, Spread]:
    """How long reads took (s) by what flooded meanwhile.

    Each is given by when it was due, since the first round began, and how long it took (s).
    """
    took_s: dict[Kind, list[float]] = {kind: [] for kind in Kind}
    for due_s, read_s in reads:
        if (kind := plan.kind_at(due_s)) is not None:
            took_s[kind].append(read_s)
    return {kind: spread(some) for kind, some in took_s.items()}


def block_ratios(plan: Plan, reads: Sequence[tuple[float, float]], kind: Kind) -> list[float]:
    """The 99th percentile under ``kind`` over that of quiet, in each three neighbouring rounds."""
    block_s = plan.round_s * len(Kind)
    ratios: list[float] = []
    for number in range(len(ROUNDS) // len(Kind)):
        block = [read for read in reads if number * block_s <= read[0] < (number + 1) * block_s]
        spreads = by_kind(plan, block)
        ratios.append(spreads[kind].p99 / spreads[Kind.QUIET].p99)
    return ratios
