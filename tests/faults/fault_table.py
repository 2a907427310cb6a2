"""The faults of the matrix: what a service does, and what that means to who is composing a page.

The time limits are the gateway's own (an attempt 1 s of the page's 2 s), so whatever takes longer
is left there; back-offs last no time. The two faults that need many pages have files of their own:
`test_slow_tails` and `test_flapping_services`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import httpx

from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import (
    Behaviour,
    about_another_row,
    answering,
    breaking_off,
    failing,
    hanging,
    healthy_answer_of,
    misbehave,
    slow_down,
    trickling,
    with_late_body,
)

Befall = Callable[[UpstreamTwins, str], None]
ATTEMPT_TIMEOUT_S = 1.0
TOO_LATE_S = 1.5


@dataclass(frozen=True)
class Fault:
    """What befalls a service, what is told of it, and how often the service is asked."""

    name: str
    befall: Befall
    code: str
    elapsed_s: float = 0.0
    attempt_count: int = 1
    details: tuple[tuple[str, object], ...] = ()
    spares_orders: bool = False


def always(behaviour: Behaviour) -> Befall:
    return lambda twins, service: misbehave(twins, service, behaviour)


def status(code: HTTPStatus, **headers: str) -> Befall:
    return always(answering(httpx.Response(code, headers=headers)))


def text(body: str) -> Befall:
    return always(answering(httpx.Response(200, text=body)))


def be_late(twins: UpstreamTwins, service: str) -> None:
    slow_down(twins, service, TOO_LATE_S)


def be_late_with_the_body(twins: UpstreamTwins, service: str, late_s: float = TOO_LATE_S) -> None:
    misbehave(twins, service, with_late_body(healthy_answer_of(twins, service), late_s))


def trickle(twins: UpstreamTwins, service: str) -> None:
    misbehave(twins, service, trickling(healthy_answer_of(twins, service), pause_s=0.1))


def break_off(twins: UpstreamTwins, service: str) -> None:
    misbehave(twins, service, breaking_off(healthy_answer_of(twins, service)))


def speak_of_another_row(twins: UpstreamTwins, service: str) -> None:
    misbehave(twins, service, answering(about_another_row(service)))


TIMEOUT, UNAVAILABLE = "UPSTREAM_TIMEOUT", "UPSTREAM_UNAVAILABLE"
INVALID = "UPSTREAM_INVALID_ANSWER"
IN_THREE_SECONDS = {"Retry-After": "3"}

FAULTS = (
    Fault("hangs", always(hanging), TIMEOUT, elapsed_s=ATTEMPT_TIMEOUT_S),
    Fault("slow", be_late, TIMEOUT, elapsed_s=ATTEMPT_TIMEOUT_S),
    Fault("slow body", be_late_with_the_body, TIMEOUT, elapsed_s=ATTEMPT_TIMEOUT_S),
    Fault("trickling body", trickle, TIMEOUT, elapsed_s=ATTEMPT_TIMEOUT_S),
    Fault("500", status(HTTPStatus.INTERNAL_SERVER_ERROR), UNAVAILABLE, attempt_count=3),
    Fault("429", status(HTTPStatus.TOO_MANY_REQUESTS), UNAVAILABLE, attempt_count=3),
    Fault(
        # The wish goes beyond the deadline, so nobody waits for it.
        "429 + Retry-After",
        status(HTTPStatus.TOO_MANY_REQUESTS, **IN_THREE_SECONDS),
        UNAVAILABLE,
        details=(("retryAfterMs", 3000),),
    ),
    Fault("refuses", always(failing(httpx.ConnectError)), UNAVAILABLE, attempt_count=3),
    Fault("resets", always(failing(httpx.ReadError)), UNAVAILABLE, attempt_count=3),
    Fault("breaks off", break_off, UNAVAILABLE, attempt_count=3),
    Fault("malformed JSON", text('{"items": [{"id": "o-'), INVALID),
    Fault("wrong schema", text('{"id": 1, "items": [{"id": 1}]}'), INVALID),
    Fault("not JSON", text("<html>Welcome</html>"), INVALID),
    Fault("wrong id", speak_of_another_row, INVALID),
    # Of a batch it means a wrong address, not that its rows do not exist; of an order, absence.
    Fault("404", status(HTTPStatus.NOT_FOUND), INVALID, spares_orders=True),
)
