"""`python -m benchmarks.listening_gateway FILE`: a gateway that notes when it could see what.

It is `bff serve`, with a listener beside those of its own, in a process of its own; settings come
from the environment. When it is asked to end it writes to FILE what was heard, how late a timer of
this process came meanwhile (how long the machine lets anybody wait who has nothing to do), and,
with ``--waiters``, how long after an announcement those who waited for it were let go.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import msgspec
from fastapi import FastAPI

from benchmarks.visibility import Heard, Key, Numbered
from gateway.app import Gateway, create_app
from gateway.log_setup import configure_logging
from gateway.serving import bind, run, serve_app
from gateway.settings import Settings
from projections.store import Announcement, Store
from projections.versions import AggregateKey, AggregateType, Version
from projections.waiters import WaitEnd, Waiters

ALARM_S: Final = 0.01
WAIT_LIMIT_S: Final = 20.0


class Notes(msgspec.Struct):
    """What is written at the end; instants are of the wall clock (s)."""

    heard: list[tuple[float, list[tuple[Key, Numbered]]]]
    alarm_late_s: list[float]
    released_s: list[float]
    timeout_count: int


@dataclass(slots=True)
class Listener:
    """Notes announcements as they come, and does nothing else while they do."""

    heard: list[tuple[float, Mapping[AggregateKey, Version]]] = field(default_factory=list)
    alarm_late_s: list[float] = field(default_factory=list)
    released: list[tuple[Key, Numbered, float, float]] = field(default_factory=list)
    timeout_count: int = 0

    def hear(self, announcement: Announcement) -> None:
        if announcement is not None:
            self.heard.append((time.time(), announcement))

    async def watch_alarm(self) -> None:
        """Ask to be woken again and again, and note how late that was."""
        while True:
            due_s = time.perf_counter() + ALARM_S  # a loop's own clock may tell whole ms only
            await asyncio.sleep(ALARM_S)
            self.alarm_late_s.append(max(0.0, time.perf_counter() - due_s))

    async def wait_on(self, key: AggregateKey, store: Store, waiters: Waiters) -> None:
        """Wait for the next version of ``key``, again and again."""
        while True:
            held = (await store.versions([key])).get(key)
            if held is None:
                await asyncio.sleep(ALARM_S)
                continue
            awaited = Version(held.epoch, held.number + 1)
            began_s = time.time()
            end = await waiters.wait_for({key: awaited}, subject="bench", timeout_s=WAIT_LIMIT_S)
            if end is WaitEnd.REACHED:
                told = (_plain(key), _numbered(awaited), began_s, time.time())
                self.released.append(told)
            else:
                self.timeout_count += 1

    def notes(self) -> Notes:
        """What is to be written."""
        heard = Heard()
        lines: list[tuple[float, list[tuple[Key, Numbered]]]] = []
        for at_s, versions in self.heard:
            plain = {_plain(key): _numbered(at) for key, at in versions.items()}
            heard.note(at_s, plain)
            lines.append((at_s, list(plain.items())))
        return Notes(lines, self.alarm_late_s, list(self._delays_s(heard)), self.timeout_count)

    def _delays_s(self, heard: Heard) -> Iterator[float]:
        """From hearing to letting go, of those who were waiting when it was heard."""
        for key, at, began_s, released_s in self.released:
            heard_s = heard.since(key, at)
            if heard_s is not None and heard_s >= began_s:
                yield released_s - heard_s


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end, then write the notes."""
    options = parse(argv)
    settings = Settings.from_environment()
    configure_logging(settings.log_format)
    app = create_app(settings, settings.read_token_keys())
    listener = Listener()
    attach(app, listener, options.waiters)
    with bind(settings) as listening:
        run(serve_app(app, listening))
    Path(options.out).write_bytes(msgspec.msgpack.encode(listener.notes()))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", metavar="FILE")
    parser.add_argument("--waiters", type=int, default=0, help="how many wait at any time")
    return parser.parse_args(argv)


def attach(app: FastAPI, listener: Listener, waiter_count: int) -> None:
    """Have ``listener`` listen for as long as the gateway is open."""
    gateway: Gateway = app.state.gateway
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def listening(opened: FastAPI) -> AsyncIterator[None]:
        async with lifespan(opened):
            with gateway.store.listening(listener.hear):
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(listener.watch_alarm())]
                    for key in _keys(waiter_count):
                        if gateway.model is not None:
                            waiting = listener.wait_on(key, gateway.store, gateway.model.waiters)
                            tasks.append(group.create_task(waiting))
                    try:
                        yield
                    finally:
                        for task in tasks:
                            task.cancel()

    app.router.lifespan_context = listening


def _keys(key_count: int) -> list[AggregateKey]:
    """Aggregates of the demo data, of each type in turn."""
    numbers, types = count(1), tuple(AggregateType)
    return [
        AggregateKey(types[n % len(types)], f"{types[n % len(types)].source[0]}-{next(numbers)}")
        for n in range(key_count)
    ]


def _plain(key: AggregateKey) -> Key:
    return key.type.source, key.id


def _numbered(at: Version) -> Numbered:
    return at.epoch, at.number


if __name__ == "__main__":
    main(sys.argv[1:])
