"""A recorded history: what clients asked and were told, and what the owners truly committed.

The rule: a history holds only what was seen from outside, so that the same checkers judge a world
on a virtual clock and real processes. All instants are Unix seconds of one clock, that by which
tokens are marked and projections are proven. Everything here is a value and nothing decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from projections.token import EMPTY_TOKEN, ConsistencyToken, FloorKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import STALENESS_BUDGETS_S
from projections.views.orders import ListingPosition, OrderStatus
from resolvers.answer import Reason, Source
from resolvers.demand import AtLeast, Mode

Key = AggregateKey
Versions = Mapping[Key, Version]
Fields = Mapping[str, object]
"""Public fields of a state by their names in the contract; compared by ``==``, so write them alike
where they are committed and where they are shown (amounts as `Decimal`, say)."""

PLAIN = AtLeast()
"""The mode of an operation that says nothing of consistency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One component as a client saw it: a state, or (``is_absent``) that there is none.

    What is null with an error was not shown. ``path`` begins with the response key of the root
    field: ``order.customer``. ``version`` of an absence is that of the tombstone, where told.
    ``state`` are the fields that the query selected. ``instead_of`` is the code of the failure in
    whose place it is shown.
    """

    path: str
    key: Key
    version: Version | None
    source: Source
    reason: Reason
    age_s: float = 0.0
    instead_of: str | None = None
    is_absent: bool = False
    state: Fields = field(default_factory=dict)

    @property
    def root(self) -> str:
        """The root field it is a part of."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page of a customer's orders, as it was shown; its orders are `Shown` too.

    ``after``: where the page before ended, as its cursor says, and ``follows`` the number of the
    operation that showed that page: its cursor carries what was seen there. ``null_count``: orders
    on it that are null, with an error; their ids are not known.
    """

    path: str
    customer_id: str
    order_ids: tuple[str, ...]
    has_more: bool
    source: Source
    reason: Reason
    status: OrderStatus | None = None
    first: int = 20
    after: ListingPosition | None = None
    follows: int | None = None
    null_count: int = 0
    age_s: float = 0.0
    instead_of: str | None = None

    @property
    def root(self) -> str:
        """The root field it is a part of."""
        return self.path.partition(".")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an operation was answered: data, `extensions.consistency`, codes of errors.

    ``got`` is its joined token, opened; ``token_text`` the same as it travelled. ``waited_s`` is
    what the answer says, ``wait_budget_s`` what it was allowed: the least of the client's
    ``maxWaitMs`` and the cap of the server. ``has_data`` is false where a failure has taken all of
    it: nothing is shown then, whatever the gateway has heard.
    """

    shown: tuple[Shown, ...] = ()
    pages: tuple[Listed, ...] = ()
    got: ConsistencyToken = EMPTY_TOKEN
    token_text: str | None = None
    is_satisfied: bool = True
    missing: Versions = field(default_factory=dict)
    waited_s: float = 0.0
    wait_budget_s: float = 0.0
    errors: tuple[str, ...] = ()
    has_data: bool = True

    @property
    def parts(self) -> tuple[Shown | Listed, ...]:
        """All that carries provenance: components, then pages."""
        return (*self.shown, *self.pages)


class Outcome(StrEnum):
    """How a write ended, as far as its writer was told."""

    CONFIRMED = "CONFIRMED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One root mutation. ``key`` is None for an order that was to be placed and nobody knows.

    ``version`` is what its owner confirmed. ``is_repeated``: it had been done before under the same
    idempotency key, so its version may be an old one.
    """

    key: Key | None
    outcome: Outcome
    version: Version | None = None
    is_repeated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request of a session: a query, or a mutation if it has ``writes`` (in their order).

    ``carried`` are the numbers of the operations whose joined tokens it brought, as header, cookie
    or argument, that were still good: what was answered there is what this answer must not undo.
    ``sent`` is the merge of all that it brought, cursors included. ``answer`` is None when none
    came.
    """

    number: int
    session: str
    gateway: str
    invoked_at_s: float
    returned_at_s: float
    mode: Mode = PLAIN
    carried: tuple[int, ...] = ()
    sent: ConsistencyToken = EMPTY_TOKEN
    writes: tuple[Write, ...] = ()
    answer: Answer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Where a state of an order stands: in the lists of its customer and its status."""

    customer_id: str
    status: OrderStatus
    position: ListingPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """One change that an owner committed; without a ``state`` it is a deletion.

    ``listing`` is that of an order, ``refers_to`` are its customer and its products, and
    ``depends_on`` is what it says its writer had seen. ``told``: the logs that hold its event, and
    the offset that a reader of each has reached who has applied it; empty where nobody tells.
    ``lost_at_s``: when its service forgot it, restored from an older backup.
    """

    key: Key
    at: Version
    committed_at_s: float
    state: Fields | None
    listing: Listing | None = None
    refers_to: tuple[Key, ...] = ()
    depends_on: Versions = field(default_factory=dict)
    told: Mapping[FloorKey, int] = field(default_factory=dict)
    lost_at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Operations in the order of their numbers, and commits in the order of their owners.

    An operation carries only such as have smaller numbers. ``owners_may_lag``: owners answer reads
    from replicas that may be behind their own commits. ``slack_s``: how exact the instants are.
    ``failures``: when calls to the owners of a type failed, or took too long; None if nobody tells.
    """

    operations: tuple[Operation, ...]
    commits: tuple[Commit, ...]
    owners_may_lag: bool = False
    staleness_budgets_s: Mapping[AggregateType, float] = field(
        default_factory=lambda: STALENESS_BUDGETS_S
    )
    slack_s: float = 0.002
    failures: Mapping[AggregateType, Sequence[float]] | None = None
