"""What every layer of the tower is: something around a call that can be stacked."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.transport import Request

AnswerT = TypeVar("AnswerT")

Send = Callable[[Request, CallContext], Awaitable[AnswerT]]
"""The rest of the tower, seen from above: ask, and get the parsed answer or an UpstreamError."""


class Layer(Protocol):
    """One protection around a call."""

    def around(
        self, request: Request, context: CallContext, send: Send[AnswerT]
    ) -> Awaitable[AnswerT]:
        """Return what `send` answers, or refuse with an UpstreamError instead of calling it.

        A cancelled call leaves no slot, permit or waiter behind, and is cancelled all the same.
        """
        ...


def stack(layer: Layer, send: Send[AnswerT]) -> Send[AnswerT]:
    """Return `send` as seen through `layer`, without a coroutine of its own."""
    return partial(layer.around, send=send)
