"""What an operation answers, before it has the shape of any transport."""

from dataclasses import dataclass
from http import HTTPStatus

from gateway.errors import Json
from gateway.ways import Outcome, Way


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back; ``body`` may be bytes already. ``token`` is the sealed joined token.

    ``etag`` is the validator of an answer to a GET that has one, ``way`` how it came about.
    """

    body: Json | bytes
    token: str | None = None
    status: HTTPStatus = HTTPStatus.OK
    is_request_error: bool = False
    retry_after_s: float | None = None
    etag: str | None = None
    way: Way = "refused"

    @property
    def outcome(self) -> Outcome:
        """Whether it has what was asked for."""
        if self.is_request_error or self.status is not HTTPStatus.OK:
            return "request_error"
        return "errors" if isinstance(self.body, dict) and "errors" in self.body else "ok"
