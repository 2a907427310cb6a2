"""When each committed version could be seen: commits joined with what a listener heard. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Key = tuple[str, str]
"""Type and id of an aggregate."""

Numbered = tuple[int, int]
"""Epoch and number of a version."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A version, and the instant of its commit (s)."""

    key: Key
    at: Numbered
    committed_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """How long each version took to be seen (s), and how many never were."""

    delays_s: tuple[float, ...]
    unseen_count: int


class Heard:
    """What a listener heard, in the order of hearing.

    Only what raises a version is kept: a version is seen as soon as it or a later one is.
    """

    def __init__(self) -> None:
        self._versions: dict[Key, list[Numbered]] = {}
        self._instants_s: dict[Key, list[float]] = {}

    def note(self, heard_s: float, versions: Mapping[Key, Numbered]) -> None:
        """These versions could be seen from this instant on."""
        for key, at in versions.items():
            known = self._versions.setdefault(key, [])
            if not known or at > known[-1]:
                known.append(at)
                self._instants_s.setdefault(key, []).append(heard_s)

    def since(self, key: Key, at: Numbered) -> float | None:
        """The instant from which this version or a later one could be seen; None: never."""
        known = self._versions.get(key, [])
        place = bisect_left(known, at)
        return self._instants_s[key][place] if place < len(known) else None


def join(commits: Iterable[Committed], heard: Heard) -> Seen:
    """The delay from commit to sight of every version."""
    delays_s: list[float] = []
    unseen_count = 0
    for commit in commits:
        since_s = heard.since(commit.key, commit.at)
        if since_s is None:
            unseen_count += 1
        else:
            delays_s.append(since_s - commit.committed_s)
    return Seen(tuple(delays_s), unseen_count)
