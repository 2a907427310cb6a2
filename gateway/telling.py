"""What becomes of a request is told here, once: to its client, the counts and the witness.

The rule: whoever begins a record sees to it that it ends, whatever comes: as answered, turned away,
or left.
"""

import time
from collections.abc import Sequence

from gateway.errors import RequestRefused
from gateway.metrics.counts import OperationCounts
from gateway.replies import Forms, Reply, bytes_of, refusal_of, rendered
from gateway.request import RequestHeaders
from gateway.request_record import RequestRecord
from gateway.response import Response
from gateway.witness import Witness


class Teller:
    """That of one gateway."""

    def __init__(self, counts: OperationCounts, witness: Witness, forms: Forms) -> None:
        self.counts = counts
        self.witness = witness
        self.forms = forms

    def begin(self, headers: RequestHeaders, request_id: str) -> RequestRecord:
        """The record of a request that will take its time."""
        return self.witness.begin(headers, request_id)

    def rendered(
        self,
        response: Response,
        headers: RequestHeaders,
        request_id: str,
        set_cookies: Sequence[str] = (),
    ) -> Reply:
        """The reply, and not a word of it to anybody."""
        return rendered(response, headers, request_id, set_cookies, self.forms)

    def answered(
        self,
        response: Response,
        record: RequestRecord,
        headers: RequestHeaders,
        method: str,
        set_cookies: Sequence[str] = (),
    ) -> Reply:
        """The reply to a request that was let in."""
        reply = self.rendered(response, headers, record.request_id, set_cookies)
        self._answered(response, record, reply, method)
        return reply

    def answered_in_part(self, response: Response, record: RequestRecord, method: str) -> bytes:
        """The same for one that goes out as part of something else: its bytes."""
        body = bytes_of(response)
        self._answered(response, record, Reply(response.status, (), body), method)
        return body

    def refusal(self, refused: RequestRefused) -> Response:
        """The answer to a request that is not run, or is no more."""
        self.counts.errors[refused.code] += 1
        self.counts.refused_for(refused.limit)
        return refusal_of(refused)

    def turned_away(
        self, refused: RequestRefused, record: RequestRecord, headers: RequestHeaders, method: str
    ) -> Reply:
        """The reply to a request that is not let in."""
        response = self._turned_away(refused)
        reply = self.rendered(response, headers, record.request_id)
        self._end(record, response, reply, method)
        return reply

    def turned_away_in_part(
        self, refused: RequestRefused, record: RequestRecord, method: str
    ) -> bytes:
        """The same for one whose refusal goes out as part of something else: its bytes."""
        response = self._turned_away(refused)
        body = bytes_of(response)
        self._end(record, response, Reply(response.status, (), body), method)
        return body

    def turn_away(self, refused: RequestRefused, headers: RequestHeaders, method: str) -> Reply:
        """The same for one of which nothing has been noted yet."""
        return self.turned_away(refused, self.begin(headers, headers.request_id), headers, method)

    def left(self, record: RequestRecord, method: str) -> None:
        """The client of a request has left."""
        record.is_told = True
        self.counts.left_count += 1
        self.witness.left(record, method)

    def _answered(
        self, response: Response, record: RequestRecord, reply: Reply, method: str
    ) -> None:
        took_s = time.perf_counter() - record.began_at_s
        self.counts.answered(response.way, response.outcome, took_s)
        self._end(record, response, reply, method)

    def _turned_away(self, refused: RequestRefused) -> Response:
        self.counts.turned_away(refused.code)
        return self.refusal(refused)

    def _end(self, record: RequestRecord, response: Response, reply: Reply, method: str) -> None:
        record.is_told = True
        self.witness.answered(record, response, reply, method)
