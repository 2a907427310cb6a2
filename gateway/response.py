"""What an operation answers, before it has the shape of any transport."""

from collections.abc import Sequence
from http import HTTPStatus

import msgspec

from gateway.errors import Json
from gateway.request_record import OperationName
from gateway.ways import Outcome, Way


class Response(msgspec.Struct, frozen=True):
    """What goes back; ``body`` may be bytes already. ``token`` is the sealed joined token.

    ``etag`` is the validator of an answer to a GET that has one, ``way`` how it came about,
    ``operation`` names what was asked, where the plan tells that; ``cost`` is what its data have
    cost, and ``headers`` what it says beside.
    """

    body: Json | bytes
    token: str | None = None
    status: HTTPStatus = HTTPStatus.OK
    is_request_error: bool = False
    retry_after_s: float | None = None
    etag: str | None = None
    way: Way = "refused"
    operation: OperationName | None = None
    cost: int = 0
    headers: Sequence[tuple[bytes, bytes]] = ()

    @property
    def outcome(self) -> Outcome:
        """Whether it has what was asked for."""
        if self.is_request_error or self.status is not HTTPStatus.OK:
            return "request_error"
        return "errors" if isinstance(self.body, dict) and "errors" in self.body else "ok"
