"""Tokens as one caller brings and takes them: opened for her subject, joined, sealed again."""

from collections.abc import Callable

from msgspec import Struct, field

from projections.selection import root_of
from projections.store import Cut
from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.token_codec import Expired, Invalid, Opened, TokenCodec, UnknownKey
from projections.token_shrinking import fit, shrunk
from projections.token_size import fits
from resolvers.errors import BadInput, InvalidToken
from resolvers.read_model import ReadModel

MAX_TOKENS = 32
"""Tokens one source (an argument, the headers) may bring: a session needs one."""


class TokenDesk(Struct):
    """Opens and seals the tokens of one operation. ``expired_count``: tokens that were ignored."""

    codec: TokenCodec
    subject: str
    wall_clock: Callable[[], float]
    expired_count: int = 0
    _seen: dict[str, ConsistencyToken] = field(default_factory=dict)

    def open_all(self, texts: list[str], name: str) -> ConsistencyToken:
        """The merged demand of ``texts``.

        Raises `InvalidToken` naming ``name`` at the first that is not ours; an expired token
        demands nothing and is counted. Costs no I/O.
        """
        if not texts:
            return EMPTY_TOKEN
        if len(texts) > MAX_TOKENS:
            raise BadInput(name, f"at most {MAX_TOKENS} tokens; merge them by sending the last one")
        demand = merge(*(self._open(text, name) for text in texts))
        return fit(demand, self.wall_clock())  # or many tokens of one order each would be a fan-out

    def open_seen(self, text: str) -> ConsistencyToken:
        """What a cursor says was shown up to it. Raises `BadInput` naming ``after``.

        Each is opened once, however many fields it is read for.
        """
        if text not in self._seen:
            try:
                self._seen[text] = self._open(text, "after")
            except InvalidToken as error:
                raise BadInput("after", "not a cursor of this caller") from error
        return self._seen[text]

    def forget_seen(self, expired_count: int) -> None:
        """As if no cursor had been opened since so many tokens were found expired."""
        self.expired_count = expired_count
        self._seen.clear()

    def seal(self, token: ConsistencyToken) -> str | None:
        """The text of a token that fits; None for one that demands nothing."""
        if token.is_empty:
            return None
        return self.codec.seal(token, self.subject, self._now_minute())

    def seal_seen(self, token: ConsistencyToken) -> str | None:
        """The text of what a list has shown, short enough for each of its cursors."""
        return self.seal(fit(token, self.wall_clock()))

    async def seal_joined(self, token: ConsistencyToken, model: ReadModel | None) -> str | None:
        """Seal what may have grown too large: what the event stream holds by now goes first."""
        if not fits(token):
            cut = Cut() if model is None else await model.read([root_of(k) for k in token.entries])
            now_s = self.wall_clock()
            token = fit(shrunk(token, cut, now_s), now_s)
        return self.seal(token)

    def _open(self, text: str, name: str) -> ConsistencyToken:
        match self.codec.open_token(text, self.subject, self._now_minute()):
            case Opened(token=token):
                return token
            case Expired() | UnknownKey():
                self.expired_count += 1
                return EMPTY_TOKEN
            case Invalid(reason=reason):
                raise InvalidToken(name, reason.value)

    def _now_minute(self) -> int:
        return int(self.wall_clock() // 60)
