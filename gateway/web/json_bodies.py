"""Bytes that should be JSON: read, or refused with a word. Pure.

orjson refuses by itself what is no UTF-8, begins with a byte order mark, is nested a thousand deep,
or names a number that is none (``NaN``, infinity, too large for 64 bits of floating point); of a
name that is given twice, it takes the last.
"""

from http import HTTPStatus
from typing import Final

import orjson

from gateway.errors import ErrorCode, RequestRefused

DEPTH_LIMIT: Final = 64
"""Nesting of a request: the schema's inputs nest four deep, and Python's own stack is finite."""

VALUE_LIMIT: Final = 4_000
"""Values of a request: no list of an input has a thousand, and graphql-core takes 3 µs for each."""


def read_json(text: bytes, what: str) -> object:
    """The value. Raises `RequestRefused`, naming ``what``."""
    try:
        parsed: object = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"{what} is not JSON") from error
    # Most have fewer brackets and commas than that, and are not looked through.
    if text.count(b"{") + text.count(b"[") > DEPTH_LIMIT and _is_deep(parsed):
        raise bad_request(f"{what} is nested more than {DEPTH_LIMIT} deep")
    if text.count(b",") >= VALUE_LIMIT and _is_wide(parsed):
        raise bad_request(f"{what} has more than {VALUE_LIMIT} values")
    return parsed


def bad_request(message: str) -> RequestRefused:
    """The refusal of what is no GraphQL request."""
    return RequestRefused(HTTPStatus.BAD_REQUEST, ErrorCode.BAD_REQUEST, message)


def media_type_of(content_type: str) -> str:
    """The type without parameters, lower case; empty if its charset is none that JSON is read in.

    >>> media_type_of("Application/JSON; charset=UTF-8"), media_type_of("a/b; charset=utf-16")
    ('application/json', '')
    """
    name, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [part[8:].strip('"') for part in parameters if part.startswith("charset=")]
    is_readable = all(charset in ("utf-8", "utf8", "us-ascii") for charset in charsets)
    return name if is_readable else ""


def _is_deep(parsed: object) -> bool:
    level = [parsed]
    for _ in range(DEPTH_LIMIT + 1):
        level = [one for of in level if isinstance(of, dict | list) for one in _inside(of)]
        if not level:
            return False
    return True


def _is_wide(parsed: object) -> bool:
    count, level = 1, [parsed]
    while level and count <= VALUE_LIMIT:
        level = [one for of in level if isinstance(of, dict | list) for one in _inside(of)]
        count += len(level)
    return count > VALUE_LIMIT


def _inside(of: object) -> list[object]:
    match of:
        case dict():
            return list(of.values())
        case list():
            return of
        case _:
            return []
