"""One read as a root field asks for it, and how long and how old reads may be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Protocol

from msgspec import Struct
from msgspec.structs import replace

from projections.selection import OrderRoot, Root, has_pages
from projections.token import ConsistencyToken
from projections.versions import AggregateType
from projections.views import STALENESS_BUDGETS_S, Row
from resolvers.answer import Answer
from resolvers.demand import Demand
from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """How long reads wait for the projection, and how old it may be."""

    wait_cap_s: Annotated[float, Between(0, 5)] = 0.25
    """Seconds of the longest wait that a client can ask for. A quarter: the projection is usually
    milliseconds behind, and what takes longer is sooner had live."""

    live_reserve_s: Annotated[float, Between(0, 10)] = 0.5
    """Seconds kept of the deadline for going live after a wait, until it is known how long that
    takes here (`LivePace`). Half a second, and never more than a quarter of the deadline."""

    staleness_budgets_s: Mapping[AggregateType, float] = field(
        default_factory=lambda: STALENESS_BUDGETS_S
    )
    """As the read models declare: a source that was not proven current for so long is neither
    waited for nor shown where nothing was said."""

    stale_if_error_s: Annotated[float, Between(0, 3_600)] = 60.0
    """Seconds up to which is shown, in place of an owner's failure, what is at hand; 0 shows
    nothing. A minute: a restart, or a deployment that is taken back."""

    def __post_init__(self) -> None:
        require_ranges(self)


class ReadRequest(Struct, frozen=True, eq=False):
    """One root field. ``written`` is the owner's answer to the mutation that this read follows.

    ``name`` is its key in the response, for whoever tells of it.
    """

    root: Root
    demand: Demand
    written: Row | None = None
    name: str = ""

    def roots(self) -> list[Root]:
        """What the cut must hold; a list may show any demanded order, so those come along."""
        if not has_pages(self.root):
            return [self.root]
        return [self.root, *(OrderRoot(key.id) for key in self.demand.orders)]

    @property
    def is_outdated(self) -> bool:
        """Is the written state older than demanded, as when a write was repeated with its key?"""
        if self.written is None:
            return False
        return self.written.at < self.demand.token.entries.get(self.written.key, self.written.at)

    @property
    def awaited(self) -> ConsistencyToken:
        """What the projection has to reach: the tokens, less the write that is already at hand."""
        if self.written is None or self.is_outdated:
            return self.demand.token
        others = {k: v for k, v in self.demand.token.entries.items() if k != self.written.key}
        return replace(self.demand.token, entries=others)


class Reads(Protocol):
    """What resolvers ask for rows."""

    async def read(self, request: ReadRequest) -> Answer:
        """The completed answer of one root field; raises nothing for a service that fails."""
        ...

    async def read_all(self, requests: Sequence[ReadRequest]) -> list[Answer]:
        """The answers of all root fields of an operation, in order, read in one cut."""
        ...

    def forget(self) -> None:
        """Let nothing that was asked before a write answer what is asked after it."""
        ...

    def close(self) -> None:
        """Cancel whatever the operation still waits for. Idempotent."""
        ...
