"""What a call inherits from the request that makes it: its deadline and its names."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from resolvers.upstream.call_log import CallLog, CallStep
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.transport import Request


@dataclass(frozen=True, slots=True)
class CallContext:
    """The deadline of the request and the names under which it can be followed everywhere.

    `request_id` and `traceparent` become headers, so they must be printable ASCII: anything else
    is a ValueError here, at the door, because on the wire it would look like a broken connection
    and count against a healthy service. ``log``: where the layers note what happens, if anywhere.
    """

    deadline: Deadline
    request_id: str
    traceparent: str | None = None
    log: CallLog | None = None

    def __post_init__(self) -> None:
        for name in (self.request_id, self.traceparent or ""):
            if not (name.isascii() and name.isprintable()):
                raise ValueError("request id and traceparent must be printable ASCII")

    def until(self, deadline: Deadline) -> "CallContext":
        """The same names with another deadline."""
        return CallContext(deadline, self.request_id, self.traceparent, self.log)

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
            self.log.note(service, request.told, step, detail, attempt=attempt)

    def headers(self) -> Mapping[str, str]:
        """Return the headers that tell the upstream who asks and how long the answer is wanted.

        The time left is in whole milliseconds, rounded down and never below 1: 0 would read as
        "no limit" to some servers.
        """
        time_left_ms = max(1, math.floor(self.deadline.remaining_s() * 1000))
        headers = {"X-Request-Id": self.request_id, "X-Deadline-Ms": str(time_left_ms)}
        return headers if self.traceparent is None else headers | {"traceparent": self.traceparent}
