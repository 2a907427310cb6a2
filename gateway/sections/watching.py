"""What is told of requests, and to whom: log lines and traces."""

from typing import Literal

from pydantic import Field, HttpUrl

from gateway.sections.field_kinds import Section


class WatchingSettings(Section):
    """Where a person looks to see how requests fare."""

    request_log: Literal["none", "errors", "all"] = Field(
        "all",
        description="Which requests have a line in the log: all, at 2 µs each; those that were "
        "refused, failed in part, or left by their clients; or none.",
    )
    projector_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Where `bff project` answers `/livez`, `/readyz` and `/metrics`, on "
        "`BFF_HOST`; nowhere unless it is set.",
    )
    traces: Literal["none", "otlp"] = Field(
        "none",
        description="Where spans of requests go: nowhere, or to a collector of OpenTelemetry, by "
        "OTLP over HTTP. The trace context of a caller goes on to the services in any case.",
    )
    traces_url: HttpUrl = Field(
        HttpUrl("http://127.0.0.1:4318/v1/traces"),
        description="Where that collector listens; `OTEL_EXPORTER_OTLP_HEADERS` names headers "
        "that it wants.",
    )
    traces_ratio: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Share of requests that are recorded, of those whose callers have not decided "
        "for themselves (`traceparent`); 200 a second at most, whoever decides.",
    )
