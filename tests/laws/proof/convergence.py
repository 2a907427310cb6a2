"""Convergence: once nobody writes and everything has arrived, the projection is what owners say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import inf

from projections.versions import Version
from projections.views.orders import OrderStatus
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Fields, Key
from tests.laws.proof.owners import is_lost
from tests.laws.proof.violations import Law, Violation

ListKey = tuple[str, OrderStatus | None]
"""Whose list: the customer, and the status that is asked for, if any."""


@dataclass(frozen=True, slots=True)
class Held:
    """One row of the projection as it lies there; without a state a tombstone."""

    at: Version
    state: Fields | None


@dataclass(frozen=True, slots=True)
class Holdings:
    """All that a projection holds at the end; of ``lists`` only those that are judged."""

    rows: Mapping[Key, Held]
    lists: Mapping[ListKey, tuple[str, ...]] = field(default_factory=dict)


def projection_converges(evidence: Evidence, holdings: Holdings) -> Iterator[Violation]:
    """Every row is its owner's newest, there is no other, and every list shows its orders.

    A row that its owner forgot, restored from a backup, may stay until it changes there again.
    """
    keys = {*evidence.owners.keys, *holdings.rows}
    for key in sorted(keys):
        if (story := _difference(evidence, key, holdings.rows.get(key))) is not None:
            yield Violation(Law.CONVERGENCE, f"the projection holds {key} {story}")
    for (customer_id, status), listed in holdings.lists.items():
        right = _listing(evidence, holdings.rows, customer_id, status)
        if listed != right:
            story = f"the {status or 'whole'} list of {customer_id} is {listed}, not {right}"
            yield Violation(Law.CONVERGENCE, story)


def _difference(evidence: Evidence, key: Key, held: Held | None) -> str | None:
    commit = evidence.owners.newest_at(key, inf)
    if held is None:
        is_there = commit is not None and commit.state is not None
        return f"not at all, and its owner is at {commit.at}" if commit and is_there else None
    known = evidence.owners.commit(key, held.at)
    is_forgotten = known is not None and is_lost(known, inf)
    if commit is None or held.at != commit.at:
        at = "has no such thing" if commit is None else f"is at {commit.at}"
        newer = commit is not None and commit.at > held.at
        return f"at {held.at}, and its owner {at}" if newer or not is_forgotten else None
    return None if held.state == commit.state else f"at {held.at}, but not as it was committed"


def _listing(
    evidence: Evidence,
    rows: Mapping[Key, Held],
    customer_id: str,
    status: OrderStatus | None,
) -> tuple[str, ...]:
    """The list that these rows ask for, newest order first."""
    listings = [
        commit.listing
        for key in evidence.owners.orders_of(customer_id)
        if (held := rows.get(key)) is not None
        and held.state is not None
        and (commit := evidence.owners.commit(key, held.at)) is not None
        and commit.listing is not None
    ]
    standing = [listing.position for listing in listings if status in (None, listing.status)]
    return tuple(position.id for position in sorted(standing, reverse=True))
