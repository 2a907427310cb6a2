"""Every event that a log line may tell of, with the fields that it has.

The rule: who logs an event names it here; a test holds this list, `telemetry` and the page
docs/observability.md equal. Besides its fields a line has ``event``, ``level`` and ``timestamp``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One kind of line."""

    name: str
    about: str
    fields: Sequence[str] = ()


LOG_EVENTS: Final = (
    LogEvent(
        "request",
        "A request has its answer, was refused, or was left by its client (`status` 0).",
        (
            *("request_id", "trace_id", "operation", "type", "way", "outcome", "status"),
            *("codes", "ms", "waited_ms", "calls", "bytes"),
        ),
    ),
    LogEvent(
        "requests_untold",
        "So many more were refused within a second: a flood has no line for each.",
        ("count",),
    ),
    LogEvent(
        "internal_error",
        "A mistake of ours, with its stack; the client was told the request id alone.",
        ("request_id", "path", "exc_info"),
    ),
    LogEvent("consistency_cookie_dropped", "Consistency cookies were not ours.", ("count",)),
    LogEvent(
        "document_refused",
        "A document of `BFF_DOCUMENTS_FILE` cannot be run.",
        ("id", "reason"),
    ),
    LogEvent("identity_keys_unreachable", "The keys of bearer tokens cannot be fetched any more."),
    LogEvent("identity_keys_fetched", "They have been fetched, for the first time or again."),
    LogEvent("shedding_began", "Requests are refused for overload."),
    LogEvent("shedding_ended", "None has been for a while.", ("refused_count",)),
    LogEvent(
        "circuit_changed",
        "A circuit opened, is being tried, or closed.",
        ("service", "kind", "before", "after"),
    ),
    LogEvent("projection_reach_changed", "The store is lost to reads, or found again.", ("now",)),
    LogEvent(
        "projection_stale",
        "A staleness budget is spent: reads of that source go live.",
        ("source", "age_s", "budget_s", "to_do"),
    ),
    LogEvent("projection_current", "The source is current again.", ("source", "age_s", "budget_s")),
    LogEvent(
        "projection_catching_up",
        "Events are still to be read: once a second, until there are none.",
        ("source", "remaining"),
    ),
    LogEvent("projection_caught_up", "A source has been read to its end.", ("source",)),
    LogEvent("watcher_deaf", "News of the shared store do not arrive.", ("reason", "to_do")),
    LogEvent("watcher_listening", "They do again."),
    LogEvent(
        "event_parked",
        "An event could not be applied and became a dead letter.",
        ("source", "aggregate", "reason"),
    ),
    LogEvent("versions_jumped", "Versions are missing from a source.", ("source", "count")),
    LogEvent(
        "source_failed",
        "A source cannot be read; told once, until it can.",
        ("source", "reason", "exc_info"),
    ),
    LogEvent("source_recovered", "It can be read again.", ("source",)),
    LogEvent(
        "source_restarted",
        "A source is read from its beginning.",
        ("source", "why", "reason"),
    ),
    LogEvent("position_lost", "Another projector was faster; its place is taken.", ("source",)),
    LogEvent("partitions_assigned", "Partitions of Kafka are ours.", ("partitions",)),
    LogEvent("partitions_revoked", "They are another's.", ("partitions",)),
    LogEvent("log_replayed", "A log was begun anew, and is read whole.", ("source",)),
    LogEvent("kafka_failed", "Kafka cannot be reached.", ("reason",)),
    LogEvent("topics_missing", "There are no such topics.", ("topics",)),
    LogEvent("commit_failed", "A position was not told to Kafka; the store has it.", ("reason",)),
    LogEvent("store_lost", "The connection to Redis is gone.", ("reason",)),
    LogEvent("store_recovered", "It is back."),
    LogEvent("announcements_missed", "News may have been lost; waiters look for themselves."),
    LogEvent("store_may_drop_rows", "Redis may evict what we keep there.", ("policy", "needed")),
    LogEvent("store_keeps_nothing_over_a_restart", "Redis writes nothing to its disk."),
    LogEvent("store_too_old", "Redis is older than we need.", ("version", "needed")),
    LogEvent("store_unchecked", "Redis does not tell how it is set up.", ("reason",)),
    LogEvent(
        "worker_ended",
        "A worker ended by itself and is started again after a pause.",
        ("process_id", "exit_code", "pause_s"),
    ),
    LogEvent(
        "worker_stuck",
        "The loop of a worker stood still for too long; it is ended.",
        ("process_id", "silent_s"),
    ),
)
"""All of them, by what they are about."""
