"""Conditional requests (RFC 9110, 13): who has these data already is not sent them again.

The validator is of the data and of the token: whoever keeps an answer keeps the token in it, which
must not be an older one than she has been given since, nor another caller's. How old the sources
are is left out, so it is a weak one; and only an answer that shows all that was demanded, without
an error, has any.
"""

from hashlib import blake2s
from typing import Final

import orjson

from projections.token import ConsistencyToken

ETAG_BYTES: Final = 12
"""A validator tells the answers of one address apart, and hides nothing."""


def etag_of(data: bytes, token: ConsistencyToken, subject: str) -> str:
    """The validator of these data, shown with this token to this caller."""
    told = b"%b %b %b" % (subject.encode("utf-8", "surrogatepass"), _bounds_of(token), data)
    return f'W/"{blake2s(told, digest_size=ETAG_BYTES).hexdigest()}"'


def _bounds_of(token: ConsistencyToken) -> bytes:
    """What a token demands; not when its holder looked: the same place is the same world."""
    parts = (
        sorted([(of.type, of.partition, of.log, seen.offset) for of, seen in token.floor.items()]),
        sorted([(key.type, key.id, at.epoch, at.number) for key, at in token.entries.items()]),
        sorted(token.marks.items()),
        sorted([(key.type, key.id, second) for key, second in token.doubts.items()]),
        sorted([(key.type, key.id) for key in token.uncertain]),
    )
    return orjson.dumps(parts)


def is_known(etag: str, if_none_match: str) -> bool:
    """Does the client have what has this validator?

    >>> is_known('W/"2a"', '"1f", W/"2a"'), is_known('W/"2a"', "*"), is_known('W/"2a"', '"1f"')
    (True, True, False)
    """
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
