"""The desk at which the law's callers bring tokens and cursors, always at the same minute."""

from datetime import timedelta
from typing import Final

from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.token_codec import TokenCodec, TokenKey, TokenKeys
from projections.versions import Version
from projections.views.orders import ListingPosition
from resolvers.pages import render_cursor, with_seen
from resolvers.tokens import TokenDesk
from tests.builders.rows import PLACED_AT, customer_key, order_key

NOW_S: Final = 1_700_000_000.0
CODEC: Final = TokenCodec(TokenKeys(TokenKey(1, b"a secret of these laws alone".ljust(32))))
SUBJECT: Final = "anonymous"
NOW_MINUTE: Final = int(NOW_S // 60)
LONG_AGO_MINUTE: Final = NOW_MINUTE - 60 * 24 * 60

ORDER_IDS: Final = ("o-1", "o-2", "o-3", "o-4")
CUSTOMER_IDS: Final = ("c-1", "c-2")
PRODUCT_IDS: Final = ("p-1", "p-2", "p-3")

SEEN: Final = ConsistencyToken(
    {order_key("o-2"): Version(1, 3), customer_key("c-1"): Version(1, 2)}
)
LESS: Final = ConsistencyToken({order_key("o-1"): Version(1, 1)})


def desk() -> TokenDesk:
    """A desk of one operation."""
    return TokenDesk(CODEC, SUBJECT, lambda: NOW_S)


def sealed(token: ConsistencyToken, minute: int = NOW_MINUTE, subject: str = SUBJECT) -> str:
    """The text of a token."""
    return CODEC.seal(token, subject, minute)


def position(order_id: str) -> ListingPosition:
    """Where an order of this id is listed."""
    return ListingPosition(PLACED_AT + timedelta(minutes=ORDER_IDS.index(order_id)), order_id)


GOOD_TOKENS: Final = (sealed(SEEN), sealed(LESS))
EXPIRED_TOKENS: Final = (sealed(SEEN, LONG_AGO_MINUTE),)
BAD_TOKENS: Final = ("", "?", sealed(SEEN, subject="somebody else"))

PLAIN_CURSORS: Final = tuple(render_cursor(position(order_id)) for order_id in ORDER_IDS[1:3])
GOOD_CURSORS: Final = (
    *PLAIN_CURSORS,
    with_seen(PLAIN_CURSORS[0], GOOD_TOKENS[0]),
    with_seen(PLAIN_CURSORS[1], GOOD_TOKENS[1]),
    with_seen(PLAIN_CURSORS[1], EXPIRED_TOKENS[0]),
)
BAD_CURSORS: Final = ("?", "Zm9v", f"{PLAIN_CURSORS[0]}.", f"{PLAIN_CURSORS[0]}.{BAD_TOKENS[2]}")

DEMANDS: Final = (EMPTY_TOKEN, EMPTY_TOKEN, LESS, SEEN)
"""What header and cookie bring."""
