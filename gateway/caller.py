"""One request's word on who asks, and what it brings along."""

from typing import Self

import msgspec

from gateway.client_limits import FREE_PASS, Pass
from gateway.request import RequestHeaders
from gateway.request_record import RequestRecord
from resolvers.viewer import Viewer


class Caller(msgspec.Struct, frozen=True):
    """Who asks, with which tokens.

    ``record``: where is noted what becomes of the request; None while an answer at hand is looked
    for. ``admitted`` pays for it.
    """

    viewer: Viewer
    request_id: str
    token_texts: list[str]
    record: RequestRecord | None = None
    admitted: Pass = FREE_PASS

    @classmethod
    def of(cls, headers: RequestHeaders, viewer: Viewer) -> Self:
        return cls(viewer, headers.request_id, headers.token_texts)

    @property
    def subject(self) -> str:
        """What her tokens are bound to."""
        return self.viewer.subject
