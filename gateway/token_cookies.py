"""The consistency token as cookies: a browser reads its own writes with no code of its own.

The rule: no answer wipes out a write it does not know of. The answers of one browser arrive in any
order, and a cookie replaces the one of its name whatever either says. So what may write is answered
with a cookie of a name that no other token has, and removes those that came with its request, which
its token covers; a client's jar does the same (docs/clients.md). Queries share one name, or a page
that asks twenty at once would carry twenty cookies. The last of them to arrive stays, and what only
another of them saw may be forgotten: never a write.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from gateway.request import TOKEN_COOKIE, RequestHeaders, TokenCookie
from projections.token_codec import Expired, Invalid, Opened, TokenCodec, UnknownKey
from resolvers.tokens import MAX_TOKENS

SUFFIX_CHARACTERS: Final = 8
"""48 bits of a token's MAC: enough to tell the tokens of one browser apart."""


class ReceivedCookies(Struct, frozen=True):
    """The consistency cookies of one request, sorted.

    ``honoured`` demand something. ``expired`` did once. ``refused`` are not ours, or not this
    caller's, and their sender may not know of them.
    """

    honoured: Sequence[TokenCookie]
    expired: Sequence[TokenCookie]
    refused: Sequence[TokenCookie]

    @property
    def tokens(self) -> list[str]:
        """What the request brings by cookies, the expired for the answer to count."""
        return [cookie.text for cookie in (*self.honoured, *self.expired)]


@dataclass(frozen=True, slots=True)
class CookieDesk:
    """Takes cookies from browsers and hands them out. ``wall_clock`` tells Unix seconds."""

    codec: TokenCodec
    wall_clock: Callable[[], float]

    def receive(
        self, cookies: Sequence[TokenCookie], subject: str, *, beside_count: int
    ) -> ReceivedCookies:
        """Each cookie by what its token is worth to ``subject``. Costs no I/O.

        Of more than a request may bring, ``beside_count`` others included, the first are passed
        over: too many cookies must not make a request fail, and browsers send the oldest first (RFC
        6265, 5.4).
        """
        now_minute = int(self.wall_clock() // 60)
        room = max(0, MAX_TOKENS - beside_count)
        honoured: list[TokenCookie] = []
        expired: list[TokenCookie] = []
        refused: list[TokenCookie] = []
        for cookie in cookies[max(0, len(cookies) - room) :]:
            match self.codec.open_token(cookie.text, subject, now_minute):
                case Opened():
                    honoured.append(cookie)
                case Expired() | UnknownKey():
                    expired.append(cookie)
                case Invalid():
                    refused.append(cookie)
        return ReceivedCookies(honoured, expired, refused)

    def hand_out(
        self, received: ReceivedCookies, token: str | None, *, may_write: bool, is_secure: bool
    ) -> list[str]:
        """The `Set-Cookie` headers of an answer: what to keep, what to remove.

        ``token`` covers what was honoured. Without one, whatever is good stays as it is.
        """
        kept = {cookie.name: cookie.text for cookie in received.honoured}
        gone = {cookie.name for cookie in (*received.expired, *received.refused)} - kept.keys()
        given: dict[str, str] = {}
        if token is not None:
            given = {_own_name(token) if may_write else TOKEN_COOKIE: token}
            if may_write:
                gone |= kept.keys() - {TOKEN_COOKIE}
        gone -= given.keys()
        lifetime_s = 60 * self.codec.lifetime_minutes
        # What the browser has already is not given again: another answer may have renewed it.
        setting = [
            _set_cookie(name, text, lifetime_s, is_secure=is_secure)
            for name, text in given.items()
            if kept.get(name) != text
        ]
        return [*setting, *(_set_cookie(name, "", 0, is_secure=is_secure) for name in sorted(gone))]


def is_https(scope: Mapping[str, object], headers: RequestHeaders) -> bool:
    """Did the browser come by https?

    Anybody may say so: all that it does is to mark her own cookies as `Secure`.
    """
    first_proxy, *_ = (headers.first("x-forwarded-proto") or "").split(",")
    return scope["scheme"] == "https" or first_proxy.strip().lower() == "https"


def _own_name(token: str) -> str:
    return f"{TOKEN_COOKIE}.{token[-SUFFIX_CHARACTERS:]}"


def _set_cookie(name: str, text: str, max_age_s: int, *, is_secure: bool) -> str:
    # For the whole host: a proxy may show browsers another path than ours.
    secure = "; Secure" if is_secure else ""
    return f"{name}={text}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}"
