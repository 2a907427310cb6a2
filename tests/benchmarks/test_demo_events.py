"""The made-up events: as real as those of the services, and each a new version."""

from collections import Counter
from itertools import islice

from benchmarks.demo_events import events
from benchmarks.projected import next_offset
from projections.events import StateChange, parse_event
from projections.redis_store.values import PackedPosition, pack

COUNT = 45_000


def test_every_event_is_a_change_under_the_key_of_its_aggregate() -> None:
    """A projector takes them for what services publish, and sets none aside."""
    for source, key, value in islice(events(0), 500):
        change = parse_event(value)
        assert isinstance(change, StateChange)
        assert (change.key.type.source, change.key.id.encode()) == (source, key)


def test_every_event_brings_the_next_version_of_its_aggregate() -> None:
    """Not one of them is a duplicate or a jump, so that each is all the work that it should be."""
    versions: Counter[bytes] = Counter()
    for _, key, value in islice(events(0), COUNT):
        change = parse_event(value)
        assert isinstance(change, StateChange)
        versions[key] += 1
        assert change.at.number == versions[key]
        assert change.previous_number == (versions[key] - 1 or None)


def test_a_later_writer_goes_on_where_the_first_ended() -> None:
    """Events have numbers: whoever writes from one of them on writes the same."""
    assert list(islice(events(0), 1000, 1010)) == list(islice(events(1000), 10))


def test_a_stored_position_tells_how_many_records_lie_before_it() -> None:
    """The gauge reads the offset out of what the store has written."""
    position = PackedPosition(6, "1234-00ff00ff00ff00ff", 0.0, is_caught_up=True, remaining_count=0)

    assert next_offset(pack(position)) == 1234
