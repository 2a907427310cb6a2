"""What a client may ask for in a while: who pays for a request, how much, and the refusal.

A request pays for what it was: an answer at hand for what it has cost when it was made, one that is
run for its actual cost, while its estimate is held; a document that nobody knew also for being
read; and any request for being taken in. One that is left before its answer pays its estimate. A
client that has spent her budget is refused before anything is read, for nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from gateway.admission.bills import Cost
from gateway.admission.budgets import Budgets, Lease
from gateway.admission.client_keys import SUBJECT, ClientKeys
from gateway.admission.rate import Overdrawn, RateLimit
from gateway.admission.rate_headers import RawHeaders, told
from gateway.errors import ErrorCode, RequestRefused
from gateway.request import RequestHeaders
from resolvers.viewer import ANYBODY, Role, Viewer

MESSAGES: Final = {
    RateLimit.RATE: "you have asked for too much in a short time; nothing was done: ask later",
    RateLimit.IN_FLIGHT: "too much of what you ask is not answered yet; nothing was done: ask "
    "again when it is",
}

SOONEST_S: Final = 0.1
"""No client is asked to come back sooner (s)."""


class ClientLimits:
    """Those of one gateway."""

    def __init__(self, budgets: Budgets, keys: ClientKeys) -> None:
        self.budgets = budgets
        self._keys = keys
        self.is_on = budgets.options.is_on
        self._shown_cost = budgets.options.shown_ratio * budgets.options.burst_cost

    def key_of(self, viewer: Viewer, peer: str | None, headers: RequestHeaders) -> str | None:
        """Who pays; None where nobody does."""
        if not self.is_on:
            return None
        subject = viewer.subject
        if subject != ANYBODY.subject and viewer.role is not Role.VISITOR:
            return SUBJECT + subject
        return self._keys.of_address(peer, headers)

    def charge(self, key: str | None, cost: int) -> None:
        """Pay for an answer that is at hand. Raises `RequestRefused` where that is too much."""
        if key is None:
            return
        overdrawn = self.budgets.charge(key, cost)
        if overdrawn is not None:
            raise self._refused(key, overdrawn)

    def told(self, key: str | None) -> RawHeaders:
        """The headers of an answer: none while the client is far from any limit."""
        if key is None:
            return ()
        left_cost, whole_in_s = self.budgets.left(key)
        if left_cost > self._shown_cost:
            return ()
        return told(self.budgets.options, left_cost, whole_in_s)

    @contextmanager
    def entered(self, key: str | None) -> Iterator["Pass"]:
        """Be asked and not answered inside the block. Raises `RequestRefused`, nothing being read.

        What the block has cost is paid at its end, however it ends.
        """
        if key is None:
            yield FREE_PASS
            return
        lease = self.budgets.open(key)
        if isinstance(lease, Overdrawn):
            raise self._refused(key, lease)
        admitted = Pass(self, key, lease, self.budgets.options.request_cost)
        try:
            yield admitted
        finally:
            lease.close(admitted.due_cost)

    def require(self, key: str, lease: Lease, cost: int) -> None:
        """Hold the cost; raises `RequestRefused` where that is too much."""
        overdrawn = lease.raise_to(cost)
        if overdrawn is not None:
            raise self._refused(key, overdrawn)

    def _refused(self, key: str, overdrawn: Overdrawn) -> RequestRefused:
        return RequestRefused(
            HTTPStatus.TOO_MANY_REQUESTS,
            ErrorCode.RATE_LIMITED,
            MESSAGES[overdrawn.limit],
            retry_after_s=max(overdrawn.wait_s, SOONEST_S),
            limit=overdrawn.limit.value,
            headers=told(self.budgets.options, *self.budgets.left(key)),
        )


@dataclass(slots=True, eq=False)
class Pass:
    """One request that has been let in. ``due_cost`` is what it pays at its end."""

    limits: ClientLimits | None
    key: str
    lease: Lease | None
    due_cost: int

    def reads(self, character_count: int) -> None:
        """A document of so many characters is about to be read that nobody knew."""
        if self.limits is not None:
            self.due_cost += int(character_count * self.limits.budgets.options.reading_ratio)

    def runs(self, estimated_cost: int) -> int:
        """An operation is about to run. Raises `RequestRefused` where it may cost too much."""
        if self.limits is not None and self.lease is not None:
            self.limits.require(self.key, self.lease, estimated_cost)
            self.due_cost += estimated_cost
        return estimated_cost

    def has_run(self, cost: Cost) -> Cost:
        """It has cost so much instead."""
        if self.limits is not None:
            self.due_cost += cost.actual - cost.estimated
        return cost


FREE_PASS: Final = Pass(None, "", None, 0)
"""Of a request that nobody pays for."""
