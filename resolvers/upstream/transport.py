"""The port to the wire: one request in, one whole answer out.

A transport has no memory, no patience and no opinion: it neither retries nor limits time, and a
500 is an answer like any other. Whoever uses one puts a time limit around it.
"""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Final, Literal, NamedTuple, Protocol, Self

from msgspec import Struct, field

from resolvers.upstream.errors import UpstreamError

IDEMPOTENCY_KEY_HEADER = "Idempotency-Key"
NOT_FOUND: Final = HTTPStatus.NOT_FOUND
"""By itself, because in Python 3.11 to look it up in its class is a call, and every answer is."""

TOLD_LIMIT = 100
"""Characters in which a call is told of; a batch of a hundred ids has 6,500."""


FIXED_HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    # A compressed body is small on the wire and large in memory: the bound must count the latter.
    "Accept-Encoding": "identity",
    "User-Agent": "bff-gateway",
}
"""What every request carries, whoever sends it."""


class CallKind(StrEnum):
    """What is done at a service. A list may hang where a read does not: each kind is by itself."""

    READ = "read"
    READ_MANY = "readMany"
    LIST = "list"
    CREATE = "create"
    CHANGE = "change"


def cut_short(text: str) -> str:
    """At most `TOLD_LIMIT` characters of ``text``."""
    return text if len(text) <= TOLD_LIMIT else text[: TOLD_LIMIT - 1] + "…"


class Request(Struct, frozen=True):
    """What is asked of a service; `path` starts with a slash and is already percent-encoded."""

    method: Literal["GET", "POST", "PATCH"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    kind: CallKind = CallKind.READ

    @property
    def told(self) -> str:
        """The call in a few words, for a person: ``readMany /products?ids=p-1,p-2``."""
        params = "&".join(f"{name}={value}" for name, value in self.params.items())
        return cut_short(f"{self.kind} {self.path}{'?' if params else ''}{params}")

    @property
    def is_mutation(self) -> bool:
        """Whether the service may be different afterwards."""
        return self.method != "GET"

    @property
    def may_be_repeated(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return not self.is_mutation or IDEMPOTENCY_KEY_HEADER in self.headers

    @property
    def sent_headers(self) -> Mapping[str, str]:
        """The headers of this request; a body is declared as JSON."""
        if self.body is None:
            return self.headers
        return {**self.headers, "Content-Type": "application/json"}

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        # Spelled out: `replace` looks at every field by its name, at each attempt.
        return type(self)(
            self.method, self.path, self.params, {**self.headers, **headers}, self.body, self.kind
        )


class Response(Struct, frozen=True):
    """What a service answered: header names in lower case, the body complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Failure(NamedTuple):
    """What a broken exchange means to us."""

    error: type[UpstreamError]
    may_be_received: bool

    def told(self, service: str, request: Request) -> UpstreamError:
        """The error of this failure at ``service``."""
        is_outcome_unknown = request.is_mutation and self.may_be_received
        return self.error(service, is_outcome_unknown=is_outcome_unknown)


def failure_of(cause: Exception, failures: Mapping[type[Exception], Failure]) -> Failure:
    """What ``cause`` means by this table; the most specific class wins."""
    return next(failures[of] for of in type(cause).__mro__ if of in failures)


class Transport(Protocol):
    """Sends one request over the wire."""

    async def send(self, request: Request) -> Response:
        """Return the answer, whatever its status.

        Raises UpstreamUnavailable, UpstreamTimeout or InvalidAnswer (body too large), each telling
        whether the request may have been received. Waits without limit; cancelling it leaves no
        connection half used.
        """
        ...

    async def aclose(self) -> None:
        """Close every connection; idempotent."""
        ...
