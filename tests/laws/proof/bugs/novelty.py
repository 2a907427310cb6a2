"""Novelty: what a store announces is new.

Only for stores that forget nothing and have no other generation put in their place.
"""

from collections.abc import Iterable, Iterator, Mapping

from projections.versions import AggregateKey, Version
from tests.laws.proof.violations import Law, Violation


def news_are_new(announcements: Iterable[Mapping[AggregateKey, Version]]) -> Iterator[Violation]:
    """Of each aggregate every announced version is greater than all that were announced before."""
    told: dict[AggregateKey, Version] = {}
    for announcement in announcements:
        for key, at in announcement.items():
            if key in told and at <= told[key]:
                story = f"{key} at {at} was announced as new, after {told[key]}"
                yield Violation(Law.NO_FABRICATION, story)
            told[key] = max(at, told.get(key, at))
