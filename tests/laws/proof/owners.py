"""What the owners had committed, and when: the truth that every answer is held against. Pure.

The versions of an aggregate are ordered as they were committed, epoch first. A commit that a
restored service has lost counts only until then: nobody can be held to what its owner forgot.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from math import inf

from projections.versions import Version
from projections.views.orders import ListingPosition
from tests.laws.proof.history import Commit, Key, Listing


class Owners:
    """All commits of a history by aggregate, in the order of their versions."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        self._of: dict[Key, list[Commit]] = {}
        self._at: dict[tuple[Key, Version], Commit] = {}
        for commit in sorted(commits, key=_at):
            self._of.setdefault(commit.key, []).append(commit)
            self._at[commit.key, commit.at] = commit
        self._listings: dict[Key, Listing] = {}
        for commit in commits:
            if commit.listing is not None:
                self._listings.setdefault(commit.key, commit.listing)
        self._orders_of: dict[str, list[Key]] = {}
        for key, listing in sorted(self._listings.items(), key=_position, reverse=True):
            self._orders_of.setdefault(listing.customer_id, []).append(key)

    @property
    def keys(self) -> Iterable[Key]:
        """Every aggregate that there ever was."""
        return self._of.keys()

    def commit(self, key: Key, at: Version) -> Commit | None:
        """The commit of this version; None if nobody made one."""
        return self._at.get((key, at))

    def commits_of(self, key: Key) -> Sequence[Commit]:
        """All commits of an aggregate, oldest first."""
        return self._of.get(key, ())

    def orders_of(self, customer_id: str) -> Sequence[Key]:
        """Every order that the customer ever had, in the order of its lists: newest first."""
        return self._orders_of.get(customer_id, ())

    def position_of(self, key: Key) -> ListingPosition | None:
        """Where an order stands in every list that it is in; None if there never was such an order.

        Its customer and its place never change.
        """
        listing = self._listings.get(key)
        return None if listing is None else listing.position

    def newest_at(self, key: Key, at_s: float) -> Commit | None:
        """What the owner would have answered for the aggregate at this instant."""
        commits = self.commits_of(key)
        made = range(bisect_right(commits, at_s, key=lambda c: c.committed_at_s) - 1, -1, -1)
        return next((commits[n] for n in made if not is_lost(commits[n], at_s)), None)

    def superseded_at_s(self, key: Key, at: Version | None, by_s: float) -> float:
        """When the version was no longer its owner's newest; infinity if it still is.

        Of None: when there was something. What was lost again before ``by_s`` superseded nothing.
        """
        commits = self.commits_of(key)
        first = 0 if at is None else bisect_right(commits, at, key=_at)
        kept = (commits[n] for n in range(first, len(commits)) if not is_lost(commits[n], by_s))
        return next((commit.committed_at_s for commit in kept), inf)

    def surviving(self, key: Key, at: Version, by_s: float) -> Version | None:
        """The version; where it was lost before ``by_s``, the greatest one below that was not.

        A version that nobody committed is left as it is.
        """
        if self.commit(key, at) is None:
            return at
        commits = self.commits_of(key)
        below = range(bisect_right(commits, at, key=_at) - 1, -1, -1)
        return next((commits[n].at for n in below if not is_lost(commits[n], by_s)), None)

    def first_from(
        self, key: Key, least: Version, by_s: float, is_such: Callable[[Commit], bool]
    ) -> Commit | None:
        """The first such commit from this version on that was made before ``by_s``."""
        commits = self.commits_of(key)
        later = range(bisect_left(commits, least, key=_at), len(commits))
        made = (commits[n] for n in later if commits[n].committed_at_s <= by_s)
        return next(filter(is_such, made), None)


def is_lost(commit: Commit, by_s: float) -> bool:
    """Has its service forgotten it by this instant?"""
    return commit.lost_at_s is not None and commit.lost_at_s <= by_s


def _position(listed: tuple[Key, Listing]) -> ListingPosition:
    return listed[1].position


def _at(commit: Commit) -> Version:
    return commit.at
