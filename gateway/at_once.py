"""Replies in the very call that brought the last byte: refusals, and answers that are at hand."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from gateway.admission.lanes import Lane, lane_of
from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import RequestRefused
from gateway.replies import Reply
from gateway.request import GraphQLRequest, RequestHeaders, parse_get, parse_post
from gateway.response import Response


class AtOnce:
    """The synchronous half of `graphql_http`: what it replies is what that would, or nothing.

    ``is_cookie_set``: answers set cookies, so none is at hand. ``is_metered``: they are timed.
    """

    def __init__(
        self, entry: Entry, *, body_limit_bytes: int, is_cookie_set: bool, is_metered: bool
    ) -> None:
        self._operations = entry.operations
        self._door = entry.door
        self._identity = entry.identity
        self._limits = entry.limits
        self._known = entry.known
        self._teller = entry.teller
        self._body_limit_bytes = body_limit_bytes
        self._is_cookie_set = is_cookie_set
        self._is_metered = is_metered

    def reply(self, headers: RequestHeaders, body: bytes, peer: str | None = None) -> Reply | None:
        """The reply to a POST; None for what is to come in. Never waits.

        ``peer`` is the address that it came from.
        """
        if not self._door.is_quiet:
            refused = self._door.turn_away(lane_of("POST", body))
            if refused is not None:
                return self._teller.turn_away(refused, headers, "POST")
        if len(body) > self._body_limit_bytes:
            return None
        return self._found(headers, lambda: parse_post(body, headers.media_type), peer, "POST")

    def find(
        self, headers: RequestHeaders, query_string: bytes, peer: str | None = None
    ) -> Reply | None:
        """Likewise the answer to a GET."""
        if not self._door.takes_in(Lane.READ):
            return None
        if self._teller.forms.origins.is_foreign(headers.values):
            return None
        return self._found(headers, lambda: parse_get(query_string), peer, "GET")

    def overtaking(self) -> AbstractContextManager[None]:
        """Around all that is done to read requests and to reply at once; see `Door.overtaking`."""
        return self._door.overtaking()

    def _found(
        self,
        headers: RequestHeaders,
        parse: Callable[[], GraphQLRequest],
        peer: str | None,
        method: str,
    ) -> Reply | None:
        """The answer at hand, 401 for who may have none, or 429 for who has had enough.

        What has to do with cookies or a deadline is not looked for, nor what may have to be refused
        (`http_rules`), nor who shows a token whose key the issuer may have to be asked for.
        """
        if self._is_cookie_set or headers.is_more_than_a_question:
            return None
        # The clock of the loop stands still for as long as this takes.
        began_at_s = time.perf_counter()
        try:
            viewer = self._identity.find(headers)
            if viewer is None:
                return None
            caller = Caller.of(headers, viewer)
            response = self._looked_for(parse, caller, is_read_only=method == "GET")
            if response is None:
                return None
            self._limits.charge(self._limits.key_of(viewer, peer, headers), response.cost)
        except RequestRefused as refused:
            return self._teller.turn_away(refused, headers, method)
        reply = self._teller.rendered(response, headers, caller.request_id)
        self._tell(headers, caller, response, reply, began_at_s, method)
        return reply

    def _looked_for(
        self, parse: Callable[[], GraphQLRequest], caller: Caller, *, is_read_only: bool
    ) -> Response | None:
        """The answer at hand; what cannot be read is refused by the long way."""
        try:
            request = self._known.resolve(parse())
        except RequestRefused:
            return None
        return self._operations.find(request, caller, is_read_only=is_read_only)

    def _tell(
        self,
        headers: RequestHeaders,
        caller: Caller,
        response: Response,
        reply: Reply,
        began_at_s: float,
        method: str,
    ) -> None:
        counts, witness = self._teller.counts, self._teller.witness
        took_s = time.perf_counter() - began_at_s
        if self._is_metered:
            counts.ready_cost += response.cost
            counts.took[response.way].note(took_s)
        if witness.looks_at_hand:
            witness.given_at_hand(headers, caller.request_id, response, reply, took_s, method)
