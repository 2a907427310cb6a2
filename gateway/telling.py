"""What becomes of a request is told here, once: to its client, the counts and the witness."""

import time
from collections.abc import Sequence

from gateway.errors import RequestRefused
from gateway.metrics.counts import OperationCounts
from gateway.replies import Forms, Reply, refusal_of, rendered
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
        took_s = time.perf_counter() - record.began_at_s
        self.counts.answered(response.way, response.outcome, took_s)
        reply = self.rendered(response, headers, record.request_id, set_cookies)
        self.witness.answered(record, response, reply, method)
        return reply

    def refusal(self, refused: RequestRefused) -> Response:
        """The answer to a request that is not run, or is no more."""
        self.counts.errors[refused.code] += 1
        self.counts.refused_for(refused.limit)
        return refusal_of(refused)

    def turned_away(
        self, refused: RequestRefused, record: RequestRecord, headers: RequestHeaders, method: str
    ) -> Reply:
        """The reply to a request that is not let in."""
        self.counts.turned_away(refused.code)
        response = self.refusal(refused)
        reply = self.rendered(response, headers, record.request_id)
        self.witness.answered(record, response, reply, method)
        return reply

    def turn_away(self, refused: RequestRefused, headers: RequestHeaders, method: str) -> Reply:
        """The same for one of which nothing has been noted yet."""
        return self.turned_away(refused, self.begin(headers, headers.request_id), headers, method)

    def left(self, record: RequestRecord, method: str) -> None:
        """The client of a request has left."""
        self.counts.left_count += 1
        self.witness.left(record, method)
