"""One rebuild at a time: who rebuilds holds a lease, and renews it as long as he lives.

The rule: a lease that cannot be renewed before it ends stops its holder, because somebody else may
have it by then. It is kept where the generations are, so it cannot outlive them.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol, TypeVar

from projections.errors import LeaseLost, ProjectionError, RebuildRunning, StoreUnavailable

T = TypeVar("T")


class LeaseRecord(Protocol):
    """Where a lease is written. Raises `StoreUnavailable`."""

    async def claim(self, holder: str, lease_s: float) -> bool:
        """Hold it from now on for so long, unless somebody else does; whether it is held now."""
        ...

    async def give_up(self, holder: str) -> None:
        """Hold it no more; changes nothing when somebody else does."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseOptions:
    """How long a lease lasts.

    ``lease_s`` (s, default 15): so long a dead holder keeps others waiting, and a store may be out
    of reach before its holder gives in. ``renewal_s`` (s, default 4): between renewals.
    """

    lease_s: float = 15.0
    renewal_s: float = 4.0


class RebuildLease:
    """The lease of one process on rebuilding."""

    def __init__(self, record: LeaseRecord, options: LeaseOptions) -> None:
        self._record = record
        self._options = options
        self._holder = secrets.token_hex(8)

    async def hold_during(self, work: Callable[[], Coroutine[None, None, T]]) -> T:
        """The result of ``work``, which runs while the lease is held.

        Raises `RebuildRunning` before it begins, and `LeaseLost` with the work cancelled.
        """
        claimed_at_s = asyncio.get_running_loop().time()
        if not await self._record.claim(self._holder, self._options.lease_s):
            raise RebuildRunning(self._options.lease_s)
        try:
            async with asyncio.TaskGroup() as group:
                renewing = group.create_task(self._renew(claimed_at_s), name="renew the lease")
                working = group.create_task(work(), name="rebuild")
                working.add_done_callback(lambda _: renewing.cancel())
        except* ProjectionError as failures:
            first_failure = failures.exceptions[0]
        else:
            return working.result()
        finally:
            with suppress(StoreUnavailable):
                await self._record.give_up(self._holder)
        raise first_failure

    async def _renew(self, renewed_at_s: float) -> None:
        """Renew for ever; raises `LeaseLost` when it could not be done in time."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._options.renewal_s)
            asked_at_s, ends_at_s = loop.time(), renewed_at_s + self._options.lease_s
            try:
                async with asyncio.timeout_at(ends_at_s):
                    is_held = await self._record.claim(self._holder, self._options.lease_s)
            except (TimeoutError, StoreUnavailable):
                if loop.time() >= ends_at_s:
                    raise LeaseLost from None
                continue
            if not is_held:
                raise LeaseLost
            renewed_at_s = asked_at_s
