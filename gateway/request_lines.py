"""The log line of a request: one for each, short, of a fixed shape, and without a person in it.

No subject, not even as a hash: the hash of an id that can be guessed is the id. No variables, no
text of an error or a document; of the client's own words only the name of the operation and the
request id, which are short and plain.

Written by hand: a line costs a microsecond or two, where structlog takes twenty.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from gateway.request_record import UNNAMED, OperationName
from gateway.ways import Outcome, Way

LINES_PER_S: Final = 100
"""Lines of refused requests in a second; a flood of them is told by its number."""

CODES_LIMIT: Final = 8
"""Codes of one line, at most."""

Level = Literal["info", "warning", "error"]


class RequestLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one request; ``status`` 0 where its client left before the answer."""

    request_id: str
    trace_id: str = ""
    operation: OperationName = UNNAMED
    way: Way = "refused"
    outcome: Outcome = "ok"
    status: int = 200
    codes: Sequence[str] = ()
    took_s: float = 0.0
    waited_s: float = 0.0
    call_count: int = 0
    size_bytes: int = 0

    @property
    def is_refusal(self) -> bool:
        """Was nothing run?"""
        return self.way == "refused"

    @property
    def level(self) -> Level:
        if self.status >= 500:
            return "error" if "INTERNAL_ERROR" in self.codes else "warning"
        return "warning" if self.outcome != "ok" else "info"


class AtHandLine(msgspec.Struct, frozen=True):
    """What is told of an answer at hand besides who asked."""

    operation: OperationName
    way: Way
    status: int
    size_bytes: int


class RequestLines:
    """Those of one gateway. ``put`` takes each as bytes; ``is_json``: for machines.

    ``are_all_told``: those of answers without an error, too.
    """

    def __init__(
        self,
        put: Callable[[bytes], object],
        *,
        is_json: bool,
        are_all_told: bool,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._put = put
        self._is_json = is_json
        self.are_all_told = are_all_told
        self._now_s = now_s
        self._second = -1
        self._stamp = ""
        self._clock = ""
        self._refusal_count = 0
        self.untold_count = 0

    def tell(self, line: RequestLine) -> None:
        """Write it down, if such are told at all, and there are not too many in this second."""
        if not self.are_all_told and line.outcome == "ok" and line.status:
            return
        now_s = self._now_s()
        self._look_at_clock(now_s)
        if line.is_refusal:
            self._refusal_count += 1
            if self._refusal_count > LINES_PER_S:
                self.untold_count += 1
                return
        text = self._for_machines(line, now_s) if self._is_json else _for_people(line, self._clock)
        self._put(text.encode())

    def tell_at_hand(
        self, request_id: str, trace_id: str, found: AtHandLine, *, took_s: float
    ) -> None:
        """The same for an answer at hand, which cannot be anything but well; at half the cost."""
        now_s = self._now_s()
        if now_s - self._second >= 1.0:
            self._look_at_clock(now_s)
        if not self._is_json:
            told = f"{took_s * 1000:.1f} ms, {found.size_bytes} B, {found.way}, {request_id}"
            what = _called(found.operation)
            self._put(f"{self._clock} {found.status} {what}: {told}\n".encode())
            return
        name, kind = found.operation
        text = (
            f'{{"event":"request","level":"info",'
            f'"timestamp":"{self._stamp}.{int(now_s % 1 * 1000):03d}Z",'
            f'"request_id":"{request_id}","trace_id":"{trace_id}",'
            f'"operation":"{name}","type":"{kind}","way":"{found.way}",'
            f'"outcome":"ok","status":{found.status},"codes":[],'
            f'"ms":{took_s * 1000:.3f},"waited_ms":0.0,"calls":0,"bytes":{found.size_bytes}}}\n'
        )
        self._put(text.encode())

    def close(self) -> None:
        """Tell what was left out in the last second."""
        self._tell_untold()

    def _for_machines(self, line: RequestLine, now_s: float) -> str:
        codes = ",".join(f'"{code}"' for code in line.codes[:CODES_LIMIT])
        return (
            f'{{"event":"request","level":"{line.level}",'
            f'"timestamp":"{self._stamp}.{int(now_s % 1 * 1000):03d}Z",'
            f'"request_id":"{line.request_id}","trace_id":"{line.trace_id}",'
            f'"operation":"{line.operation.name}","type":"{line.operation.kind}",'
            f'"way":"{line.way}","outcome":"{line.outcome}","status":{line.status},'
            f'"codes":[{codes}],"ms":{line.took_s * 1000:.3f},'
            f'"waited_ms":{line.waited_s * 1000:.1f},"calls":{line.call_count},'
            f'"bytes":{line.size_bytes}}}\n'
        )

    def _look_at_clock(self, now_s: float) -> None:
        """Begin another second, if it is one."""
        second = int(now_s)
        if second == self._second:
            return
        self._tell_untold()
        self._second = second
        self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        self._clock = time.strftime("%H:%M:%S", time.localtime(second))
        self._refusal_count = 0

    def _tell_untold(self) -> None:
        if not self.untold_count:
            return
        count, self.untold_count = self.untold_count, 0
        if self._is_json:
            text = (
                f'{{"event":"requests_untold","level":"warning",'
                f'"timestamp":"{self._stamp}.999Z","count":{count}}}\n'
            )
        else:
            text = f"{count} more requests were refused in the last second\n"
        self._put(text.encode())


def _called(operation: OperationName) -> str:
    """What an operation is, and what it is called, as far as that is known."""
    name, kind = operation
    return f"{kind} {name}" if name and kind else kind or name or "request"


def _for_people(line: RequestLine, at: str) -> str:
    what = _called(line.operation)
    told = [f"{line.took_s * 1000:.1f} ms", f"{line.size_bytes} B", line.way]
    told += [f"waited {line.waited_s * 1000:.0f} ms"] if line.waited_s else []
    told += [f"{line.call_count} calls"] if line.call_count else []
    told += [*line.codes[:CODES_LIMIT], line.request_id]
    return f"{at} {line.status or 'left'} {what}: {', '.join(told)}\n"
