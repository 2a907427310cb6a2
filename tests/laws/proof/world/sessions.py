"""Clients: each keeps the tokens it was given and sends them along, the way it is told to.

A client may also send what is no token of its own. It is refused then, and what it holds is as good
as before.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.laws.proof.world.asking import Page

KEPT_COUNT = 6
"""How many of its tokens a client remembers that sends all it has."""


class Carry(StrEnum):
    """How a client sends its tokens, and in what words a story says so."""

    LAST = ""
    ALL = "with all its tokens"
    ALL_REVERSED = "with all its tokens, the newest first"
    ARGUMENT = "with its token as an argument"
    TAMPERED = "with a token it has changed"
    FOREIGN = "with another's token"
    GARBAGE = "with garbage for a token"

    @property
    def is_honest(self) -> bool:
        """Is it a token that the gateway has to honour?"""
        return self in {Carry.LAST, Carry.ALL, Carry.ALL_REVERSED, Carry.ARGUMENT}


@dataclass(frozen=True, slots=True)
class Kept:
    """The joined token of an answer, and the number of the operation that was answered.

    No token is kept all the same: it says that there was nothing to promise.
    """

    number: int
    token: str | None


@dataclass(slots=True)
class Session:
    """One client. ``running`` is its operation that is not answered yet.

    ``next_page`` goes on where its last list ended.
    """

    name: str
    kept: list[Kept] = field(default_factory=list)
    running: "asyncio.Task[None] | None" = None
    next_page: Page | None = None

    @property
    def last_token(self) -> str | None:
        return self.kept[-1].token if self.kept else None

    def keep(self, number: int, token: str | None) -> None:
        """Remember the joined token of an answer."""
        self.kept = [*self.kept[1 - KEPT_COUNT :], Kept(number, token)]

    def carried(self, carry: Carry) -> Sequence[Kept]:
        """What goes along."""
        match carry:
            case Carry.LAST | Carry.ARGUMENT:
                return self.kept[-1:]
            case Carry.ALL:
                return self.kept
            case Carry.ALL_REVERSED:
                return self.kept[::-1]
            case Carry.TAMPERED | Carry.FOREIGN | Carry.GARBAGE:
                return ()

    def sends(self, carry: Carry, foreign: str | None) -> list[str]:
        """The texts that go along; ``foreign`` is somebody else's token."""
        match carry:
            case Carry.TAMPERED:
                return [] if self.last_token is None else [_tampered(self.last_token)]
            case Carry.FOREIGN:
                return [] if foreign is None else [foreign]
            case Carry.GARBAGE:
                return ["ct1!"]
            case Carry.LAST | Carry.ALL | Carry.ALL_REVERSED | Carry.ARGUMENT:
                return [kept.token for kept in self.carried(carry) if kept.token is not None]


def _tampered(token: str) -> str:
    middle = len(token) // 2
    other = "A" if token[middle] != "A" else "B"
    return token[:middle] + other + token[middle + 1 :]
