"""What can go wrong between us and somebody else's service, told without saying whose fault it is.

    UpstreamError
    ├── UpstreamUnavailable   refused, reset, 5xx or 429: the service cannot serve now
    ├── UpstreamTimeout       one attempt ran out of its time
    ├── InvalidAnswer         it answered, but not what was asked: no JSON, wrong schema, wrong id
    ├── DeadlineExceeded      the request's time is over, before or during the call
    ├── CircuitOpen           not called: the service has failed too often just now
    ├── BulkheadFull          not called: too many of our own calls are waiting for the service
    ├── VersionBehind         the replica that answered has not reached the demanded version
    └── Rejected              a refusal with a reason: the service is well, the request is not

The rule: the text of an error names the service and what happened, never a host, a path or the
words of a driver; those stay in `__cause__`, for the log. May I retry, and when, is told by
`retry_after_s`; may it have happened already is told by `is_outcome_unknown`.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeVar

ErrorT = TypeVar("ErrorT", bound=BaseException)


def without_frames(error: ErrorT) -> ErrorT:
    """The same error, and what led to it, as values: where they were raised is forgotten.

    A raised error holds every frame it has come through, and a frame what its function held: the
    whole operation, the error in its turn. Such a circle waits for the garbage collector.
    """
    told: set[int] = set()
    untold: list[BaseException | None] = [error]
    while untold:
        link = untold.pop()
        if link is None or id(link) in told:
            continue
        told.add(id(link))
        link.__traceback__ = None
        untold += (link.__cause__, link.__context__)
        if isinstance(link, BaseExceptionGroup):
            untold += link.exceptions
    return error


class UpstreamError(Exception):
    """A call to `service` gave no answer that can be used.

    `retry_after_s` is the wait in seconds after which another call makes sense, None if nobody
    knows. `is_outcome_unknown` is true when a mutation may have taken effect although no answer
    says so: it must not be repeated without an idempotency key, and its aggregate is to be read
    live. It is false for every read, and for a mutation that was certainly not received or that
    was refused.
    """

    what_happened: ClassVar[str] = "failed"

    def __init__(
        self,
        service: str,
        *,
        retry_after_s: float | None = None,
        is_outcome_unknown: bool = False,
    ) -> None:
        super().__init__(f"{service} {self.what_happened}")
        self.service = service
        self.retry_after_s = retry_after_s
        self.is_outcome_unknown = is_outcome_unknown


class UpstreamUnavailable(UpstreamError):
    """The service refused or broke the connection, or answered that it cannot serve now."""

    what_happened = "is unavailable"


class UpstreamTimeout(UpstreamError):
    """One attempt ended without an answer at its time limit; the request had time left."""

    what_happened = "did not answer in time"


class InvalidAnswer(UpstreamError):
    """The service answered something that is no answer to what was asked."""

    what_happened = "gave an invalid answer"


class DeadlineExceeded(UpstreamError):
    """The deadline of the whole request came before the answer; there is no time to retry."""

    what_happened = "was not waited for any longer: the deadline has come"


class CircuitOpen(UpstreamError):
    """The call was not made, because the service has been failing; `retry_after_s` is set."""

    what_happened = "is not being called: its circuit is open"


class BulkheadFull(UpstreamError):
    """The call was not made, because too many of our calls already wait; `retry_after_s` is set."""

    what_happened = "is not being called: too many calls are waiting for it"


class VersionBehind(UpstreamError):
    """The replica that answered is older than the demanded version; `current_version` if told."""

    what_happened = "is behind the demanded version"

    def __init__(self, service: str, *, current_version: int | None = None) -> None:
        super().__init__(service)
        self.current_version = current_version


@dataclass(frozen=True, slots=True)
class Refusal:
    """The service's own words for why it refused.

    `problem_code` is one of the contract's codes where the service knows them, such as
    `version-conflict` or `too-late-to-cancel`. `detail` is a sentence for a person, `field` the
    name of the refused input field, `current_version` the version that a conflict met.
    """

    status: int
    problem_code: str
    detail: str | None = None
    field: str | None = None
    current_version: int | None = None


class Rejected(UpstreamError):
    """The service understood and refused; nothing was changed, and repeating will not help."""

    what_happened = "refused the request"

    def __init__(self, service: str, refusal: Refusal) -> None:
        super().__init__(service)
        self.status = refusal.status
        self.problem_code = refusal.problem_code
        self.detail = refusal.detail
        self.field = refusal.field
        self.current_version = refusal.current_version
