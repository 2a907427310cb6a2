"""Pages of other origins: which may read our answers (CORS), and which may not even ask (CSRF).

A browser sends some requests for any page, cookies included, before it asks whether it may: those
that a link, a form or an image could have made. None of them can carry a header of its own or the
content type of JSON, so every POST that we read has been asked about before. What is left is GET: a
foreign page's is refused, unless its origin is listed or a header shows that it was asked about.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Final

from gateway.errors import ErrorCode, RequestRefused

RawHeaders = Sequence[tuple[bytes, bytes]]
HeaderValues = Mapping[bytes, list[bytes]]

ANY: Final = "*"

EXPOSED: Final = (
    *("X-Consistency-Token", "X-Request-Id", "Retry-After", "ETag", "Content-Encoding"),
    *("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining"),
    *("RateLimit-Reset", "WWW-Authenticate", "traceparent"),
)
"""Headers of an answer that a page of another origin may read."""

ALLOWED: Final = (
    *("Accept", "Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"),
    *("X-Consistency-Token", "X-Deadline-Ms", "X-Request-Id", "traceparent", "tracestate"),
    *("Apollo-Require-Preflight", "GraphQL-Preflight", "GraphQL-Require-Preflight"),
    *("X-Requested-With", "X-Apollo-Operation-Name", "ApolloGraphQL-Client-Name"),
    *("ApolloGraphQL-Client-Version", "X-GraphQL-Client-Name", "X-GraphQL-Client-Version"),
)
"""Headers that it may send."""

PREFLIGHT_PROOFS: Final = (
    *(b"apollo-require-preflight", b"graphql-preflight", b"graphql-require-preflight"),
    *(b"x-requested-with", b"x-apollo-operation-name"),
)
"""No browser lets a page send one of these to another origin without asking first."""

MAX_AGE_S: Final = 7_200
"""Seconds for which a browser need not ask again; Chromium takes no more."""

_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, OPTIONS"),
    (b"access-control-allow-headers", ", ".join(ALLOWED).encode()),
    (b"access-control-max-age", b"%d" % MAX_AGE_S),
)


class Origins:
    """Those that may read our answers: none, some exact ones with credentials, or any without."""

    def __init__(self, listed: Iterable[str] = ()) -> None:
        origins = frozenset(listed)
        exposed = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())
        self.is_on = bool(origins)
        self._any: RawHeaders | None = None
        if ANY in origins:
            self._any = ((b"access-control-allow-origin", b"*"), exposed)
        with_credentials = (b"access-control-allow-credentials", b"true")
        self._shown: dict[bytes, RawHeaders] = {
            origin.encode(): (
                (b"access-control-allow-origin", origin.encode()),
                with_credentials,
                exposed,
            )
            for origin in origins - {ANY}
        }

    def allows(self, origin: bytes) -> bool:
        """May pages of this origin read our answers?"""
        return self._any is not None or origin in self._shown

    def shown_to(self, values: HeaderValues) -> RawHeaders:
        """What an answer to a request with these headers says of it; nothing to all others."""
        origin = values.get(b"origin")
        if origin is None or not self.is_on:
            return ()
        return self._any or self._shown.get(origin[0], ())

    def preflight(self, values: HeaderValues) -> RawHeaders:
        """The answer to a browser that asks first. Raises `RequestRefused` for a foreign page."""
        origin = values.get(b"origin")
        if origin is None or b"access-control-request-method" not in values:
            return ()
        if not self.allows(origin[0]):
            raise _foreign()
        return (*self.shown_to(values), *_PREFLIGHT)

    def require_own(self, values: HeaderValues) -> None:
        """Raises `RequestRefused` for a GET that a foreign page's link or image may have made."""
        if self.is_foreign(values):
            raise _foreign()

    def is_foreign(self, values: HeaderValues) -> bool:
        """May a page that is not ours, nor listed, have made a browser send this?"""
        origin, site = values.get(b"origin"), values.get(b"sec-fetch-site")
        if origin is None and site is None:
            return False
        if any(proof in values for proof in PREFLIGHT_PROOFS):
            return False
        if origin is not None:
            return not (self.allows(origin[0]) or _is_of(origin[0], values.get(b"host")))
        return site is not None and site[0] == b"cross-site"


def _is_of(origin: bytes, host: list[bytes] | None) -> bool:
    """Is this the origin of our own pages? What is in front of us may have ended their TLS."""
    return host is not None and origin.partition(b"://")[2].lower() == host[0].lower()


def _foreign() -> RequestRefused:
    return RequestRefused(
        HTTPStatus.FORBIDDEN,
        ErrorCode.CROSS_SITE_REFUSED,
        "a page of another site made this request: send it by POST, or with a header such as "
        "GraphQL-Preflight, from an origin that is listed here",
    )
