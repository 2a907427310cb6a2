"""The front door: where it listens, how much it lets in, and what it shows of the inside."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from gateway.admission.options import AdmissionOptions
from gateway.manifest import ManifestUnreadable, read_manifest
from gateway.sections.field_kinds import PREFIX, Milliseconds, Seconds, Section
from gateway.settings_refusals import SettingsError


class DoorSettings(Section):
    """What a client meets before anything is read."""

    host: str = Field(
        "127.0.0.1", description="Address to listen on; only this machine by default."
    )
    port: int = Field(8000, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes of one `bff serve`, which share its port; `--workers` goes before. "
        "As many as there are processors for them. Each has its own door, circuits and kept "
        "answers, and with `BFF_STORE=memory` its own projection: so many times the memory, and "
        "polls of the feeds; with many workers `redis` is better.",
    )
    request_timeout_s: Seconds = Field(
        2.0,
        ge=0.05,
        le=60,
        description="The deadline of a request, set at the door; `X-Deadline-Ms` may shorten it.",
    )
    admission: bool = Field(
        True,
        description="Refuse at once (503, `OVERLOADED`) what could not begin in time. Off, whoever "
        "comes is let in, and under overload everybody is late.",
    )
    operation_limit: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Operations begun and not yet answered, those that wait for others included; "
        "more than a process begins within a deadline of 2 s.",
    )
    queue_time_ms: Milliseconds = Field(
        1000,
        ge=1,
        le=5000,
        description="How long a request waits to begin at most, mutations before queries; a query "
        "that would wait for half of it is refused at once. Long enough for a burst, and short "
        "enough to leave half of the deadline to the work.",
    )
    drain_ms: Milliseconds = Field(
        1000,
        ge=0,
        le=5000,
        description="How long a gateway that is asked to stop still takes requests, telling its "
        "clients to go elsewhere; 0 on Ctrl-C.",
    )
    body_limit_bytes: int = Field(
        256 * 1024, ge=1024, le=16 * 1024 * 1024, description="The largest request body."
    )
    documents_file: Path | None = Field(
        None,
        description="Documents that clients are known to send, made ready before the first "
        "request: an Apollo manifest of persisted queries, or an object of texts by id (JSON).",
    )
    playground: bool = Field(False, description="Show the playground to browsers. On in `bff dev`.")
    introspection: bool = Field(
        False, description="Tell clients the schema, and hints for misspelt names. On in `bff dev`."
    )
    plan: bool = Field(
        False,
        description="Tell with each answer what was asked of whom, and when (`extensions.plan`). "
        "On in `bff dev`.",
    )
    metrics: bool = Field(
        True,
        description="Tell at `/metrics` how this process is used and how it fares, for Prometheus; "
        "not for clients: what is in front of the gateway should not let them there.",
    )
    data_dir: str = Field(".data", min_length=1, description="Where `bff dev` keeps its data.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines look.")

    def read_documents(self) -> Mapping[str, str]:
        """The documents to make ready, by id; raises `SettingsError` if the file is none."""
        if self.documents_file is None:
            return {}
        try:
            return read_manifest(self.documents_file)
        except ManifestUnreadable as error:
            raise SettingsError(f"{PREFIX}DOCUMENTS_FILE: {error}") from None

    def admission_options(self) -> AdmissionOptions:
        """Who is let in, and how long anybody waits for it."""
        return AdmissionOptions(
            is_on=self.admission,
            operation_limit=self.operation_limit,
            queue_time_s=self.queue_time_ms / 1000,
        )
