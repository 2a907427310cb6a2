"""Who asks: one header becomes a viewer, or the request is refused.

    known token      a look into a dictionary, under a microsecond
    new token        verified on the spot, then remembered until it expires
    unknown key      the long way: the issuer may have a new one
    bad token        401; remembered as well, so that a flood of one costs a look each
    no token         what `BFF_ANONYMOUS` says: refused, a visitor, or everybody alike

The rule: whoever shows a token is told by it or refused, never taken for somebody without one.
Nothing of a token is logged or told.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal

from gateway.errors import ErrorCode, RequestRefused
from gateway.identity.key_ring import Keys
from gateway.identity.keys import NO_KEYS, KeySet
from gateway.identity.remembered import Remembered
from gateway.identity.verifying import BAD, Bad, Expected, KeyUnknown, Verdict, Verified, verify
from gateway.request import RequestHeaders
from resolvers.viewer import ANYBODY, Role, Viewer

Anonymous = Literal["refused", "visitor", "everything"]

MAX_HEADER_BYTES: Final = 4096
"""Of ``Authorization``: what is longer is not looked at."""

KNOWN_BYTES: Final = 8_000_000
FAILED_BYTES: Final = 1_000_000
"""What remembered headers may take, of good tokens and of bad ones: some thousand of each."""

FAILED_S: Final = 60.0
"""Seconds for which a bad token is remembered as bad: it will not become good, but nothing is kept
for ever."""

VISITOR: Final = Viewer("visitor", Role.VISITOR)

CHALLENGE: Final = 'Bearer realm="bff"'
INVALID: Final = f'{CHALLENGE}, error="invalid_token"'


class Unauthenticated(RequestRefused):
    """Nobody knows who asks; how to say so goes along (RFC 6750)."""

    def __init__(self, *, is_token_bad: bool) -> None:
        message = "the bearer token is not accepted" if is_token_bad else "a bearer token is needed"
        challenge = INVALID if is_token_bad else CHALLENGE
        super().__init__(
            HTTPStatus.UNAUTHORIZED,
            ErrorCode.UNAUTHENTICATED,
            message,
            headers=((b"www-authenticate", challenge.encode()),),
        )


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token must say, and the keys that verify it."""

    keys: Keys
    expected: Expected


class IdentityDesk:
    """Says who asks. ``tokens`` is None where none can be verified.

    ``subject_header`` names the session of a caller without a token, as a trusted proxy tells it.
    """

    def __init__(
        self,
        anonymous: Anonymous,
        tokens: Tokens | None = None,
        *,
        subject_header: str | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._anonymous = anonymous
        self._tokens = tokens
        self._subject_header = None if subject_header is None else subject_header.lower()
        self._wall_clock = wall_clock
        self._is_token_read = tokens is not None or anonymous != "everything"
        self._keys = NO_KEYS
        self._known: Remembered[Verified] = Remembered(KNOWN_BYTES)
        self._failed: Remembered[float] = Remembered(FAILED_BYTES)

    def find(self, headers: RequestHeaders) -> Viewer | None:
        """Who asks; None if that takes more than a look. Raises `RequestRefused`. Never waits."""
        shown = headers.values.get(b"authorization")
        if shown is None or not self._is_token_read:
            return self._nameless(headers)
        if self._tokens is None or len(shown) != 1:
            raise Unauthenticated(is_token_bad=True)
        keys, header = self._tokens.keys.keys, shown[0]
        if keys is not self._keys:
            self._forget(keys)
        known = self._known.find(header)
        if known is not None and known.expires_at_s > self._wall_clock():
            return known.viewer
        return self._look(header, self._tokens)

    async def identify(self, headers: RequestHeaders) -> Viewer:
        """Who asks. Raises `RequestRefused`. Waits for new keys, for a moment, if that may help."""
        viewer = self.find(headers)
        if viewer is not None or self._tokens is None:
            return viewer or self._nameless(headers)
        await self._tokens.keys.learn()
        viewer = self.find(headers)
        if viewer is None:
            raise self._refusal()
        return viewer

    def expires_in_s(self, headers: RequestHeaders) -> float | None:
        """How long (s) it stays true who was found to ask; None if for ever."""
        shown = headers.values.get(b"authorization")
        known = self._known.find(shown[0]) if shown and self._tokens is not None else None
        return None if known is None else max(0.0, known.expires_at_s - self._wall_clock())

    def _nameless(self, headers: RequestHeaders) -> Viewer:
        """Who shows no token."""
        if self._anonymous == "refused":
            raise Unauthenticated(is_token_bad=False)
        # The last one, where it is repeated: a proxy that appends puts its own there.
        subject = headers.last(self._subject_header) if self._subject_header else None
        if self._anonymous == "visitor":
            return Viewer(f"visitor::{subject}", Role.VISITOR) if subject else VISITOR
        return Viewer(subject) if subject else ANYBODY

    def _look(self, header: bytes, tokens: Tokens) -> Viewer | None:
        """Who shows this token for the first time, or after it has expired."""
        now_s = self._wall_clock()
        if len(header) > MAX_HEADER_BYTES or (self._failed.find(header) or 0.0) > now_s:
            raise Unauthenticated(is_token_bad=True)
        match self._verdict(header, tokens, now_s):
            case Verified(viewer=viewer) as verified:
                self._known.keep(header, verified)
                return viewer
            case KeyUnknown() if tokens.keys.may_learn:
                return None
            case KeyUnknown():
                raise self._refusal()
            case Bad(may_become_good=may_become_good):
                self._known.forget(header)
                if not may_become_good:
                    self._failed.keep(header, now_s + FAILED_S)
                raise Unauthenticated(is_token_bad=True)

    def _verdict(self, header: bytes, tokens: Tokens, now_s: float) -> Verdict:
        scheme, _, token = header.partition(b" ")
        if scheme.lower() != b"bearer":
            return BAD
        return verify(token.strip(b" "), tokens.keys.keys, tokens.expected, now_s=now_s)

    def _refusal(self) -> RequestRefused:
        """Of a token whose key is not known; while none is known, it is not the token's fault."""
        if self._tokens is not None and self._tokens.keys.keys is NO_KEYS:
            message = "who asks cannot be told just now"
            code = ErrorCode.UPSTREAM_UNAVAILABLE
            return RequestRefused(HTTPStatus.SERVICE_UNAVAILABLE, code, message, retry_after_s=1.0)
        return Unauthenticated(is_token_bad=True)

    def _forget(self, keys: KeySet) -> None:
        """Other keys: what was verified by the old ones is verified anew."""
        self._keys = keys
        self._known.clear()
        self._failed.clear()
