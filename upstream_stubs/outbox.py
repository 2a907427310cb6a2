"""State and outbox: every committed change of an aggregate is one new state and one event.

The rule, kept by the tables themselves: one outbox row per version, no holes, in the transaction
that changes the state. So an event exists exactly when its change does, and nobody has to send
anything "after the commit". (Pattern: Transactional Outbox, microservices.io.)
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, TypeVar
from uuid import UUID, uuid4

from upstream_stubs.database import Database
from upstream_stubs.resources import Resource, render_time

SCHEMA_VERSION: Final = 1

TABLES: Final = (
    (
        "CREATE TABLE state"
        " (id TEXT PRIMARY KEY, version INTEGER NOT NULL, resource TEXT NOT NULL) STRICT"
    ),
    (
        "CREATE TABLE outbox (place INTEGER PRIMARY KEY AUTOINCREMENT, aggregate_id TEXT NOT NULL,"
        " version INTEGER NOT NULL, event TEXT NOT NULL, UNIQUE (aggregate_id, version)) STRICT"
    ),
)

BATCH: Final = "SELECT id, resource FROM state WHERE id IN (SELECT value FROM json_each(?))"
FIRST_STATE: Final = "INSERT OR IGNORE INTO state VALUES (?1, ?2, ?3)"
NEXT_STATE: Final = (
    "UPDATE state SET version = ?2, resource = ?3 WHERE id = ?1 AND version = ?2 - 1"
)

R = TypeVar("R", bound=Resource)


def utc_now() -> datetime:
    """The present time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Change(Generic[R]):
    """A new state of an aggregate, and what to call the event that tells it."""

    resource: R
    event_type: str
    at: datetime
    event_id: UUID


def render_event(change: Change[R], state: str) -> str:
    """The change as CloudEvents 1.0 structured JSON; ``data`` is ``state``, what a read answers."""
    resource = change.resource
    previous = {} if resource.version == 1 else {"previousversion": resource.version - 1}
    attributes = {
        "specversion": "1.0",
        "id": str(change.event_id),
        "source": f"/{resource.kind}s",
        "type": change.event_type,
        "subject": resource.id,
        "time": render_time(change.at),
        "datacontenttype": "application/json",
        "aggregateversion": resource.version,
        **previous,
        "sourceepoch": resource.epoch,
        "schemaversion": SCHEMA_VERSION,
        "tombstone": False,
    }
    return f'{json.dumps(attributes, separators=(",", ":"))[:-1]},"data":{state}}}'


class Outbox(Generic[R]):
    """The aggregates of one service: their present state, and the events that led to it."""

    def __init__(
        self,
        database: Database,
        shape: type[R],
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.database = database
        self.now = now
        self._shape = shape

    def read_json(self, ids: Sequence[str]) -> list[str]:
        """The resources with these ids as JSON, in the order asked; unknown ids are left out."""
        found: dict[str, str] = dict(self.database.rows(BATCH, json.dumps(ids)))
        return [found[key] for key in ids if key in found]

    def read(self, id_: str) -> R | None:
        """The aggregate's present state, or None when it was never committed."""
        return next(map(self._shape.model_validate_json, self.read_json([id_])), None)

    def commit(self, resource: R, event_type: str) -> None:
        """Record the next state of an aggregate as of now. Only inside a transaction."""
        self.record(Change(resource, event_type, self.now(), uuid4()))

    def record(self, change: Change[R]) -> None:
        """Write state and event side by side. Only inside a transaction.

        Raises RuntimeError unless the version is the present one plus 1: a hole or a repeat would
        break every consumer, so it must not leave this function.
        """
        resource, state = change.resource, change.resource.render()
        key = (resource.id, resource.version)
        if (
            self.database.change(FIRST_STATE if resource.version == 1 else NEXT_STATE, *key, state)
            != 1
        ):
            raise RuntimeError(f"version {resource.version} of {resource.id} is not the next one")
        event = render_event(change, state)
        self.database.change(
            "INSERT INTO outbox (aggregate_id, version, event) VALUES (?, ?, ?)", *key, event
        )
