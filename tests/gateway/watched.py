"""Gateways whose log lines and spans are kept for a test to look at.

async with watched_door(traces_ratio=1.0) as (door, seen):
    await door.ask("{ __typename }")
seen.spans, seen.lines
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.log_sink import LogSink
from gateway.settings import Settings
from gateway.tracing.shipping import Shipping
from gateway.tracing.traces import Traces
from gateway.watching import Watching
from projections.views import Row
from tests.gateway.front_door import Door, door_with
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand


class Kept(SpanExporter):
    """An exporter that keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@dataclass
class Seen:
    """What a gateway has told. Complete once it is closed."""

    exporter: SpanExporter = field(default_factory=Kept)
    written: list[bytes] = field(default_factory=list)
    sink: LogSink = field(init=False)

    def __post_init__(self) -> None:
        self.sink = LogSink(self.written.append, gathering_s=0.0)

    def watching(self, settings: Settings) -> Watching:
        """A `Watching` that tells it here."""
        return Watching.of(settings, sink=lambda: self.sink, traces=self._traces)

    def _traces(self, settings: Settings) -> Traces | None:
        if settings.traces == "none":
            return None
        shipping = Shipping(self.exporter, gathering_s=0.01)
        return Traces(shipping, ratio=settings.traces_ratio)

    @property
    def spans(self) -> list[ReadableSpan]:
        """All spans, in the order in which they were made."""
        assert isinstance(self.exporter, Kept)
        return self.exporter.spans

    @property
    def text(self) -> str:
        """All that was logged."""
        assert self.sink.flush(5.0)
        return b"".join(self.written).decode()

    @property
    def lines(self) -> list[Json]:
        """All JSON lines."""
        return [json.loads(line) for line in self.text.splitlines()]

    def named(self, name: str) -> list[ReadableSpan]:
        """The spans of this name."""
        return [span for span in self.spans if span.name == name]

    def only(self, name: str) -> ReadableSpan:
        """The one span of this name."""
        [span] = self.named(name)
        return span


@asynccontextmanager
async def watched_door(
    *rows: Row, exporter: SpanExporter | None = None, **settings: object
) -> AsyncIterator[tuple[Door, Seen]]:
    """A door all of whose requests are recorded, with these rows in its projection, if any."""
    seen = Seen() if exporter is None else Seen(exporter)
    told = {"request_log": "all", "log_format": "json"}
    given = {"traces": "otlp", "traces_ratio": 1.0, **told}
    events = {"events": "feed"} if rows else {}
    async with door_with({**given, **events, **settings}, watching=seen.watching) as door:
        if rows:
            await ProjectionByHand(door.gateway.store).apply(*rows)
        yield door, seen


def attributes_of(span: ReadableSpan) -> Mapping[str, object]:
    """The attributes of a span, as there always are some."""
    assert span.attributes is not None
    return span.attributes


def id_of(span: ReadableSpan) -> int:
    """The id of a span."""
    assert span.context is not None
    return int(span.context.span_id)


def parent_of(span: ReadableSpan) -> int:
    """The id of the span that caused it; 0 if none did."""
    parent = span.parent
    return 0 if parent is None else int(parent.span_id)


def length_s(span: ReadableSpan) -> float:
    """How long it lasted (s)."""
    assert span.start_time is not None
    assert span.end_time is not None
    return (span.end_time - span.start_time) / 1e9
