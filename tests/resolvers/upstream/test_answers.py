"""What each status code is taken for."""

import pytest

from resolvers.upstream.answers import check_answer, retry_after_s
from resolvers.upstream.errors import (
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.transport import Request, Response

READ = Request("GET", "/orders/o-1")
MUTATION = Request("PATCH", "/orders/o-1")
READ_AT_LEAST_7 = Request("GET", "/orders/o-1", headers={"Min-Version": "7"})


def error_for(request: Request, status: int, body: bytes = b"") -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        check_answer("orders", request, Response(status, {}, body))
    return caught.value


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize("request_", [READ, MUTATION])
def test_success_is_an_answer(request_: Request, status: int) -> None:
    """200 and 201 leave the body to be parsed."""
    check_answer("orders", request_, Response(status, {}, b""))


def test_absence_is_an_answer_to_a_read() -> None:
    """The 404 of a read says that there is no such thing."""
    check_answer("orders", READ, Response(404, {}, b""))


@pytest.mark.parametrize(
    ("request_", "status", "error", "is_outcome_unknown"),
    [
        (READ, 500, UpstreamUnavailable, False),
        (READ, 503, UpstreamUnavailable, False),
        (READ, 429, UpstreamUnavailable, False),
        (READ, 302, InvalidAnswer, False),
        (READ, 204, InvalidAnswer, False),
        (READ, 422, Rejected, False),
        (MUTATION, 500, UpstreamUnavailable, True),
        (MUTATION, 504, UpstreamUnavailable, True),
        (MUTATION, 408, UpstreamUnavailable, True),
        (MUTATION, 429, UpstreamUnavailable, False),
        (MUTATION, 302, InvalidAnswer, True),
        (MUTATION, 404, Rejected, False),
        (MUTATION, 412, Rejected, False),
    ],
)
def test_statuses(
    request_: Request, status: int, error: type[UpstreamError], is_outcome_unknown: bool
) -> None:
    """A 5xx of a mutation leaves its outcome unknown; a refusal and a 429 do not."""
    found = error_for(request_, status)

    assert type(found) is error
    assert found.is_outcome_unknown is is_outcome_unknown
    assert str(found).startswith("orders ")


def test_refusal_carries_the_service_words() -> None:
    """Code, detail, field and current version of a problem reach the resolver."""
    problem = b'{"code":"version-conflict","detail":"it moved","field":"note","currentVersion":9}'

    error = error_for(MUTATION, 412, problem)

    assert isinstance(error, Rejected)
    assert (error.status, error.problem_code) == (412, "version-conflict")
    assert (error.detail, error.field, error.current_version) == ("it moved", "note", 9)


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (409, b'{"code":"too-late-to-cancel","type":"urn:problem:other"}', "too-late-to-cancel"),
        (422, b'{"type":"https://errors.example/unknown-product"}', "unknown-product"),
        (422, b'{"type":"urn:problem:unknown-customer"}', "unknown-customer"),
        (412, b'{"type":"about:blank"}', "version-conflict"),
        (400, b"<html>Bad Request</html>", "invalid-request"),
        (422, b'{"code":17}', "invalid-request"),
        (404, b"", "not-found"),
        (409, b"\xff", "conflict"),
        (418, b'{"x":' * 100_000, "status-418"),
    ],
)
def test_code_is_found_wherever_the_service_puts_it(status: int, body: bytes, code: str) -> None:
    """`code`, else the last part of `type`, else the usual code of the status."""
    error = error_for(MUTATION, status, body)

    assert isinstance(error, Rejected)
    assert error.problem_code == code


def test_endless_detail_is_cut() -> None:
    """A service cannot make us carry a page of prose to the client."""
    error = error_for(MUTATION, 422, b'{"detail":"' + b"x" * 10_000 + b'"}')

    assert isinstance(error, Rejected)
    assert error.detail == "x" * 500


@pytest.mark.parametrize(
    ("body", "current_version"),
    [(b'{"code":"version-behind","currentVersion":5}', 5), (b"", None)],
)
def test_replica_behind_is_told_from_a_conflict(body: bytes, current_version: int | None) -> None:
    """A 409 to a demanded version is a replica that is behind, with or without a problem body."""
    error = error_for(READ_AT_LEAST_7, 409, body)

    assert isinstance(error, VersionBehind)
    assert error.current_version == current_version


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "99999999999999"}, 3600.0),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30.0,
        ),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:27:00 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            0.0,
        ),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(
    headers: dict[str, str], wait_s: float | None
) -> None:
    """Seconds count as they are, dates against the answer's own date, nonsense not at all."""
    assert retry_after_s(Response(503, headers, b"")) == wait_s
