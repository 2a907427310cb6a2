"""One service's own SQLite file: opening it, its identity, and its short transactions.

The rule: one process owns the file (exclusive lock), over one connection, and every transaction is
synchronous and runs in the event loop. A stub's write takes well under a millisecond, so a thread
would cost more than it saves, and because nothing can be awaited inside a transaction, no request
ever sees another's half.

The log is WAL with ``synchronous=NORMAL``: a killed process loses nothing that was answered; a
power cut may lose the last commits, which is what epochs are for.
"""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

FIRST_EPOCH: Final = 1
LOCK_WAIT_S: Final = 5.0
"""How long an opening waits for the last owner of the file to be gone."""

IDENTITY_TABLE: Final = (
    "CREATE TABLE identity (log_id TEXT NOT NULL, epoch INTEGER NOT NULL) STRICT"
)


class DatabaseUnavailableError(Exception):
    """The file cannot be ours: another process owns it, or it is no database of ours."""


class Bell:
    """Wakes everybody who waits for the next commit, so that nobody polls."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next_ring(self) -> asyncio.Event:
        """Set at the next ring. Take it before looking, and no ring between is lost."""
        return self._next

    def ring(self) -> None:
        self._next.set()
        self._next = asyncio.Event()


class Database:
    """The open file. ``log_id`` names this history: every file has its own."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.committed = Bell()
        self.log_id: str
        self.epoch: int

    def fetch_identity(self) -> None:
        [(self.log_id, self.epoch)] = self.rows("SELECT log_id, epoch FROM identity")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """All rows that the statement answers; the STRICT tables vouch for the types."""
        return self._connection.execute(sql, values).fetchall()

    def change(self, sql: str, *values: object) -> int:
        """How many rows the statement changed. Only inside a transaction."""
        if not self._connection.in_transaction:
            raise RuntimeError("a write outside a transaction would commit alone")
        return self._connection.execute(sql, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or, when it raises, none of it; rings ``committed`` after the commit."""
        with self.bookkeeping():
            yield
        self.committed.ring()

    @contextmanager
    def bookkeeping(self) -> Iterator[None]:
        """As ``transaction``, but wakes nobody: for notes of our own that no reader waits for."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise


@contextmanager
def open_database(
    path: Path, *, tables: Sequence[str], fill: Callable[[Database], None]
) -> Iterator[Database]:
    """The database at ``path``; a new one gets its tables and its first rows in one transaction.

    So a half-made file cannot exist: after an interrupted first start, the next is one too.
    Raises DatabaseUnavailableError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = connect(path)
    except (sqlite3.DatabaseError, OSError) as error:
        hint = "does another process own it?"
        raise DatabaseUnavailableError(f"{path} cannot be opened: {error}; {hint}") from error
    with closing(connection):
        database = Database(connection)
        if is_new(database):
            create(database, tables, fill)
        else:
            database.fetch_identity()
        yield database


def connect(path: Path) -> sqlite3.Connection:
    """The connection that owns the file from now on. Raises sqlite3.DatabaseError."""
    connection = sqlite3.connect(path, timeout=LOCK_WAIT_S, isolation_level=None)
    try:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
            connection.execute(f"PRAGMA {pragma}")
        # An exclusive lock is taken by the first write, not by the pragma.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def is_new(database: Database) -> bool:
    """Whether the first start of this file is still to come."""
    return not database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'identity'")


def create(database: Database, tables: Sequence[str], fill: Callable[[Database], None]) -> None:
    """Make the tables, the identity and the first rows, in one transaction."""
    with database.transaction():
        for table in (IDENTITY_TABLE, *tables):
            database.change(table)
        log_id = secrets.token_hex(6)
        database.change("INSERT INTO identity VALUES (?, ?)", log_id, FIRST_EPOCH)
        database.fetch_identity()
        fill(database)
