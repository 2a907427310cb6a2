"""One short line for refused requests, however many there are.

The rule: no word of a client's is in it but the id of a request, so a line has a few hundred bytes
at most; and of each kind there is one a second at most, which counts those that had none. A flood
cannot fill the log, and whoever wants every number has `/metrics`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Self

from graphql import GraphQLError

from gateway.errors import ErrorCode, TooMuchAsked, translate

INTERVAL_S: Final = 1.0
"""Between two lines of one kind (s)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that was not run: its code, and of what there was too much, if anything was.

    ``untold_count``: those of the same kind before it that had no line.
    """

    code: ErrorCode
    request_id: str
    limit: str | None = None
    value: int | None = None
    allowed: int | None = None
    untold_count: int = 0

    @classmethod
    def of(cls, error: GraphQLError, request_id: str) -> Self:
        """For an error of a document, or of a whole operation."""
        match error.original_error:
            case TooMuchAsked(limit=limit, value=value, allowed=allowed):
                return cls(ErrorCode.QUERY_TOO_LARGE, request_id, limit, value, allowed)
            case _:
                return cls(translate(error, request_id).code, request_id)


@dataclass(slots=True)
class RefusalLog:
    """Passes on what is worth a line. ``now_s`` is a monotonic clock."""

    tell: Callable[[Refused], None]
    now_s: Callable[[], float]
    _next_at_s: dict[tuple[ErrorCode, str | None], float] = field(default_factory=dict)
    _untold: dict[tuple[ErrorCode, str | None], int] = field(default_factory=dict)

    def note(self, refused: Refused) -> None:
        """One was refused."""
        if refused.code is ErrorCode.OVERLOADED:  # `shedding_began` tells of it
            return
        kind, now_s = (refused.code, refused.limit), self.now_s()
        if now_s < self._next_at_s.get(kind, 0.0):
            self._untold[kind] = self._untold.get(kind, 0) + 1
            return
        self._next_at_s[kind] = now_s + INTERVAL_S
        untold_count = self._untold.pop(kind, 0)
        self.tell(replace(refused, untold_count=untold_count))
