"""The `Consistency` argument: what a client may demand of one field, read into a `Demand`."""

import strawberry
from strawberry import UNSET

from projections.token import EMPTY_TOKEN, merge
from projections.token import ConsistencyToken as Token
from resolvers.context import TokenContext
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, Mode, OnTimeout
from resolvers.errors import BadInput
from resolvers.scalars import ConsistencyToken

MAX_MS = 60_000
DEFAULT_MODE: Mode = AtLeast()


@strawberry.input(name="AtLeast", description="No older than these tokens.")
class AtLeastInput:
    tokens: list[ConsistencyToken]
    max_wait_ms: int | None = strawberry.field(
        default=UNSET, description="Shortens the wait for the read model; the server caps it."
    )
    on_timeout: OnTimeout | None = OnTimeout.LIVE


@strawberry.input(
    name="Causal",
    description="No older than these tokens, and no order with a customer or product older than "
    "its writer had seen.",
)
class CausalInput:
    tokens: list[ConsistencyToken] | None = UNSET
    max_wait_ms: int | None = strawberry.field(
        default=UNSET, description="Shortens the wait for the read model; the server caps it."
    )
    on_timeout: OnTimeout | None = OnTimeout.LIVE


@strawberry.input(name="Bounded", description="Proven no older than this.")
class BoundedInput:
    max_staleness_ms: int
    on_timeout: OnTimeout | None = OnTimeout.LIVE


@strawberry.input(
    name="Consistency",
    one_of=True,
    description="Exactly one of these. Tokens in the header and the cookie hold in every case.",
)
class ConsistencyInput:
    eventual: bool | None = strawberry.field(
        default=UNSET, description="What the read model holds, at once; only `true` makes sense."
    )
    at_least: AtLeastInput | None = UNSET
    causal: CausalInput | None = UNSET
    bounded: BoundedInput | None = UNSET
    live: bool | None = strawberry.field(
        default=UNSET, description="Ask the owning services; only `true` makes sense."
    )


def read_demand(consistency: ConsistencyInput | None, context: TokenContext, seen: Token) -> Demand:
    """The demand of one field: its argument, its cursors, and what header and cookie bring.

    ``seen`` is what its cursors say. Raises `BadInput` or `InvalidToken` naming the part that is
    wrong, before any I/O.
    """
    if not consistency and seen.is_empty:
        return Demand(DEFAULT_MODE, context.token)
    if not consistency:
        own, mode = seen, DEFAULT_MODE
    else:
        own, mode = merge(seen, _own_tokens(consistency, context)), _mode(consistency)
    context.report.demand(own)
    return Demand(mode, merge(context.token, own))


def _own_tokens(consistency: ConsistencyInput, context: TokenContext) -> Token:
    if consistency.at_least:
        given, field = consistency.at_least.tokens, "consistency.atLeast.tokens"
    elif consistency.causal:
        given, field = consistency.causal.tokens or [], "consistency.causal.tokens"
    else:
        return EMPTY_TOKEN
    return context.tokens.open_all([str(text) for text in given], field)


def _mode(consistency: ConsistencyInput) -> Mode:
    if at_least := consistency.at_least:
        max_wait_s = _seconds("consistency.atLeast.maxWaitMs", at_least.max_wait_ms)
        return AtLeast(max_wait_s, at_least.on_timeout or OnTimeout.LIVE)
    if causal := consistency.causal:
        max_wait_s = _seconds("consistency.causal.maxWaitMs", causal.max_wait_ms)
        return AtLeast(max_wait_s, causal.on_timeout or OnTimeout.LIVE, is_causal=True)
    if bounded := consistency.bounded:
        staleness_s = _seconds("consistency.bounded.maxStalenessMs", bounded.max_staleness_ms)
        return Bounded(staleness_s or 0.0, bounded.on_timeout or OnTimeout.LIVE)
    if consistency.live:
        return Live()
    if consistency.eventual:
        return Eventual()
    raise BadInput("consistency", "eventual and live can only be true")


def _seconds(field: str, milliseconds: int | None) -> float | None:
    if milliseconds is None or milliseconds is UNSET:
        return None
    if not 0 <= milliseconds <= MAX_MS:
        raise BadInput(field, f"must be between 0 and {MAX_MS}")
    return milliseconds / 1000
