"""The one table from what went wrong to what a client is told: code, hint, nothing of the inside.

error of a field                     code
BadInput                             BAD_USER_INPUT              mend `field`
InvalidToken                         INVALID_CONSISTENCY_TOKEN   drop the token
Forbidden                            FORBIDDEN                   ask as somebody else
ConsistencyTimeout                   CONSISTENCY_TIMEOUT         ask again, or let us go live
UpstreamUnavailable                  UPSTREAM_UNAVAILABLE        ask again after `retryAfterMs`
UpstreamTimeout                      UPSTREAM_TIMEOUT            ask again
InvalidAnswer, VersionBehind         UPSTREAM_INVALID_ANSWER     tell the owners of `service`
DeadlineExceeded                     DEADLINE_EXCEEDED           ask for less, or again
CircuitOpen                          CIRCUIT_OPEN                ask again after `retryAfterMs`
BulkheadFull                         BULKHEAD_FULL               ask again after `retryAfterMs`
OutcomeUnknown                       its cause's, and `outcome`  read live before repeating
Rejected (on a read)                 UPSTREAM_REJECTED           mend the request
anything else                        INTERNAL_ERROR              report the request id

error of a request                   code                        HTTP status
not a GraphQL request                BAD_REQUEST                 400, 405, 415
no media type of ours is accepted    NOT_ACCEPTABLE              406
asked by a page of another site      CROSS_SITE_REFUSED          403
nobody knows who asks                UNAUTHENTICATED             401, and how to say so
a list of requests, too long or off  BATCH_REFUSED               400
head or body too large, or too slow  HEAD_TOO_LARGE, HEAD_TIMEOUT      431, 408
                                     BODY_TOO_LARGE, BODY_TIMEOUT      413, 408
too much is asked at once            OVERLOADED                  503, ask again after `retryAfterMs`
a client asks for too much           RATE_LIMITED                429, ask again after `retryAfterMs`
a token in the header is not ours    INVALID_CONSISTENCY_TOKEN   400
document cannot be read              GRAPHQL_PARSE_FAILED        200, or 400 for a client that
document does not fit the schema     GRAPHQL_VALIDATION_FAILED   accepts graphql-response+json
document asks for too much           QUERY_TOO_LARGE             (GraphQL over HTTP)
its hash is not known (yet)          PERSISTED_QUERY_NOT_FOUND   likewise: send it with its text
its id, or text, is not a known one  DOCUMENT_UNKNOWN            likewise
a hash and the text of another       PERSISTED_QUERY_HASH_MISMATCH     400
no projection to hear changes from   SUBSCRIPTIONS_OFF           501; ask again by queries
too many connections or operations   TOO_MANY_SUBSCRIPTIONS      429, ask again after `retryAfterMs`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from http import HTTPStatus

from graphql import GraphQLError, GraphQLSyntaxError

from projections.versions import AggregateKey, Version
from resolvers.errors import BadInput, ConsistencyTimeout, Forbidden, InvalidToken, OutcomeUnknown
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)

Json = dict[str, object]


class ErrorCode(StrEnum):
    """Every `extensions.code` there is. Public: clients branch on these."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    INVALID_CONSISTENCY_TOKEN = "INVALID_CONSISTENCY_TOKEN"
    CONSISTENCY_TIMEOUT = "CONSISTENCY_TIMEOUT"
    UPSTREAM_UNAVAILABLE = "UPSTREAM_UNAVAILABLE"
    UPSTREAM_TIMEOUT = "UPSTREAM_TIMEOUT"
    UPSTREAM_INVALID_ANSWER = "UPSTREAM_INVALID_ANSWER"
    UPSTREAM_REJECTED = "UPSTREAM_REJECTED"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    BULKHEAD_FULL = "BULKHEAD_FULL"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    BAD_REQUEST = "BAD_REQUEST"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    CROSS_SITE_REFUSED = "CROSS_SITE_REFUSED"
    BATCH_REFUSED = "BATCH_REFUSED"
    HEAD_TOO_LARGE = "HEAD_TOO_LARGE"
    HEAD_TIMEOUT = "HEAD_TIMEOUT"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    BODY_TIMEOUT = "BODY_TIMEOUT"
    OVERLOADED = "OVERLOADED"
    RATE_LIMITED = "RATE_LIMITED"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    QUERY_TOO_LARGE = "QUERY_TOO_LARGE"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    PERSISTED_QUERY_HASH_MISMATCH = "PERSISTED_QUERY_HASH_MISMATCH"
    DOCUMENT_UNKNOWN = "DOCUMENT_UNKNOWN"
    SUBSCRIPTIONS_OFF = "SUBSCRIPTIONS_OFF"
    TOO_MANY_SUBSCRIPTIONS = "TOO_MANY_SUBSCRIPTIONS"


