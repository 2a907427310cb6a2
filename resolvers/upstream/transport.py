"""The port to the wire: one request in, one whole answer out.

A transport has no memory, no patience and no opinion: it neither retries nor limits time, and a
500 is an answer like any other. Whoever uses one puts a time limit around it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol, Self


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a service; `path` starts with a slash and is already percent-encoded."""

    method: Literal["GET", "POST", "PATCH"]
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def is_mutation(self) -> bool:
        """Whether the service may be different afterwards."""
        return self.method != "GET"

    def with_headers(self, headers: Mapping[str, str]) -> Self:
        return replace(self, headers={**self.headers, **headers})


@dataclass(frozen=True, slots=True)
class Response:
    """What a service answered: header names in lower case, the body complete."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
