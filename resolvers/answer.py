"""What has been found for one root field: every component with where and when it came from.

A component is a row somebody owns, or the fact that there is none, or the failure to find out. The
rule: nothing is silently stale or silently missing, so each carries its provenance.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, Self

from msgspec import Struct, field

from projections.selection import PageKey
from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.versions import AggregateKey, Version
from projections.views import OrderRow, Row
from projections.views.orders import ListingPosition
from resolvers.errors import ConsistencyTimeout
from resolvers.upstream.errors import UpstreamError


class Source(StrEnum):
    """Where a component came from."""

    PROJECTION = "PROJECTION"
    LIVE = "LIVE"


class Reason(StrEnum):
    """Why it came from there. Public: clients and dashboards read these words."""

    DEFAULT = "DEFAULT"
    TOKEN_REACHED = "TOKEN_REACHED"
    TOKEN_REACHED_AFTER_WAIT = "TOKEN_REACHED_AFTER_WAIT"
    STALE_ALLOWED = "STALE_ALLOWED"
    STALE_IF_ERROR = "STALE_IF_ERROR"
    LIVE_REQUESTED = "LIVE_REQUESTED"
    TOKEN_NOT_REACHED = "TOKEN_NOT_REACHED"
    NOT_PROJECTED = "NOT_PROJECTED"
    PARKED = "PARKED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    TOO_STALE = "TOO_STALE"
    BUDGET_SPENT = "BUDGET_SPENT"
    CAUSE_NOT_REACHED = "CAUSE_NOT_REACHED"
    PROJECTION_BUILDING = "PROJECTION_BUILDING"
    PROJECTION_UNAVAILABLE = "PROJECTION_UNAVAILABLE"
    PROJECTION_OFF = "PROJECTION_OFF"
    WRITE_RESULT = "WRITE_RESULT"


_STALE: Final = frozenset([Reason.STALE_ALLOWED, Reason.STALE_IF_ERROR])


class Provenance(Struct, frozen=True):
    """Where and why; ``age_s``: at most so long ago (s) this was the owner's newest state.

    ``instead_of`` is the failure in whose place it is shown, where it is (`STALE_IF_ERROR`).
    """

    source: Source
    reason: Reason
    age_s: float = 0.0
    instead_of: UpstreamError | None = None

    @property
    def is_stale(self) -> bool:
        """Is it older than it should be, and shown for a reason all the same?"""
        return self.reason in _STALE


class Found(Struct, frozen=True):
    """A row. ``is_streamed``: the projection holds it from the event stream for good."""

    row: Row
    provenance: Provenance
    is_streamed: bool = False


class Absent(Struct, frozen=True):
    """There is no such aggregate; ``at`` is the version of its tombstone where one is shown.

    ``at_least``: the version of the tombstone that the projection has, though its owner was asked.
    ``may_come_back``: somebody has seen it, or may, in a projection that is behind its owner.
    """

    provenance: Provenance
    at: Version | None = None
    at_least: Version | None = None
    may_come_back: bool = False


class Failed(Struct, frozen=True):
    """Nobody could tell, or nobody could tell fresh enough."""

    error: UpstreamError | ConsistencyTimeout


Component = Found | Absent | Failed


class FoundPage(Struct, frozen=True):
    """One page of a customer's orders, newest first; the orders themselves are components.

    ``listed_at`` holds where each order stands, whether its row can be had or not. ``ends_at`` is
    where the last one stood when the page was read: the list goes on after it even if all of them
    turn out to have left the list since. ``seen`` is what the next page must not fall behind.
    ``lacks_listed``: it is live, and the projection still lists what it does not, or may.
    """

    order_ids: tuple[str, ...]
    has_more: bool
    provenance: Provenance
    listed_at: Mapping[str, ListingPosition] = field(default_factory=dict)
    ends_at: ListingPosition | None = None
    seen: ConsistencyToken = EMPTY_TOKEN
    lacks_listed: bool = False

    @classmethod
    def of(
        cls,
        orders: Iterable[OrderRow],
        provenance: Provenance,
        *,
        has_more: bool,
        seen: ConsistencyToken,
    ) -> Self:
        """The page as it was read, newest order first."""
        listed_at = {order.id: order.listed_at for order in orders}
        ends_at = min(listed_at.values(), default=None)
        return cls(tuple(listed_at), has_more, provenance, listed_at, ends_at, seen)


class Answer(Struct):
    """The components and pages of one root field, filled wave by wave; read by the field types.

    Once it is complete, ``shown`` is what a reader of all of it has seen, and ``unshown`` are
    components that were looked up for something which failed then.
    """

    components: dict[AggregateKey, Component] = field(default_factory=dict)
    pages: dict[PageKey, FoundPage | Failed] = field(default_factory=dict)
    shown: ConsistencyToken = EMPTY_TOKEN
    unshown: Collection[AggregateKey] = ()

    def row_of(self, key: AggregateKey) -> Row | None:
        match self.components.get(key):
            case Found(row=row):
                return row
            case _:
                return None

    def page_of(self, key: PageKey) -> Sequence[str] | None:
        match self.pages.get(key):
            case FoundPage(order_ids=order_ids):
                return order_ids
            case _:
                return None

    def version_of(self, key: AggregateKey) -> Version | None:
        """The version shown of an aggregate; None where nothing or no version was shown."""
        match self.components.get(key):
            case Found(row=row):
                return row.at
            case Absent(at=at):
                return at
            case _:
                return None

    def has_told_live(self, *, besides: AggregateKey | None) -> bool:
        """Has an owner told of anything else just now, be it that there is none?"""
        return any(
            not isinstance(component, Failed)
            and component.provenance.source is Source.LIVE
            and component.provenance.instead_of is None
            and key != besides
            for key, component in self.components.items()
        )
