"""Dead letters as an operator sees them, and what comes of replaying one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.dead_letters import DeadLetter, DeadLetters
from projections.events import (
    Heartbeat,
    PoisonEvent,
    StateChange,
    UnknownEvent,
    UnreadableEvent,
    parse_event,
)
from projections.projector import Verdict
from projections.selection import root_of
from projections.store import Store


class LetterStore(DeadLetters, Store, Protocol):
    """A store of rows that keeps what it had to park."""


@dataclass(frozen=True, slots=True)
class LetterNow:
    """A letter, and whether its row has since become new enough to do without it."""

    letter: DeadLetter
    is_healed: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """The letter could be read and is gone. ``is_suspect``: its row is still not to be trusted."""

    letter: DeadLetter
    verdict: Verdict
    is_suspect: bool


@dataclass(frozen=True, slots=True)
class StillUnreadable:
    """Today's code cannot read it either; the letter is kept."""

    letter: DeadLetter
    reason: str


@dataclass(frozen=True, slots=True)
class NoSuchLetter:
    """There is no letter of this id (any more)."""

    id: str


Outcome = Replayed | StillUnreadable | NoSuchLetter


async def read_letters(store: LetterStore, limit: int) -> Sequence[LetterNow]:
    """At most ``limit`` letters, the newest first."""
    letters = await store.dead_letters(limit)
    versions = await store.versions({letter.key for letter in letters})
    return [
        LetterNow(letter, is_healed=letter.key in versions and versions[letter.key] >= letter.until)
        for letter in letters
    ]


def read_again(letter: DeadLetter) -> StateChange | StillUnreadable:
    """What today's code makes of the letter."""
    match parse_event(letter.raw):
        case StateChange(key=letter.key) as change:
            return change
        case StateChange(key=key):
            return StillUnreadable(letter, f"is read as an event of {key}")
        case PoisonEvent(reason=reason) | UnreadableEvent(reason=reason):
            return StillUnreadable(letter, reason)
        case UnknownEvent(type=event_type):
            return StillUnreadable(letter, f"type {event_type!r} is not projected")
        case Heartbeat():
            return StillUnreadable(letter, "is read as a heartbeat")


async def replay(store: LetterStore, letter_id: str) -> Outcome:
    """Apply the letter with today's code; one that still cannot be read stays."""
    letter = await store.dead_letter(letter_id)
    if letter is None:
        return NoSuchLetter(letter_id)
    change = read_again(letter)
    if isinstance(change, StillUnreadable):
        return change
    verdict = await store.replay(letter, change)
    cut = await store.read([root_of(letter.key)])
    return Replayed(letter, verdict, is_suspect=letter.key in cut.suspects)
