"""Twice is once: answers are remembered under their keys, in the transaction of their effect.

The rule: key, effect and answer are committed together or not at all. So a client that never got
the answer may send the request again, and gets the first answer, word for word, without a second
effect. Refusals are not remembered: what was refused may be mended and sent again under the same
key. (A stub keeps keys for ever; a real service may forget them after a day or more.)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Response

from upstream_stubs.database import Database
from upstream_stubs.problems import ProblemError, Refusal

TABLE: Final = (
    "CREATE TABLE answer (idempotency_key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL,"
    " status INTEGER NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL) STRICT"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a mutation: the client's key for it (None: not repeatable) and what it asks."""

    key: str | None
    asks: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """Equal for two attempts exactly when they ask the same."""
        return hashlib.sha256("\n".join(self.asks).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a successful mutation answers: the resource's JSON at the version it reached."""

    status: int
    version: int
    body: str

    def render(self) -> Response:
        headers = {"ETag": f'"{self.version}"'}
        return Response(self.body, self.status, headers, media_type="application/json")


class AnswerBook:
    """The remembered answers of one service."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def once(self, attempt: Attempt, act: Callable[[], Answer]) -> Answer:
        """The answer of ``act``, which runs in a transaction, and at most once for each key.

        Raises ProblemError when the key was used for something else, and whatever ``act`` raises;
        then nothing is written.
        """
        with self._database.transaction():
            known = self._recall(attempt)
            if known is not None:
                return known
            answer = act()
            self._remember(attempt, answer)
            return answer

    def _recall(self, attempt: Attempt) -> Answer | None:
        rows = self._database.rows(
            "SELECT fingerprint, status, version, body FROM answer WHERE idempotency_key = ?",
            attempt.key,
        )
        for fingerprint, status, version, body in rows:
            if fingerprint != attempt.fingerprint:
                detail = "this key was used for a different request; choose a new one"
                raise ProblemError(Refusal.IDEMPOTENCY_KEY_REUSED, detail, field="Idempotency-Key")
            return Answer(status, version, body)
        return None

    def _remember(self, attempt: Attempt, answer: Answer) -> None:
        if attempt.key is None:
            return
        self._database.change(
            "INSERT INTO answer VALUES (?, ?, ?, ?, ?)",
            attempt.key,
            attempt.fingerprint,
            answer.status,
            answer.version,
            answer.body,
        )
