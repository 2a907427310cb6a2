"""A connection between two requests: how long it is kept, by how many timers."""

import asyncio
from collections.abc import Callable
from typing import cast

import uvicorn
from uvicorn.server import ServerState

from gateway.frugal_protocol import FrugalProtocol

IDLE_S = 5


class Timer:
    """One that the loop was asked for."""

    def __init__(self, at_s: float, ring: Callable[[], None]) -> None:
        self.at_s = at_s
        self.ring = ring
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class SteppedLoop:
    """A loop whose time is told; what rings until then rings."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, ring: Callable[[], None]) -> Timer:
        self.timers.append(Timer(self.now_s + delay_s, ring))
        return self.timers[-1]

    @property
    def due(self) -> list[Timer]:
        return [one for one in self.timers if not one.is_cancelled and one.at_s > self.now_s]

    def move_to(self, at_s: float) -> None:
        while coming := [one for one in self.due if one.at_s <= at_s]:
            first = min(coming, key=lambda one: one.at_s)
            self.now_s = first.at_s
            first.ring()
        self.now_s = at_s


class Wire(asyncio.Transport):
    """A transport of which is known only whether it was closed."""

    is_closed = False

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True


def kept_open() -> tuple[FrugalProtocol, SteppedLoop, Wire]:
    """A connection that has had an answer just now."""
    loop, wire = SteppedLoop(), Wire()
    config = uvicorn.Config(lambda: None, timeout_keep_alive=IDLE_S)
    as_loop = cast("asyncio.AbstractEventLoop", loop)
    protocol = FrugalProtocol(config, ServerState(), {}, as_loop)
    protocol.transport = wire
    protocol.wait_for_next()
    return protocol, loop, wire


def test_a_quiet_connection_is_closed_as_long_after_its_last_answer_as_after_its_first() -> None:
    """The timer of an earlier request neither cuts it nor lets it stay."""
    protocol, loop, wire = kept_open()
    loop.move_to(3)
    protocol.stop_waiting()
    protocol.wait_for_next()

    loop.move_to(7.9)
    was_closed_early = wire.is_closed
    loop.move_to(8.1)

    assert not was_closed_early
    assert wire.is_closed


def test_a_hundred_requests_within_its_time_take_one_timer() -> None:
    """Nor is one cancelled for each of them."""
    protocol, loop, _ = kept_open()

    for _ in range(100):
        protocol.stop_waiting()
        protocol.wait_for_next()

    assert len(loop.timers) == 1


def test_who_is_being_served_is_not_cut() -> None:
    """However long it takes; after the answer the time begins anew."""
    protocol, loop, wire = kept_open()
    loop.move_to(4)
    protocol.stop_waiting()
    loop.move_to(60)
    was_cut = wire.is_closed

    protocol.wait_for_next()
    loop.move_to(64.9)
    was_cut |= wire.is_closed
    loop.move_to(65.1)

    assert not was_cut
    assert wire.is_closed


def test_nothing_rings_for_a_connection_that_is_lost() -> None:
    """Nor is it kept in memory for its timer, however it was lost."""
    protocol, loop, _ = kept_open()

    protocol.connection_lost(ConnectionResetError())

    assert loop.due == []
