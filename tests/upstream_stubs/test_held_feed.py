"""A feed that is held acts as a relay that stopped: what it proves grows old."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from upstream_stubs.database import Database, open_database
from upstream_stubs.feed import Feed
from upstream_stubs.outbox import TABLES

NOON = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Relayed:
    """A feed over a log, and a clock that is set by hand."""

    database: Database
    now: datetime = NOON
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self.database, now=lambda: self.now)

    def commit(self) -> None:
        with self.database.transaction():
            self.database.change(
                "INSERT INTO outbox (aggregate_id, version, event) VALUES (?, 1, '{}')",
                str(self.now.timestamp()),
            )

    def shown(self) -> tuple[int, int, datetime]:
        """How many events a reader from the start is shown, how many remain, and the proof."""
        page = self.feed.read_after(None, 100)
        return page.place, page.remaining, page.proven_at


@pytest.fixture
def relayed(tmp_path: Path) -> Iterator[Relayed]:
    path = tmp_path / "log.sqlite"
    with open_database(path, tables=TABLES, fill=lambda _: None) as database:
        yield Relayed(database)


def test_proof_follows_the_clock(relayed: Relayed) -> None:
    """Each answer of a working feed proves the moment at which it was given."""
    relayed.commit()
    relayed.now += MINUTE

    assert relayed.shown() == (1, 0, NOON + MINUTE)


def test_proof_of_a_held_feed_stays_where_it_was(relayed: Relayed) -> None:
    """Readers are told that they are at the end, as of a moment that recedes."""
    relayed.commit()
    relayed.feed.hold()
    relayed.now += MINUTE
    relayed.commit()
    relayed.feed.hold()

    assert relayed.shown() == (1, 0, NOON)


def test_released_feed_proves_the_present_again(relayed: Relayed) -> None:
    """What was held back and that nothing else was are told together."""
    relayed.feed.hold()
    relayed.now += MINUTE
    relayed.commit()

    relayed.feed.release()

    assert relayed.shown() == (1, 0, NOON + MINUTE)


def test_reader_who_is_ahead_of_a_held_feed_stays_there(relayed: Relayed) -> None:
    """Held in the middle of its log, a feed takes nothing back from who has read more."""
    relayed.feed.hold()
    relayed.commit()

    page = relayed.feed.read_after(f"{relayed.database.log_id}-1", 100)

    assert (page.events, page.place, page.remaining) == ((), 1, 0)
