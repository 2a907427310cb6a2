"""HTTP/1.1 as uvicorn speaks it, with bounds: bytes, headers, connections, and time for each step.

A slow or broken client is let go, and told why where she can still be told: in the order of her
requests, with a code, and with time to read it. llhttp refuses what two readers might read in two
ways (both lengths, two lengths, folded lines, bare line feeds); so do we, where a host is missing.
What is fast costs nothing here: no timer is set for a request that comes in one piece.
"""

import asyncio
from enum import Enum, auto
from typing import cast

import httptools
from fastapi import FastAPI
from msgspec.structs import replace
from uvicorn.config import Config
from uvicorn.server import ServerState

from gateway.errors import ErrorCode, RequestRefused
from gateway.frugal_protocol import FrugalProtocol
from gateway.graphql_http import GraphQLHttp
from gateway.replies import CLOSE, on_the_wire
from gateway.request import RequestHeaders
from gateway.web.lines import head_too_large, late, malformed, too_large, too_many, without_wish
from gateway.web.options import ConnectionOptions


class Stage(Enum):
    """How much of a request has come."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()


# By these names, as each header asks: to find a member in its class takes a fifth of a microsecond.
_NOTHING, _HEAD, _BODY = Stage


class GuardedProtocol(FrugalProtocol):
    """One connection to the application of `create_app`, within its bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, object],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # uvicorn knows the application by its protocol alone, which has no state.
        state = cast("FastAPI", config.app).state
        self._graphql: GraphQLHttp = state.graphql
        self._bounds: ConnectionOptions = state.connections
        self.timeout_keep_alive = self._bounds.idle_timeout_s
        self._stage = _NOTHING
        self._refused: RequestRefused | None = None
        self._is_parting = False
        self._is_wishing = False
        self._has_ended_one = False
        self.asked = RequestHeaders({})
        self._chunk_bytes = 0
        self._before_bytes = 0
        self._sending: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows it
        if len(self.connections) > self._bounds.limit:
            self._turn_away()
        else:
            self._expect(self._bounds.head_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect(None)
        self._stop_taking()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        while data and not self._is_parting:
            data = self._read(data)

    def _read(self, data: bytes) -> bytes:
        """Read it; what is to be read again, because another protocol was wished for in vain."""
        self.stop_waiting()
        self._chunk_bytes = len(data)
        self._has_ended_one = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._part(self._refused or malformed())
        else:
            if self._stage is not _NOTHING or not self._has_ended_one or self._sending:
                self._look_at_stage()
        return b""

    def on_message_begin(self) -> None:
        self._stage = _HEAD
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after the body is no header: whoever reads them takes the last of each.
        if self._stage is _HEAD:
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        bounds = self._bounds
        self.asked = RequestHeaders.of(self.headers)
        given = self.asked.values
        if len(given.get(b"host", ())) != 1 and self.parser.get_http_version() != "1.0":
            self._refuse(malformed("a request names one host"))
        if self._before_bytes + self._chunk_bytes > bounds.head_limit_bytes:
            self._require_small()
        if len(self.headers) > bounds.header_limit:
            self._refuse(head_too_large(bounds))
        if len(self.pipeline) >= bounds.pipeline_limit:
            self._refuse(malformed("too many requests wait behind one another"))
        if b"expect" in given:
            wishes = given[b"expect"]
            self.expect_100_continue = any(wish.lower() == b"100-continue" for wish in wishes)
        self._stage = _BODY
        if self.parser.should_upgrade():
            self._take_wish()
        else:
            self.take_request()

    def _take_wish(self) -> None:
        """A request that would go over to another protocol, of which WebSocket is spoken here."""
        if self.parser.get_method() == b"CONNECT":
            self._refuse(malformed("nothing is passed on here"))
        self._is_wishing = not self._should_upgrade()
        if not self._is_wishing:
            self.hand_on()

    def take_request(self) -> None:
        """The head of a request is here, and in order."""
        self.hand_on()

    def on_message_complete(self) -> None:
        if self._is_wishing:
            return  # its body is still to come
        self._stage = _NOTHING
        self._has_ended_one = True
        self._before_bytes = 0
        self.end_request()

    def end_request(self) -> None:
        """The last byte of a request is here, whose answer may have gone out before it."""
        super().on_message_complete()
        if self.cycle is not None and self.cycle.response_complete and not self.pipeline:
            self.wait_for_next()

    def drop_request(self) -> None:
        """The request that is coming will not be answered."""

    def on_response_complete(self) -> None:
        is_last = not self.pipeline
        super().on_response_complete()
        if self._stage is not _NOTHING:
            self.stop_waiting()  # the next request has begun to come
        if self._is_parting and is_last:
            self.transport.close()
        if self.transport.is_closing():
            self._expect_taken()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_taken()

    def resume_writing(self) -> None:
        self._stop_taking()
        super().resume_writing()
        if self.transport.is_closing():
            self._expect_taken()

    def end_waiting(self) -> None:
        super().end_waiting()
        self._expect_taken()

    def handle_websocket_upgrade(self) -> None:
        self._expect(None)
        super().handle_websocket_upgrade()

    def _upgrade(self, rest: bytes) -> bytes:
        """Go over to WebSocket; else what is to be read as if there had been no such wish.

        Java's client wishes for HTTP/2 at first, and llhttp takes the body for the other protocol.
        """
        if self._should_upgrade():
            self.handle_websocket_upgrade()
            return b""
        self._is_wishing = False
        head = without_wish(self.parser.get_method(), self.url, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        return head + rest

    def _look_at_stage(self) -> None:
        """After each piece: is there more to wait for, and how much has it come to?"""
        if self._has_ended_one:
            self._expect(None)
        else:
            self._before_bytes += self._chunk_bytes
        if self._stage is _NOTHING and self._has_ended_one:
            return
        self.stop_waiting()  # if an answer was given at once, more has begun to come behind it
        if self._sending is None:  # blank lines, too, are waited for as if they were a head
            self._expect(self._bounds.head_timeout_s)
        if self._stage is _HEAD and self._before_bytes > self._bounds.head_limit_bytes:
            self._part(head_too_large(self._bounds))
        elif self._before_bytes > self._bounds.message_limit_bytes:
            self._part(too_large())

    def _require_small(self) -> None:
        """Not the whole piece counts, of which the head is a part."""
        size_bytes = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size_bytes > self._bounds.head_limit_bytes:
            self._refuse(head_too_large(self._bounds))

    def _refuse(self, refused: RequestRefused) -> None:
        """End the parser's work, whose error is then told as ``refused``."""
        self._refused = refused
        raise refused

    def _expect(self, within_s: float | None, *, is_last: bool = False) -> None:
        """More is to come within this time, unless nothing is."""
        if self._sending:
            self._sending.cancel()
        self._sending = None
        if within_s is not None:
            self._sending = self.loop.call_later(within_s, self._is_late, is_last)

    def _is_late(self, is_last: bool) -> None:  # noqa: FBT001 - called by the loop
        self._sending = None
        if self.flow.read_paused:
            self._expect(self._bounds.head_timeout_s)  # it is we who do not read
        elif self._stage is _HEAD:
            self._part(late(ErrorCode.HEAD_TIMEOUT, "the head did not arrive in time"))
        elif self._stage is _BODY and not is_last:
            self._expect(self._bounds.body_timeout_s, is_last=True)
        elif self._stage is _BODY:
            self._part(late(ErrorCode.BODY_TIMEOUT, "the body did not arrive in time"))
        elif self.cycle is None or self.cycle.response_complete:
            self._leave()

    def _expect_taken(self) -> None:
        """What is written is to be read in time."""
        if self._taking is None and self.transport.get_write_buffer_size():
            within_s = self._bounds.taking_timeout_s
            self._taking = self.loop.call_later(within_s, self.transport.abort)

    def _stop_taking(self) -> None:
        if self._taking:
            self._taking.cancel()
        self._taking = None

    def _part(self, refused: RequestRefused) -> None:
        """Give the answers that are owed, say why there will be no more, and go."""
        self._is_parting = True
        self._expect(None)
        self.drop_request()
        is_bad = self.cycle is not None and self.cycle.scope is self.scope
        if is_bad and self.pipeline:
            self.pipeline.popleft()  # others come before it
        elif is_bad and self.cycle.response_started:
            self._leave()
        elif is_bad:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._say(refused)
        elif self.cycle is None or self.cycle.response_complete:
            self._say(refused)

    def _turn_away(self) -> None:
        """There are too many connections; many too many, and they are not even told."""
        self._is_parting = True
        if len(self.connections) > 2 * self._bounds.limit:
            self.transport.abort()
        else:
            self._say(too_many(self._bounds))

    def _say(self, refused: RequestRefused) -> None:
        """The refusal, and no more; its client may close, or has a moment to read it."""
        headers = RequestHeaders.of(self.headers or ())
        reply = self._graphql.teller.turn_away(refused, headers, "")
        if CLOSE not in reply.headers:
            reply = replace(reply, headers=[*reply.headers, CLOSE])
        self.transport.write(on_the_wire(reply, self.server_state.default_headers))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._sending = self.loop.call_later(self._bounds.parting_s, self.transport.abort)
        else:
            self._leave()

    def _leave(self) -> None:
        self.transport.close()
        self._expect_taken()
