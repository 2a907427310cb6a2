"""What is known of one request by the time it is answered: for its log line, and for its spans."""

from typing import Final, Literal, NamedTuple

from msgspec import Struct, field

from resolvers.upstream.call_context import CallContext, CallTally
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.trace_context import TraceContext

NAME_LIMIT: Final = 64
"""Characters of an operation's name that are told: clients choose it."""

OperationKind = Literal["query", "mutation", "subscription", ""]


class OperationName(NamedTuple):
    """What an operation is called in its document, as far as that is told; "" where it is not."""

    name: str
    kind: OperationKind

    @classmethod
    def of(cls, name: str | None, kind: OperationKind) -> "OperationName":
        return cls((name or "")[:NAME_LIMIT], kind)


UNNAMED: Final = OperationName("", "")


class RequestRecord(Struct):
    """One request that is being served. ``context``: what services are told of its trace.

    ``log`` is there if spans will be made of it. ``is_told``: what becomes of it has been told, or
    somebody sees to that.
    """

    began_at_s: float
    request_id: str
    context: TraceContext | None = None
    log: CallLog | None = None
    operation: OperationName = UNNAMED
    waited_s: float = 0.0
    is_told: bool = False
    tally: CallTally = field(default_factory=CallTally)

    def call_context(self, deadline: Deadline, log: CallLog | None) -> CallContext:
        """What its calls inherit; ``log``: where they note what they do."""
        context = self.context
        return CallContext(
            deadline,
            self.request_id,
            None if context is None else context.traceparent,
            log,
            tracestate=None if context is None else context.state,
            tally=self.tally,
        )

    @property
    def trace_id(self) -> str:
        """The trace that it is part of; "" if there is none."""
        return "" if self.context is None else self.context.trace_id
