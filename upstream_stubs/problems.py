"""What a refused request is told: `application/problem+json` (RFC 9457), one table of all codes.

The rule: a client's mistake is answered with a code, the field at fault when there is one, and what
she needs to go on (the current version, when to come back); never with a stack trace or a 500.
"""

import json
import logging
from collections.abc import Mapping
from enum import Enum
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

FIELD_CHARACTER_COUNT: Final = 100
"""A field's name may have been the client's own invention: it is repeated only this far."""

log = logging.getLogger(__name__)


class Refusal(Enum):
    """Every problem a service can answer with: its code, HTTP status and title."""

    INVALID_REQUEST = ("invalid-request", 422, "The request is malformed")
    UNKNOWN_PRODUCT = ("unknown-product", 422, "There is no such product")
    UNKNOWN_CUSTOMER = ("unknown-customer", 422, "There is no such customer")
    MIXED_CURRENCIES = ("mixed-currencies", 422, "An order has one currency")
    IDEMPOTENCY_KEY_REUSED = (
        "idempotency-key-reused",
        422,
        "The idempotency key belongs to another request",
    )
    NOT_FOUND = ("not-found", 404, "There is no such resource")
    METHOD_NOT_ALLOWED = ("method-not-allowed", 405, "The resource has no such method")
    VERSION_BEHIND = ("version-behind", 409, "This service has not reached the demanded version")
    TOO_LATE_TO_CANCEL = ("too-late-to-cancel", 409, "The order can no longer be cancelled")
    CURSOR_UNKNOWN = ("cursor-unknown", 410, "The cursor belongs to another log")
    VERSION_CONFLICT = ("version-conflict", 412, "The resource has another version by now")
    BODY_TOO_LARGE = ("body-too-large", 413, "The request body is too large")
    NOT_READY = ("not-ready", 503, "The service has not caught up with its sources yet")
    STOPPING = ("stopping", 503, "The service is stopping")
    INTERNAL = ("internal", 500, "The service failed")

    def __init__(self, code: str, status: int, title: str) -> None:
        self.code = code
        self.status = status
        self.title = title


ROUTING_REFUSALS: Final[Mapping[int, Refusal]] = {
    HTTPStatus.NOT_FOUND: Refusal.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED: Refusal.METHOD_NOT_ALLOWED,
}
"""What the router's own refusals are called."""


class ProblemError(Exception):
    """The request is refused; ``field`` names what the client can mend."""

    def __init__(
        self,
        refusal: Refusal,
        detail: str,
        *,
        field: str | None = None,
        current_version: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.refusal = refusal
        self.detail = detail
        self.field = field
        self.current_version = current_version
        self.retry_after_s = retry_after_s


def invalid(field: str, detail: str) -> ProblemError:
    """The request is malformed at ``field``."""
    return ProblemError(Refusal.INVALID_REQUEST, detail, field=field[:FIELD_CHARACTER_COUNT])


def invalid_by(error: ValidationError, *, root: str) -> ProblemError:
    """The first finding of a validation; ``root`` names the whole where no field is at fault."""
    finding = error.errors()[0]
    path = [str(part) for part in finding["loc"]]
    return invalid(".".join(path) or root, str(finding["msg"]))


def problem_response(
    code: str, status: int, title: str, detail: str, **extensions: str | int
) -> Response:
    """A problem+json answer with these members."""
    members: dict[str, str | int] = {
        "type": f"urn:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        **extensions,
    }
    return Response(json.dumps(members), status, media_type="application/problem+json")


def render_problem(problem: ProblemError) -> Response:
    """The problem+json answer of a refusal."""
    extensions: dict[str, str | int] = {}
    if problem.field is not None:
        extensions["field"] = problem.field
    if problem.current_version is not None:
        extensions["currentVersion"] = problem.current_version
    refusal = problem.refusal
    response = problem_response(
        refusal.code, refusal.status, refusal.title, problem.detail, **extensions
    )
    if problem.retry_after_s is not None:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    return response


def unrouted(error: HTTPException) -> ProblemError:
    """The problem of a path or method that nobody serves."""
    refusal = ROUTING_REFUSALS.get(error.status_code, Refusal.INVALID_REQUEST)
    return ProblemError(refusal, str(error.detail))


def invalid_parameter(error: RequestValidationError) -> ProblemError:
    """The problem of a query parameter, by the name it has in the query."""
    finding = error.errors()[0]
    _place, *path = finding["loc"]
    return invalid(".".join(str(part) for part in path), str(finding["msg"]))


def answer_problems(app: FastAPI) -> None:
    """Let every refusal of this app leave as problem+json."""

    @app.exception_handler(ProblemError)
    async def on_problem(_: Request, error: ProblemError) -> Response:
        return render_problem(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_parameter(_: Request, error: RequestValidationError) -> Response:
        return render_problem(invalid_parameter(error))

    @app.exception_handler(HTTPException)
    async def on_unrouted(_: Request, error: HTTPException) -> Response:
        response = render_problem(unrouted(error))
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def on_failure(request: Request, error: Exception) -> Response:
        log.error("request failed: %s %s", request.method, request.url.path, exc_info=error)
        return render_problem(ProblemError(Refusal.INTERNAL, "see the service's log"))
