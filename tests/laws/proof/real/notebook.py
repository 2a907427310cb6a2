"""What all sessions have done, one operation after the other, numbered as they end."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from projections.token import EMPTY_TOKEN, ConsistencyToken, FloorKey
from projections.token_codec import Opened, TokenCodec
from resolvers.demand import AtLeast, Mode
from tests.laws.proof.history import Operation
from tests.laws.proof.real.asking import Asked, Json
from tests.laws.proof.real.telling import codes_of, told, untold, written
from tests.laws.proof.real.wire import Reply

OUR_MISTAKE: Final = "INTERNAL_ERROR"


class NotOurs(Exception):
    """A gateway gave a token that cannot be opened for the session that got it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A token that a session holds: the operation that told it, its text, and what it demands."""

    number: int
    text: str
    token: ConsistencyToken


@dataclass(slots=True)
class Notebook:
    """Notes operations. ``codec`` opens tokens; ``wait_cap_s``: no gateway waits longer.

    ``wakes_late_s``: how much later a gateway may notice that a wait is over, as it shares its
    machine with all of the house.
    ``failures``: what must never be said, whatever happens.
    """

    codec: TokenCodec
    wait_cap_s: float
    wakes_late_s: float
    on_operation: Callable[[], object] = lambda: None
    operations: list[Operation] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def note(
        self,
        session: str,
        asked: Asked,
        reply: Reply,
        *,
        mode: Mode,
        carried: tuple[int, ...],
        sent: ConsistencyToken,
    ) -> Operation:
        """Write down one operation that has just ended."""
        operation = Operation(
            number=len(self.operations),
            session=session,
            gateway=reply.gateway,
            invoked_at_s=reply.invoked_at_s,
            returned_at_s=reply.returned_at_s,
            mode=mode,
            carried=carried,
            sent=sent,
            writes=untold(asked.intents),
        )
        if reply.body is not None:
            self._look_for_failure(reply)
            operation = self._answered(operation, asked, reply.body)
        self.operations.append(operation)
        self.on_operation()
        return operation

    def open_token(self, text: str | None, subject: str) -> ConsistencyToken:
        """What a token demands; nothing without a text. Raises `NotOurs`."""
        if text is None:
            return EMPTY_TOKEN
        match self.codec.open_token(text, subject, int(time.time() // 60)):
            case Opened(token=token):
                return token
            case refusal:
                raise NotOurs(f"{text}: {refusal}")

    @property
    def logs(self) -> set[FloorKey]:
        """Every log that any answer has named."""
        return {
            log
            for operation in self.operations
            if operation.answer is not None
            for log in operation.answer.got.floor
        }

    def _answered(self, operation: Operation, asked: Asked, body: Json) -> Operation:
        def open_token(text: str | None) -> ConsistencyToken:
            return self.open_token(text, operation.session)

        consistency = body.get("extensions", {}).get("consistency") or {}
        return replace(
            operation,
            writes=written(body, asked.intents, open_token),
            answer=told(
                body,
                asked,
                got=open_token(consistency.get("token")),
                wait_budget_s=self._wait_budget_s(operation.mode),
            ),
        )

    def _wait_budget_s(self, mode: Mode) -> float:
        match mode:
            case AtLeast(max_wait_s=float() as max_wait_s):
                budget_s = min(max_wait_s, self.wait_cap_s)
            case _:
                budget_s = self.wait_cap_s
        return budget_s + self.wakes_late_s

    def _look_for_failure(self, reply: Reply) -> None:
        codes = codes_of(reply.body or {})
        if reply.status >= 500 or OUR_MISTAKE in codes:
            self.failures.append(f"{reply.status} from gateway {reply.gateway}: {reply.body}")
