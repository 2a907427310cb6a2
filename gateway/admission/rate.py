"""One client's budget of cost: paid back at a steady rate, up to a burst. Pure; `now_s` is told.

The generic cell rate algorithm (ITU-T I.371), weighted by cost: of all that a client has paid for
only one number is kept, the moment at which everything will be paid back. What runs is reserved
by its estimate, and paid by what it has really cost once that is known; so in any stretch of w
seconds no client is served for more than the burst and w times the rate, but for what single
answers cost above their estimates. A clock that goes back makes clients wait, and forgives nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from resolvers.upstream.ranges import Between, require_ranges


class RateLimit(StrEnum):
    """Every limit of a client, as `extensions.limit` names it. Public."""

    RATE = "RATE"
    IN_FLIGHT = "IN_FLIGHT"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateOptions:
    """What one client may cost. One is the work of a plain field, some 20 µs on graphql-core."""

    is_on: bool = True
    """Off, one client may have all there is: the control of the tests."""

    per_second_cost: Annotated[float, Between(0.1, 1e9)] = 10_000.0
    """Cost paid back in a second. Ten thousand: a fifth of a processor on the slowest way, or some
    three hundred order pages; no person comes near it."""

    burst_cost: Annotated[int, Between(100, 10**9)] = 60_000
    """Cost that may come at once. Sixty thousand: what is paid back in six seconds."""

    in_flight_cost: Annotated[int, Between(100, 10**9)] = 20_000
    """Estimated cost that is asked and not yet answered. Twenty thousand: two of the dearest
    operations, or two hundred small ones, a fifth of what the door takes in."""

    entry_cost: Annotated[int, Between(1, 10_000)] = 100
    """Reserved for a request at least, while it waits and runs: a place costs whatever is asked."""

    request_cost: Annotated[int, Between(0, 10_000)] = 5
    """Paid for a request that is not at hand, whatever becomes of it: to take one in, to read it
    and to answer takes 100 µs."""

    reading_ratio: Annotated[float, Between(0, 10)] = 0.5
    """Cost of each character of a document that is not known yet: to parse, measure and check it
    takes some 10 µs a character."""

    shown_ratio: Annotated[float, Between(0, 1)] = 0.25
    """What is left of a budget is told with an answer when it is less than this share of the burst:
    who is far from any limit need not read of it, and nobody need write it."""

    client_limit: Annotated[int, Between(1, 10**7)] = 20_000
    """Clients with a budget of their own (count), 250 bytes each; more share some budgets."""

    shared_count: Annotated[int, Between(1, 10**6)] = 1_000
    """Budgets that those share (count)."""

    slack_cost: Annotated[int, Between(1, 10**9)] = 15_000
    """What a gateway lets a client pay before the others hear of it, where budgets are shared."""

    def __post_init__(self) -> None:
        require_ranges(self)

    @property
    def burst_s(self) -> float:
        """Seconds until a burst is paid back: a client that was away for so long owes nothing."""
        return self.burst_cost / self.per_second_cost


@dataclass(slots=True)
class Budget:
    """What one client owes. ``paid_back_at_s``: when it is nothing, on a monotonic clock.

    ``reserved_cost``: of what is in flight; ``untold_cost``: what other gateways may not know of.
    """

    paid_back_at_s: float = 0.0
    reserved_cost: int = 0
    untold_cost: int = 0


@dataclass(frozen=True, slots=True)
class Overdrawn:
    """The cost is not to be had; worth asking again after ``wait_s``, as far as is known."""

    limit: RateLimit
    wait_s: float


def owed(budget: Budget, options: RateOptions, now_s: float) -> float:
    """The cost that is not paid back yet, what is in flight included."""
    debt_s = budget.paid_back_at_s - now_s
    return max(0.0, debt_s * options.per_second_cost) + budget.reserved_cost


def refusal_of(budget: Budget, cost: int, options: RateOptions, now_s: float) -> Overdrawn | None:
    """Why so much more is too much; None where it is not."""
    excess = owed(budget, options, now_s) + cost - options.burst_cost
    return Overdrawn(RateLimit.RATE, excess / options.per_second_cost) if excess > 0 else None


def pay(budget: Budget, cost: int, options: RateOptions, now_s: float) -> None:
    """Let the client owe so much more, whether she has it or not; but two bursts at most."""
    begin_s = max(budget.paid_back_at_s, now_s)
    end_s = begin_s + cost / options.per_second_cost
    budget.paid_back_at_s = min(end_s, max(begin_s, now_s + 2 * options.burst_s))
    budget.untold_cost += cost


def reserve(budget: Budget, cost: int, options: RateOptions, now_s: float) -> Overdrawn | None:
    """Hold ``cost`` for what is about to run, or say why not; give it up with `release`."""
    if budget.reserved_cost + cost > options.in_flight_cost:
        return Overdrawn(RateLimit.IN_FLIGHT, 0.0)
    refused = refusal_of(budget, cost, options, now_s)
    if refused is None:
        budget.reserved_cost += cost
    return refused


def release(budget: Budget, cost: int) -> None:
    """What was reserved has ended."""
    budget.reserved_cost -= cost


def learn(budget: Budget, debt_s: float, options: RateOptions, now_s: float) -> None:
    """All gateways together say that the client owes at least ``debt_s`` of paying back.

    What was paid here since it was told comes on top. Nothing that is known here is forgotten.
    """
    known_s = now_s + debt_s + budget.untold_cost / options.per_second_cost
    budget.paid_back_at_s = max(budget.paid_back_at_s, known_s)
