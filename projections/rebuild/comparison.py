"""Is the projection built anew fit to take the place of the one that serves? Pure.

The rule: green was read later than blue, so it may be newer and never older. What blue holds only
from live answers, ahead of the stream, is no measure. At the same version both have to say the same
word for word; lists have to agree on all orders that did not change in between.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from projections.projector import StoredRow
from projections.selection import PageKey
from projections.store import Cut, StoredPage
from projections.versions import AggregateKey, AggregateType, Version


@dataclass(frozen=True, slots=True)
class Older:
    """Green has less than blue was told by the stream (None: no row): its log has lost events."""

    key: AggregateKey
    blue_at: Version
    green_at: Version | None


@dataclass(frozen=True, slots=True)
class Unlike:
    """Same version, other content: one of the two was read by faulty code."""

    key: AggregateKey
    at: Version


@dataclass(frozen=True, slots=True)
class ListedUnlike:
    """The same orders of a customer are listed otherwise."""

    page: PageKey


Disagreement = Older | Unlike | ListedUnlike


def compare_cuts(blue: Cut, green: Cut) -> tuple[Disagreement, ...]:
    """All that speaks against green, for what both were asked for; ``green`` was read later."""
    return (*_compare_rows(blue.rows, green.rows), *_compare_pages(blue, green))


def _compare_rows(
    blue: Mapping[AggregateKey, StoredRow | None], green: Mapping[AggregateKey, StoredRow | None]
) -> Iterator[Disagreement]:
    for key, ours in blue.items():
        theirs = green.get(key)
        if ours is None or not ours.is_streamed:
            continue
        if theirs is None or theirs.at < ours.at:
            yield Older(key, ours.at, None if theirs is None else theirs.at)
        elif theirs.at == ours.at and theirs.row != ours.row:
            yield Unlike(key, ours.at)


def _compare_pages(blue: Cut, green: Cut) -> Iterator[Disagreement]:
    orders = {key for key in (*blue.rows, *green.rows) if key.type is AggregateType.ORDER}
    changed = {key.id for key in orders if blue.version_of(key) != green.version_of(key)}
    for page, ours in blue.pages.items():
        theirs = green.pages.get(page)
        if theirs is not None and not _are_alike(ours, theirs, changed):
            yield ListedUnlike(page)


def _are_alike(blue: StoredPage, green: StoredPage, changed: Collection[str]) -> bool:
    """Whether both pages agree; a page with more changed orders reaches less far down the list."""
    ours = [order_id for order_id in blue.order_ids if order_id not in changed]
    theirs = [order_id for order_id in green.order_ids if order_id not in changed]
    if not (blue.has_more or green.has_more):
        return ours == theirs
    shared_count = min(len(ours), len(theirs))
    return ours[:shared_count] == theirs[:shared_count]
