"""What a call inherits from the request that makes it: its deadline and its names."""

import math
from collections.abc import Mapping

from msgspec import Struct, field

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.transport import Request


class CallTally(Struct):
    """How many attempts were made for one operation, by whoever makes them."""

    attempt_count: int = 0


class CallContext(Struct, frozen=True):
    """The deadline of the request and the names under which it can be followed everywhere.

    `request_id`, `traceparent` and `tracestate` become headers, so they must be printable ASCII:
    anything else is a ValueError here, at the door, because on the wire it would look like a broken
    connection and count against a healthy service. ``log``: where the layers note what happens, if
    anywhere; ``call``: the number that the call in hand has there. ``tally`` counts in any case.
    """

    deadline: Deadline
    request_id: str
    traceparent: str | None = None
    log: CallLog | None = None
    tracestate: str | None = None
    call: int = 0
    tally: CallTally = field(default_factory=CallTally)

    def __post_init__(self) -> None:
        names = self.request_id + (self.traceparent or "") + (self.tracestate or "")
        if not (names.isascii() and names.isprintable()):
            raise ValueError("request id and trace context must be printable ASCII")

    def until(self, deadline: Deadline) -> "CallContext":
        """The same names with another deadline."""
        # Spelled out: `replace` looks at every field by its name, at each call.
        return CallContext(
            deadline,
            self.request_id,
            self.traceparent,
            self.log,
            self.tracestate,
            self.call,
            self.tally,
        )

    def note(
        self,
        service: str,
        request: Request,
        step: CallStep,
        detail: str = "",
        *,
        attempt: int = 0,
    ) -> None:
        """Tell the log of a step of this call, where there is a log."""
        if self.log is not None:
            log, call = self.log, self.call
            log.note(service, request.told, step, detail, attempt=attempt, call=call)

    def headers(self, *, attempt: int = 0) -> Mapping[str, str]:
        """Return the headers that tell the upstream who asks and how long the answer is wanted.

        The time left is in whole milliseconds, rounded down and never below 1: 0 would read as
        "no limit" to some servers. ``attempt``: its number in the log, by which the service is told
        the span of its own cause, where spans are made.
        """
        time_left_ms = max(1, math.floor(self.deadline.remaining_s() * 1000))
        headers = {"X-Request-Id": self.request_id, "X-Deadline-Ms": str(time_left_ms)}
        traceparent = self.traceparent
        if attempt and self.log is not None and self.log.trace is not None:
            traceparent = self.log.trace.traceparent(attempt)
        if traceparent is not None:
            headers["traceparent"] = traceparent
            if self.tracestate is not None:
                headers["tracestate"] = self.tracestate
        return headers
