"""Conditional requests (RFC 9110, 13): who has these data already is not sent them again.

The validator is of the data alone. What else is in an answer depends on its moment, so it is a weak
one; and only an answer that shows all that was demanded, without an error, has any. The token of
the moment comes as a header, with a 304 too.
"""

from hashlib import blake2s
from typing import Final

ETAG_BYTES: Final = 12
"""A validator tells the answers of one address apart, and hides nothing."""


def etag_of(data: bytes) -> str:
    """The validator of these data."""
    return f'W/"{blake2s(data, digest_size=ETAG_BYTES).hexdigest()}"'


def is_known(etag: str, if_none_match: str) -> bool:
    """Does the client have what has this validator?

    >>> is_known('W/"2a"', '"1f", W/"2a"'), is_known('W/"2a"', "*"), is_known('W/"2a"', '"1f"')
    (True, True, False)
    """
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
