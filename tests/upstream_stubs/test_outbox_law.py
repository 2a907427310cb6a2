"""State, event and answer are one: committed together, one version at a time, or not at all."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from upstream_stubs import idempotency, outbox
from upstream_stubs.database import (
    Database,
    DatabaseUnavailableError,
    open_database,
)
from upstream_stubs.idempotency import Answer, AnswerBook, Attempt
from upstream_stubs.outbox import Outbox
from upstream_stubs.problems import ProblemError
from upstream_stubs.resources import Customer

TABLES = (*outbox.TABLES, idempotency.TABLE)


class CrashError(Exception):
    """What ends a transaction in these tests."""


def ada(version: int, name: str = "Ada") -> Customer:
    return Customer(id="c-1", version=version, epoch=1, name=name, email="ada@example.com")


def fill_nothing(database: Database) -> None:
    """A database without demo data."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(tmp_path / "c.sqlite3", tables=TABLES, fill=fill_nothing) as database:
        yield database


@pytest.fixture
def customers(database: Database) -> Outbox[Customer]:
    return Outbox(database, Customer, now=lambda: datetime(2025, 1, 6, tzinfo=UTC))


def versions_told(database: Database) -> list[int]:
    return [version for (version,) in database.rows("SELECT version FROM outbox ORDER BY place")]


def test_committed_change_is_state_and_event(customers: Outbox[Customer]) -> None:
    """After a commit the state is the new one and the outbox tells it."""
    with customers.database.transaction():
        customers.commit(ada(1), "customer.created")
    with customers.database.transaction():
        customers.commit(ada(2, "Ada L"), "customer.updated")

    assert customers.read("c-1") == ada(2, "Ada L")
    assert versions_told(customers.database) == [1, 2]


def test_crash_between_state_and_commit_leaves_neither(customers: Outbox[Customer]) -> None:
    """What ends a transaction early takes state and event along, and leaves no hole."""

    def commit_and_crash() -> None:
        with customers.database.transaction():
            customers.commit(ada(1, "lost"), "customer.created")
            raise CrashError

    with pytest.raises(CrashError):
        commit_and_crash()
    seen_after_the_crash = customers.read("c-1")

    with customers.database.transaction():
        customers.commit(ada(1), "customer.created")

    assert seen_after_the_crash is None
    assert versions_told(customers.database) == [1]
    assert customers.database.rows("SELECT place FROM outbox") == [(1,)]


def test_killed_process_leaves_nothing_half_done(tmp_path: Path) -> None:
    """A process that dies between state and commit has written neither."""
    path = tmp_path / "killed.sqlite3"
    script = f"""
import os
from pathlib import Path
from tests.upstream_stubs.test_outbox_law import *
with open_database(Path({str(path)!r}), tables=TABLES, fill=fill_nothing) as database:
    with database.transaction():
        Outbox(database, Customer).commit(ada(1), "customer.created")
        os._exit(7)
"""

    died = subprocess.run([sys.executable, "-c", script], timeout=30, check=False)

    assert died.returncode == 7
    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        assert Outbox(database, Customer).read("c-1") is None
        assert versions_told(database) == []


@pytest.mark.parametrize("version", [0, 1, 3])
def test_version_that_is_not_the_next_is_impossible(
    customers: Outbox[Customer], version: int
) -> None:
    """A repeat or a hole raises and writes nothing."""
    with customers.database.transaction():
        customers.commit(ada(1), "customer.created")

    with pytest.raises(RuntimeError), customers.database.transaction():
        customers.commit(ada(version, "wrong"), "customer.updated")

    assert customers.read("c-1") == ada(1)
    assert versions_told(customers.database) == [1]


def test_first_version_is_one(customers: Outbox[Customer]) -> None:
    """An aggregate cannot begin at version 2."""
    with pytest.raises(RuntimeError), customers.database.transaction():
        customers.commit(ada(2), "customer.created")


def test_table_itself_refuses_a_second_event_of_a_version(customers: Outbox[Customer]) -> None:
    """Even a write past the outbox cannot tell one version twice."""
    repeat = "INSERT INTO outbox (aggregate_id, version, event) VALUES ('c-1', 1, '{}')"
    with customers.database.transaction():
        customers.commit(ada(1), "customer.created")

    with pytest.raises(sqlite3.IntegrityError), customers.database.transaction():
        customers.database.change(repeat)


def test_write_outside_a_transaction_is_impossible(customers: Outbox[Customer]) -> None:
    """A state without its event cannot be written by forgetting the transaction."""
    with pytest.raises(RuntimeError):
        customers.commit(ada(1), "customer.created")

    assert customers.read("c-1") is None


def test_answer_is_remembered_with_its_effect_or_not_at_all(customers: Outbox[Customer]) -> None:
    """A crash after the effect forgets the key too, so the repeat does the work, once."""
    answers = AnswerBook(customers.database)
    attempt = Attempt("key-1", ("create", "c-1"))

    def create() -> Answer:
        customers.commit(ada(1), "customer.created")
        return Answer(201, 1, ada(1).render())

    def create_then_crash() -> Answer:
        create()
        raise CrashError

    with pytest.raises(CrashError):
        answers.once(attempt, create_then_crash)
    first, repeat = answers.once(attempt, create), answers.once(attempt, create)

    assert first == repeat
    assert versions_told(customers.database) == [1]


def test_refusal_is_not_remembered(customers: Outbox[Customer]) -> None:
    """A key whose request was refused may be used again, when what was wrong is mended."""
    answers = AnswerBook(customers.database)
    attempt = Attempt("key-1", ("create", "c-1"))

    def refuse() -> Answer:
        raise CrashError

    with pytest.raises(CrashError):
        answers.once(attempt, refuse)

    assert answers.once(attempt, lambda: Answer(201, 1, "{}")).status == 201
    with pytest.raises(ProblemError):
        answers.once(Attempt("key-1", ("create", "c-2")), refuse)


def test_first_start_that_fails_is_no_start(tmp_path: Path) -> None:
    """A database whose first rows could not be written is made anew by the next opening."""
    path = tmp_path / "half.sqlite3"

    def fill_half(database: Database) -> None:
        Outbox(database, Customer).commit(ada(1), "customer.created")
        raise CrashError

    with pytest.raises(CrashError), open_database(path, tables=TABLES, fill=fill_half):
        pass

    with open_database(path, tables=TABLES, fill=fill_nothing) as database:
        assert versions_told(database) == []


def test_reopened_database_is_the_same_log(tmp_path: Path) -> None:
    """Identity and content survive a restart, and are not filled a second time."""
    path = tmp_path / "kept.sqlite3"

    def fill(database: Database) -> None:
        Outbox(database, Customer).commit(ada(1), "customer.created")

    with open_database(path, tables=TABLES, fill=fill) as database:
        identity = (database.log_id, database.epoch)
    with open_database(path, tables=TABLES, fill=fill) as database:
        assert (database.log_id, database.epoch) == identity
        assert versions_told(database) == [1]


def test_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    """A file of something else is left alone and named in the error."""
    path = tmp_path / "letter.txt"
    path.write_text("Dear Ada, " * 200)

    with (
        pytest.raises(DatabaseUnavailableError, match=r"letter\.txt"),
        open_database(path, tables=TABLES, fill=fill_nothing),
    ):
        pass

    assert path.read_text().startswith("Dear Ada")
