"""What an operation costs: estimated from its page sizes before it runs, reckoned from its answer.

One cost is the work of one plain field of an answer. Both figures are of one formula: what is
selected once costs once, and what is selected below a list costs once for each of its elements. The
estimate takes the size that the caller asks for, or the one that the schema assumes
(``@listSize``); the actual cost takes the sizes that the lists of the answer have. So the actual
cost is no more than the estimate while no list is longer than the schema assumes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

Path = tuple[str, ...]


class Cost(Struct, frozen=True):
    """What an operation was taken to cost, and what it has cost."""

    estimated: int
    actual: int


@dataclass(frozen=True, slots=True)
class Size:
    """How many elements a list may have: ``variable``'s value within 1 and ``assumed``, or that.

    ``default``: what the operation says that the variable is where it is not given.
    """

    assumed: int
    variable: str | None = None
    default: object = None

    def of(self, variables: Mapping[str, object]) -> int:
        """The size with these variables; what is no number is refused later, and reckoned full."""
        if self.variable is None:
            return self.assumed
        value = variables.get(self.variable, self.default)
        return within(value, self.assumed) if type(value) is int else self.assumed


def within(value: int, assumed: int) -> int:
    """A size as it can be at all: any other is refused later."""
    return max(1, min(value, assumed))


@dataclass(frozen=True, slots=True)
class Bill:
    """The price of a selection: ``fixed``, and for each of ``lists`` so much an element."""

    fixed: int
    lists: "tuple[Listed, ...]" = ()

    @property
    def is_fixed(self) -> bool:
        """Is the estimate the same whatever the variables are?"""
        return all(one.size.variable is None and one.each.is_fixed for one in self.lists)

    def estimate(self, variables: Mapping[str, object]) -> int:
        """What an answer may cost."""
        return self.fixed + sum(
            one.size.of(variables) * one.each.estimate(variables) for one in self.lists
        )

    def actual(self, data: object) -> int:
        """What this answer has cost. Looks at its lists, and at nothing else of it."""
        cost = self.fixed
        for one in self.lists:
            found = _at(data, one.path)
            if type(found) is not list:
                continue
            if one.each.lists:
                cost += sum(map(one.each.actual, found))
            else:
                cost += len(found) * one.each.fixed
        return cost


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of the answer: where it is, how long it may be, and what each element costs."""

    path: Path
    size: Size
    each: Bill


FREE: Final = Bill(0)


def _at(data: object, path: Path) -> object:
    for key in path:
        if type(data) is not dict:
            return None
        data = data.get(key)
    return data
