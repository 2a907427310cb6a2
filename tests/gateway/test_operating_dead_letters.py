import json
import time
from collections.abc import Sequence

import pytest

from gateway.operating.dead_letters import dead_letter_commands
from gateway.operating.letters import StillUnreadable, read_again
from projections.dead_letters import DeadLetter
from projections.errors import StoreUnavailable
from projections.events import PoisonEvent, StateChange
from projections.memory_store import MemoryStore
from projections.projector import Parked
from projections.versions import AggregateKey, Version
from projections.views import Row
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    cloud_event,
    customer_row,
    order_key,
    order_row,
    position,
    to_bytes,
)
from tests.gateway.operating import Ended, now, opening, opening_group, run_command

TWO_HOURS_AGO_S = time.time() - 7_300


def parked(row: Row, raw: bytes | None = None, *, reason: str = "data: not for us") -> PoisonEvent:
    """The poison that the row's event was to the code of yesterday; today's can read it."""
    return PoisonEvent(row.key, reason, row.at, raw or to_bytes(cloud_event(row)))


def a_store(*events: PoisonEvent | StateChange) -> MemoryStore:
    store = MemoryStore(wall_clock=lambda: TWO_HOURS_AGO_S)
    for number, event in enumerate(events):
        arrived = batch(event, at=position(f"log-{number}"))
        now(apply_next(store, arrived))
    return store


def bff_dead_letters(store: MemoryStore, *arguments: str, answer: str = "") -> Ended:
    return run_command(dead_letter_commands(opening(store)), *arguments, answer=answer)


def is_suspect(store: MemoryStore, key: AggregateKey) -> bool:
    return store._is_suspect(key)


def test_no_letters_is_good_news_in_a_sentence() -> None:
    """Nothing parked is told as that, with exit code 0."""
    assert bff_dead_letters(a_store(), "list") == Ended(0, "There are no dead letters.\n", "")
    assert bff_dead_letters(a_store(), "replay", "--all").code == 0


def test_letters_are_listed_with_all_one_needs_to_find_them() -> None:
    """Id, age, place in the log, whether the row still needs it, and the reason in short."""
    long_reason = "data: " + "what is this? " * 20
    store = a_store(
        parked(order_row("o-1", 4)),
        parked(order_row("o-2", 2), reason=long_reason),
        change(order_row("o-1", 5)),
    )

    ended = bff_dead_letters(store, "list")

    header, newest, oldest = ended.out.splitlines()
    assert header.split() == ["id", "age", "where", "now", "reason"]
    assert newest.startswith("order:o-2@1.2")
    assert "2 h" in newest
    assert "orders @ log-1" in newest
    assert "read live" in newest
    assert newest.rstrip().endswith("…")
    assert len(newest) <= 160
    assert oldest.startswith("order:o-1@1.4")
    assert "healed" in oldest


def test_list_that_is_cut_says_so() -> None:
    """Who sees the newest letters only is told how many more there are."""
    store = a_store(*(parked(order_row(f"o-{number}")) for number in range(5)))

    ended = bff_dead_letters(store, "list", "--limit", "2")

    assert "order:o-4@1.1" in ended.out
    assert "order:o-2@1.1" not in ended.out
    assert ended.out.endswith("\n3 older ones; --limit shows more of them.\n")


def test_machines_get_json() -> None:
    """With --json every field is told unshortened."""
    [told] = json.loads(bff_dead_letters(a_store(parked(order_row())), "list", "--json").out)

    assert told == {
        "id": "order:o-1@1.1",
        "aggregate": "order:o-1",
        "until": "1.1",
        "reason": "data: not for us",
        "partition": "orders",
        "cursor": "log-0",
        "parkedAtS": TWO_HOURS_AGO_S,
        "isHealed": False,
    }


def test_letter_is_shown_whole() -> None:
    """Reason, place and the event as it came, with line breaks."""
    store = a_store(parked(order_row(note="für Zoë")))

    ended = bff_dead_letters(store, "show", "order:o-1@1.1")

    assert ended.code == 0
    assert "order:o-1, read live until its row is at 1.1" in ended.out
    assert "data: not for us" in ended.out
    assert '\n  "subject": "o-1",\n' in ended.out
    assert "für Zoë" in ended.out


@pytest.mark.parametrize("raw", [b"\xff\xfe not json", b"[" * 100_000], ids=["bytes", "nested"])
def test_letter_that_is_no_json_is_shown_as_bytes(raw: bytes) -> None:
    """Whatever came can be shown."""
    store = a_store(parked(order_row(), raw))

    ended = bff_dead_letters(store, "show", "order:o-1@1.1")

    assert ended.code == 0
    assert repr(raw[:8])[:-1] in ended.out


@pytest.mark.parametrize("command", ["show", "replay", "discard"])
def test_unknown_letter_is_told_with_where_to_look(command: str) -> None:
    """An id that is none is exit code 1 and a hint."""
    yes = ["--yes"] if command == "discard" else []

    ended = bff_dead_letters(a_store(), command, "order:o-9@1.1", *yes)

    assert ended == Ended(
        1, "", "order:o-9@1.1: there is no such letter; see `bff dead-letters list`\n"
    )


def test_letter_that_can_be_read_by_now_is_applied() -> None:
    """Replayed, the row is there, trusted again, and the letter is gone."""
    store = a_store(parked(order_row()))

    ended = bff_dead_letters(store, "replay", "order:o-1@1.1")

    assert ended == Ended(0, "order:o-1@1.1: applied\n", "")
    assert now(store.versions([order_key()])) == {order_key(): Version(1, 1)}
    assert not is_suspect(store, order_key())
    assert now(store.dead_letter_count()) == 0


