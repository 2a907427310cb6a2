"""How long a read with a token waits when the store announces nothing at all.

A customer is written and read at once with the token of that write; her event comes some time
later, and nobody is told of it. *Wait*: from the instant at which the projection holds the write to
that at which the answer shows it. The control is the same with announcements. The gateway is whole
and in this process, time is steered, so that nothing but pauses between looks is measured.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Final
from unittest.mock import patch

from benchmarks.figures import AtMost, Control, Figure
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.token_sizes import steered
from projections.waiters import WaiterOptions
from tests.fickle_store import FickleStore
from tests.gateway_in_process import GatewayInProcess, now_s, open_gateway, pass_time, twins_of
from tests.resolvers.rows import SHOP

LOOK_LIMIT_S: Final = WaiterOptions().longest_look_s
WAIT_CAP_MS: Final = 2_000
"""Longer than the default, so that no wait is ended by its cap."""

REPEAT_COUNT: Final = 10
LATER_S: Final = tuple(number * 0.01 for number in range(1, 50))
"""When events come, after the write (s): during the first looks, and long after."""

MS: Final = 1000
READ: Final = '{ customer(id: "c-1") { name } }'
WRITE: Final = """mutation ($name: String!) {
  updateCustomer(input: {id: "c-1", name: $name}) { customer { version } } }"""


@dataclass(frozen=True, slots=True)
class Waited:
    """How long one read waited after there was nothing more to wait for (s), and what it showed."""

    overtime_s: float
    source: str
    is_own_write: bool


def measure(run: Run) -> Iterator[Figure]:
    """In this process, with no server: of ``run`` nothing is used."""
    del run
    yield from steered(figures())


async def figures() -> list[Figure]:
    """The longest and the median wait of many."""
    silent = [one for _ in range(REPEAT_COUNT) for one in await waits(is_silent=True)]
    heard = spread(one.overtime_s for one in await waits(is_silent=False))
    took_s = spread(one.overtime_s for one in silent)
    projected = sum(one.source == "PROJECTION" for one in silent)
    return [
        Figure(
            name="wait past the event, nothing announced, longest",
            value=took_s.greatest * MS,
            unit="ms",
            aim=AtMost(LOOK_LIMIT_S * MS),
            control=Control("announced", heard.greatest * MS),
            note=f"{took_s.count} reads, {projected} from the projection, on steered time",
        ),
        Figure(
            name="wait past the event, nothing announced, p50",
            value=took_s.p50 * MS,
            unit="ms",
            control=Control("announced", heard.p50 * MS),
        ),
    ]


async def waits(*, is_silent: bool) -> list[Waited]:
    """One read after another, each of a write whose event comes after one of `LATER_S`."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins, wait_cap_ms=WAIT_CAP_MS) as bff:
        with silenced(bff.store) if is_silent else nullcontext():
            return [await wait_for_own_write(bff, f"Ada {n}", s) for n, s in enumerate(LATER_S)]


@contextmanager
def silenced(store: FickleStore) -> Iterator[None]:
    """A store that announces nothing inside the block."""
    with patch.object(store, "_announce"):
        yield


async def wait_for_own_write(bff: GatewayInProcess, name: str, later_s: float) -> Waited:
    """Write, read at once with the token of the write; the event comes ``later_s`` after that."""
    written = await bff.ask(WRITE, {"name": name})
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(bff.ask(READ, token=written.token))
        await pass_time(later_s)
        await bff.projection.apply(bff.twins.customer_shelf.rows["c-1"])
        applied_at_s = now_s()
        await asyncio.wait([reading])
        overtime_s = now_s() - applied_at_s
    answer = reading.result()
    source, _ = answer.origin("customer")
    return Waited(overtime_s, source, answer.data["customer"]["name"] == name)
