"""What a status code means: an answer, a refusal, or no service at all.

One table decides. The rule behind it: 4xx says that the service is well and the request is not, so
it never counts against the service; 429 and 408 are the exceptions, because they speak of load.
Anything that nobody asked for (a redirect, an empty 204) is an invalid answer. Problem details are
read after RFC 9457 but leniently: a plain 4xx of a service that knows no problem+json is as good.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus

import msgspec

from resolvers.upstream.errors import (
    InvalidAnswer,
    Refusal,
    Rejected,
    UpstreamError,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.transport import NOT_FOUND, Request, Response

MIN_VERSION_HEADER = "Min-Version"

LONGEST_RETRY_AFTER_S = 3600.0
"""An hour: to whoever waits for an answer, a longer wait is no advice but a misconfiguration."""

_LONGEST_DETAIL_CHARS = 500


class _Meaning(Enum):
    ANSWER = auto()
    REFUSAL = auto()
    OVERLOAD = auto()
    """It cannot serve now, and has done nothing."""
    OUTAGE = auto()
    """It cannot serve now, and may have done something."""
    NONSENSE = auto()


_MEANING_BY_STATUS: Mapping[int, _Meaning] = {
    HTTPStatus.OK: _Meaning.ANSWER,
    HTTPStatus.CREATED: _Meaning.ANSWER,
    HTTPStatus.REQUEST_TIMEOUT: _Meaning.OUTAGE,
    HTTPStatus.TOO_MANY_REQUESTS: _Meaning.OVERLOAD,
}
_MEANING_BY_CLASS = {4: _Meaning.REFUSAL, 5: _Meaning.OUTAGE}

_CODE_BY_STATUS: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: "invalid-request",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.PRECONDITION_FAILED: "version-conflict",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid-request",
}


class Problem(msgspec.Struct, frozen=True, rename="camel"):
    """Problem details as the services send them; every part may be missing."""

    code: str | None = None
    type: str | None = None
    detail: str | None = None
    field: str | None = None
    current_version: int | None = None


_problems = msgspec.json.Decoder(Problem)


def check_answer(service: str, request: Request, response: Response) -> None:
    """Raise the UpstreamError that the status stands for; return if there is a body to parse.

    The 404 of a read is an answer: it says that there is no such thing.
    """
    meaning = _meaning_of(request, response)
    if meaning is _Meaning.ANSWER:
        return
    if meaning is _Meaning.REFUSAL:
        raise _refused(service, request, response)
    error = InvalidAnswer if meaning is _Meaning.NONSENSE else UpstreamUnavailable
    raise error(
        service,
        retry_after_s=retry_after_s(response),
        is_outcome_unknown=request.is_mutation and meaning is not _Meaning.OVERLOAD,
    )


def retry_after_s(response: Response) -> float | None:
    """Return the wait that the service asks for, in seconds from 0 to an hour, if it asks.

    A date is measured against the answer's own `Date`, so the clocks need not agree; our own is
    used only where there is none. An unreadable value is no wish.
    """
    wish = response.headers.get("retry-after", "").strip()
    if wish.isascii() and wish.isdecimal():
        return min(float(wish), LONGEST_RETRY_AFTER_S)
    until = _http_date(wish)
    if until is None:
        return None
    answered_at = _http_date(response.headers.get("date", "")) or datetime.now(UTC)
    return min(max(0.0, (until - answered_at).total_seconds()), LONGEST_RETRY_AFTER_S)


def _meaning_of(request: Request, response: Response) -> _Meaning:
    if response.status == NOT_FOUND and not request.is_mutation:
        return _Meaning.ANSWER
    by_class = _MEANING_BY_CLASS.get(response.status // 100, _Meaning.NONSENSE)
    return _MEANING_BY_STATUS.get(response.status, by_class)


def _refused(service: str, request: Request, response: Response) -> UpstreamError:
    problem = _problem_of(response)
    code = _code_of(problem, request, response)
    if code == "version-behind":
        return VersionBehind(service, current_version=problem.current_version)
    return Rejected(
        service,
        Refusal(
            status=response.status,
            problem_code=code,
            detail=problem.detail and problem.detail[:_LONGEST_DETAIL_CHARS],
            field=problem.field,
            current_version=problem.current_version,
        ),
    )


def _problem_of(response: Response) -> Problem:
    try:
        return _problems.decode(response.body)
    except (ValueError, RecursionError):
        return Problem()


def _code_of(problem: Problem, request: Request, response: Response) -> str:
    """Return the code that is sent, or named last in the type, or the status' usual one."""
    if problem.code:
        return problem.code
    if problem.type and problem.type != "about:blank":
        return re.split("[/:#]", problem.type.rstrip("/"))[-1]
    if response.status == HTTPStatus.CONFLICT and MIN_VERSION_HEADER in request.headers:
        return "version-behind"
    return _CODE_BY_STATUS.get(response.status, f"status-{response.status}")


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
