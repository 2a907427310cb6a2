"""Which values a number may have, said beside it: checked at the start, and printed as it stands.

An options class declares ``window_s: Annotated[float, Between(1, 300)] = 10.0``, tells the reason
below it, and calls `require_ranges` when it is made: so a value outside its range is a ValueError
that names it when the process starts, and not when the first call needs it.
"""

from dataclasses import dataclass, fields
from typing import Any, get_type_hints

Bound = float | str
"""A number, or the name of another number of the same class."""


@dataclass(frozen=True, slots=True)
class Between:
    """From ``lowest`` to ``highest``, both included.

    >>> str(Between(0.1, 3_600)), str(Between(0, "fresh_s"))
    ('0.1 to 3600', '0 to fresh_s')
    """

    lowest: Bound
    highest: Bound

    def __str__(self) -> str:
        return f"{_told(self.lowest)} to {_told(self.highest)}"


def ranges_of(options: type) -> dict[str, Between]:
    """The range of each number that has one."""
    hints = get_type_hints(options, include_extras=True)
    return {
        name: mark
        for name, hint in hints.items()
        for mark in getattr(hint, "__metadata__", ())
        if isinstance(mark, Between)
    }


def require_ranges(options: Any) -> None:
    """Raise ValueError for the first number of this dataclass that is outside its range."""
    ranges = ranges_of(type(options))
    for name in (field.name for field in fields(options) if field.name in ranges):
        lowest, highest = (
            getattr(options, bound) if isinstance(bound, str) else bound
            for bound in (ranges[name].lowest, ranges[name].highest)
        )
        value = getattr(options, name)
        # Written so that NaN, which compares false with everything, is refused too.
        if not lowest <= value <= highest:
            raise ValueError(f"{name} must be between {lowest:g} and {highest:g}, not {value!r}")


def _told(bound: Bound) -> str:
    return bound if isinstance(bound, str) else f"{bound:.12g}"
