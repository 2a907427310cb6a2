"""What can go wrong in a field, besides the upstream errors (`resolvers.upstream.errors`).

ResolverError
├── BadInput            an argument has a value that can never be right; names the argument
├── InvalidToken        a consistency token that this gateway did not make for this caller
├── Forbidden           it names somebody else; nothing was read and nothing written
├── ConsistencyTimeout  the demanded world was not reached in time and the caller chose ERROR
└── OutcomeUnknown      a write may have been done although no answer says so
"""

from collections.abc import Mapping

from projections.versions import AggregateKey, Version
from resolvers.upstream.errors import UpstreamError


class ResolverError(Exception):
    """A failure with a text that is made for the client."""


class BadInput(ResolverError):
    """Mend ``field`` and ask again; asking the same once more will not help."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


class InvalidToken(ResolverError):
    """Refused before any wait or call. Drop the token, or send it with the session that got it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: not a consistency token of this gateway and caller ({reason})")
        self.field = field
        self.reason = reason


class Forbidden(ResolverError):
    """Asking again will not help; asking as somebody else may."""

    def __init__(self) -> None:
        super().__init__("this is not for you to ask")


class ConsistencyTimeout(ResolverError):
    """The read model is older than demanded. Ask again later, or let the gateway answer LIVE."""

    def __init__(self, missing: Mapping[AggregateKey, Version], lag_s: float | None) -> None:
        super().__init__("the read model has not reached what was demanded")
        self.missing = missing
        self.lag_s = lag_s


class OutcomeUnknown(ResolverError):
    """Read the aggregate live before repeating the write, or repeat it with ``idempotency_key``.

    The key is the one the write was sent with, the client's own or ours; None if it had none.
    """

    def __init__(self, cause: UpstreamError, idempotency_key: str | None) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.idempotency_key = idempotency_key