class RequestRefused(Exception):
    """The request as a whole is refused: nothing was run. ``status`` is its HTTP status.

    200 is for what GraphQL itself refuses: 400 for a client that accepts graphql-response+json.
    ``retry_after_s``: the wait after which the same request may fare better, where that is known.
    ``limit``: which one was reached, if one was; ``headers``: what the refusal says beside.
    """

    def __init__(
        self,
        status: HTTPStatus,
        code: ErrorCode,
        message: str,
        *,
        retry_after_s: float | None = None,
        limit: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s
        self.limit = limit
        self.headers = headers

    def as_json(self) -> Json:
        extensions: Json = {"code": self.code.value}
        if self.limit is not None:
            extensions["limit"] = self.limit
        if self.retry_after_s is not None:
            extensions["retryAfterMs"] = round(self.retry_after_s * 1000)
        return {"message": str(self), "extensions": extensions}


class TooMuchAsked(Exception):
    """The document is refused for how much it asks: ``value`` of ``limit``, not ``allowed``."""

    def __init__(self, message: str, limit: str, value: int | None, allowed: int) -> None:
        super().__init__(message)
        self.limit = limit
        self.value = value
        self.allowed = allowed


UPSTREAM_CODES: dict[type[UpstreamError], ErrorCode] = {
    UpstreamUnavailable: ErrorCode.UPSTREAM_UNAVAILABLE,
    UpstreamTimeout: ErrorCode.UPSTREAM_TIMEOUT,
    InvalidAnswer: ErrorCode.UPSTREAM_INVALID_ANSWER,
    VersionBehind: ErrorCode.UPSTREAM_INVALID_ANSWER,
    DeadlineExceeded: ErrorCode.DEADLINE_EXCEEDED,
    CircuitOpen: ErrorCode.CIRCUIT_OPEN,
    BulkheadFull: ErrorCode.BULKHEAD_FULL,
    Rejected: ErrorCode.UPSTREAM_REJECTED,
}

MAX_MESSAGE_CHARACTERS = 500
"""Some messages of graphql-core quote what they blame, which may be a megabyte."""

OUTCOME_UNKNOWN = (
    "it may have been done all the same: read it with the token of this answer before you repeat "
    "it, or repeat it with the idempotencyKey where there is one"
)


@dataclass(frozen=True, slots=True)
class ClientError:
    """One error as the client sees it. ``is_ours``: a mistake of this gateway, to be logged."""

    message: str
    extensions: Json
    is_ours: bool = False

    @property
    def code(self) -> ErrorCode:
        """The code in the extensions."""
        return ErrorCode(str(self.extensions["code"]))


def translate(error: GraphQLError, request_id: str) -> ClientError:
    """What the client is told of an error of a field or a document."""
    match error.original_error:
        case None if isinstance(error, GraphQLSyntaxError):
            return _coded(ErrorCode.GRAPHQL_PARSE_FAILED, error.message)
        case None:
            return _coded(ErrorCode.GRAPHQL_VALIDATION_FAILED, error.message)
        case TooMuchAsked(limit=limit, value=value, allowed=allowed) as excess:
            counted = {} if value is None else {"value": value}
            return _coded(
                ErrorCode.QUERY_TOO_LARGE, str(excess), limit=limit, **counted, allowed=allowed
            )
        case BadInput(field=field) as bad:
            return _coded(ErrorCode.BAD_USER_INPUT, str(bad), field=field)
        case InvalidToken(field=field, reason=reason) as invalid:
            return _coded(
                ErrorCode.INVALID_CONSISTENCY_TOKEN, str(invalid), field=field, reason=reason
            )
        case Forbidden() as forbidden:
            return _coded(ErrorCode.FORBIDDEN, str(forbidden))
        case ConsistencyTimeout() as timeout:
            return _consistency_timeout(timeout)
        case OutcomeUnknown(cause=cause, idempotency_key=key):
            told = _upstream(cause)
            return (
                told
                if key is None
                else replace(told, extensions={**told.extensions, "idempotencyKey": key})
            )
        case UpstreamError() as upstream:
            return _upstream(upstream)
        case GraphQLError():
            return _coded(ErrorCode.BAD_USER_INPUT, error.message)
        case _:
            message = "something went wrong on our side; report the request id"
            extensions: Json = {"code": ErrorCode.INTERNAL_ERROR.value, "requestId": request_id}
            return ClientError(message, extensions, is_ours=True)


def missing_as_json(missing: Mapping[AggregateKey, Version]) -> list[Json]:
    """Entries a client demanded and did not get."""
    return [
        {"type": key.type.value, "id": key.id, "version": at.number, "epoch": at.epoch}
        for key, at in missing.items()
    ]


def _consistency_timeout(timeout: ConsistencyTimeout) -> ClientError:
    lag_ms = None if timeout.lag_s is None else round(timeout.lag_s * 1000)
    missing = missing_as_json(timeout.missing)
    return _coded(ErrorCode.CONSISTENCY_TIMEOUT, str(timeout), missing=missing, lagMs=lag_ms)


def _upstream(error: UpstreamError) -> ClientError:
    details: Json = {"service": error.service}
    message = str(error)
    if error.retry_after_s is not None:
        details["retryAfterMs"] = round(error.retry_after_s * 1000)
    if error.is_outcome_unknown:
        details["outcome"] = "UNKNOWN"
        message = f"{message}; {OUTCOME_UNKNOWN}"
    return _coded(UPSTREAM_CODES[type(error)], message, **details)


def _coded(code: ErrorCode, message: str, **details: object) -> ClientError:
    return ClientError(message[:MAX_MESSAGE_CHARACTERS], {"code": code.value, **details})