def test_letter_that_came_too_late_changes_nothing() -> None:
    """A row that is newer keeps its state; the letter is gone all the same."""
    store = a_store(parked(order_row()), change(order_row(version=3)))

    ended = bff_dead_letters(store, "replay", "order:o-1@1.1")

    assert ended == Ended(0, "order:o-1@1.1: the row was as new already\n", "")
    assert now(store.versions([order_key()])) == {order_key(): Version(1, 3)}
    assert now(store.dead_letter_count()) == 0


def test_letter_that_still_cannot_be_read_stays() -> None:
    """Code that is not mended yet is exit code 1, the reason, and nothing lost."""
    spoilt = to_bytes(cloud_event(order_row()) | {"data": {}})
    store = a_store(parked(order_row(), spoilt))

    ended = bff_dead_letters(store, "replay", "order:o-1@1.1")

    assert ended.code == 1
    assert ended.err.startswith("order:o-1@1.1: still cannot be read, and is kept: data: ")
    assert is_suspect(store, order_key())
    assert now(store.dead_letter_count()) == 1


def test_replaying_all_goes_on_after_one_that_stays() -> None:
    """Every letter has its turn, the oldest first; one that stays makes the exit code 1."""
    spoilt = to_bytes(cloud_event(order_row("o-2")) | {"data": {}})
    store = a_store(
        parked(order_row("o-1")), parked(order_row("o-2"), spoilt), parked(order_row("o-3"))
    )

    ended = bff_dead_letters(store, "replay", "--all")

    assert ended.code == 1
    assert ended.out == "order:o-1@1.1: applied\norder:o-3@1.1: applied\n"
    assert [letter.id for letter in now(store.dead_letters(10))] == ["order:o-2@1.1"]


def test_aggregate_that_waits_for_more_is_told() -> None:
    """A row that a newer poisoned event keeps suspect is not called healed."""
    spoilt = to_bytes(cloud_event(order_row(version=2)) | {"data": {}})
    store = a_store(parked(order_row()), parked(order_row(version=2), spoilt))

    ended = bff_dead_letters(store, "replay", "order:o-1@1.1")

    assert ended.out == ("order:o-1@1.1: applied; still read live, waiting for a newer state\n")


@pytest.mark.parametrize("arguments", [[], ["order:o-1@1.1", "--all"]], ids=["none", "both"])
def test_replaying_asks_for_some_or_for_all(arguments: Sequence[str]) -> None:
    """Neither letters nor --all, or both, is a slip of the hand."""
    ended = bff_dead_letters(a_store(parked(order_row())), "replay", *arguments)

    assert ended.code == 2
    assert "name letters by id, or say --all" in ended.err


def test_discarding_tells_what_it_means_and_asks() -> None:
    """No is no: the letter stays until somebody agrees to lose it."""
    store = a_store(parked(order_row()))

    refused = bff_dead_letters(store, "discard", "order:o-1@1.1", answer="n\n")
    agreed = bff_dead_letters(store, "discard", "order:o-1@1.1", answer="y\n")

    assert refused.code == 1
    assert "stays read live" in refused.out
    assert agreed.code == 0
    assert agreed.out.endswith("order:o-1@1.1: discarded\n")
    assert now(store.dead_letter_count()) == 0
    assert is_suspect(store, order_key())


def test_scripts_are_not_asked() -> None:
    """With --yes nothing is asked, and each letter is told."""
    store = a_store(parked(order_row("o-1")), parked(order_row("o-2")))

    ended = bff_dead_letters(store, "discard", "order:o-1@1.1", "order:o-2@1.1", "--yes")

    assert ended == Ended(0, "order:o-1@1.1: discarded\norder:o-2@1.1: discarded\n", "")


def a_letter(raw: bytes) -> DeadLetter:
    return DeadLetter.of(Parked(order_key(), "why", Version(1, 1), raw), "orders", "log-1", 0.0)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"{", "truncated"),
        (b'{"type": "stock.counted"}', "type 'stock.counted' is not projected"),
        (to_bytes(cloud_event(customer_row())), "is read as an event of customer:c-1"),
        (
            b'{"type": "outbox.heartbeat", "time": "2025-03-01T09:30:01Z"}',
            "is read as a heartbeat",
        ),
    ],
    ids=["nothing", "unknown", "another's", "heartbeat"],
)
def test_only_a_state_of_its_own_aggregate_is_replayed(raw: bytes, reason: str) -> None:
    """Whatever else today's code reads out of a letter, its aggregate is not helped by it."""
    outcome = read_again(a_letter(raw))

    assert isinstance(outcome, StillUnreadable)
    assert reason in outcome.reason


class Unreachable(MemoryStore):
    """A store that cannot be asked."""

    async def dead_letters(self, *_: object, **__: object) -> Sequence[DeadLetter]:
        raise StoreUnavailable("no answer in time")


@pytest.mark.parametrize("open_with", [opening, opening_group], ids=["plain", "in a group"])
def test_store_out_of_reach_is_one_message(open_with: type) -> None:
    """No store is exit code 2 and what happened, never a stack."""
    commands = dead_letter_commands(open_with(Unreachable()))

    assert run_command(commands, "list") == Ended(2, "", "store: no answer in time\n")
