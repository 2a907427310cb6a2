"""What is said of a request before its body is read: its method, what it accepts, whose it is.

The rule: what is refused here is never found at hand either (`at_once`).
"""

from http import HTTPStatus
from typing import Final

from gateway.errors import ErrorCode, RequestRefused
from gateway.replies import Reply
from gateway.request import RequestHeaders
from gateway.web.origins import Origins, RawHeaders

READING: Final = ("GET", "HEAD")
ALLOW: Final[RawHeaders] = ((b"allow", b"GET, HEAD, POST, OPTIONS"),)


def require_fit(
    method: str, headers: RequestHeaders, origins: Origins, *, is_stream: bool = False
) -> None:
    """Raises `RequestRefused` for what is not to be answered, whatever it asks.

    ``is_stream``: events are wanted, and there are some.
    """
    if method not in (*READING, "POST"):
        raise RequestRefused(
            HTTPStatus.METHOD_NOT_ALLOWED,
            ErrorCode.BAD_REQUEST,
            "send a query by POST or GET",
            headers=ALLOW,
        )
    if headers.answer_type is None and not is_stream:
        raise RequestRefused(
            HTTPStatus.NOT_ACCEPTABLE,
            ErrorCode.NOT_ACCEPTABLE,
            "answers are application/graphql-response+json or application/json; accept one of them",
        )
    if headers.is_body_packed:
        raise RequestRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            ErrorCode.BAD_REQUEST,
            "send the body as it is, without Content-Encoding",
            headers=((b"accept-encoding", b"identity"),),
        )
    if method in READING:
        origins.require_own(headers.values)


def preflight_reply(headers: RequestHeaders, origins: Origins) -> Reply:
    """The answer to OPTIONS. Raises `RequestRefused` for a page that may not ask."""
    told = (*ALLOW, *origins.preflight(headers.values), (b"vary", b"origin"))
    return Reply(HTTPStatus.NO_CONTENT, told, b"")
