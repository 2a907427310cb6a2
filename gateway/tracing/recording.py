"""Spans with the ids and times that they are given: the one room that speaks OpenTelemetry's API.

OpenTelemetry makes an id when a span begins. Ours have had theirs for long by then, for services
were told them; so ids are handed to its generator, one span at a time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace.span import TraceState

Value = str | int | float | bool | list[str]
Attributes = Mapping[str, Value]

SCOPE: Final = "gateway"
KINDS: Final = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


@dataclass(slots=True)
class Stretch:
    """A span as it will be told. Times are Unix nanoseconds; ``parent_id`` 0: it has none."""

    name: str
    span_id: int
    parent_id: int
    began_ns: int
    ended_ns: int
    kind: str = "internal"
    attributes: dict[str, Value] = field(default_factory=dict)
    events: list[tuple[str, int]] = field(default_factory=list)
    is_failed: bool = False
    has_remote_parent: bool = False


class _GivenIds(IdGenerator):
    """Gives out the ids that it was told last."""

    def __init__(self) -> None:
        self.trace_id = 0
        self.span_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id

    def generate_span_id(self) -> int:
        return self.span_id


class _Ended(SpanProcessor):
    """Hands on each span that has ended."""

    def __init__(self, take: Callable[[ReadableSpan], None]) -> None:
        self._take = take

    def on_end(self, span: ReadableSpan) -> None:
        self._take(span)

    def on_start(self, span: Span, parent_context: object = None) -> None:
        """What has begun is nobody's news: it ends at once."""


class Recorder:
    """Makes spans; ``take`` is given each."""

    def __init__(self, take: Callable[[ReadableSpan], None], resource: Mapping[str, str]) -> None:
        self._ids = _GivenIds()
        provider = TracerProvider(
            sampler=ALWAYS_ON,  # whoever comes here was sampled
            resource=Resource(dict(resource)),
            id_generator=self._ids,
            span_limits=SpanLimits(max_span_attributes=32, max_span_attribute_length=256),
            shutdown_on_exit=False,
        )
        provider.add_span_processor(_Ended(take))
        self._tracer = provider.get_tracer(SCOPE)

    def record(self, trace_id: int, state: str | None, stretches: Iterable[Stretch]) -> None:
        """Make spans of these, all in one trace. ``state``: the word of other tracers on it."""
        told = TraceState.from_header([state]) if state else None
        for stretch in stretches:
            self._record(trace_id, told, stretch)

    def _record(self, trace_id: int, state: TraceState | None, stretch: Stretch) -> None:
        self._ids.trace_id, self._ids.span_id = trace_id, stretch.span_id
        context = None
        if stretch.parent_id:
            is_remote = stretch.has_remote_parent
            parent = SpanContext(trace_id, stretch.parent_id, is_remote, SAMPLED, state)
            context = set_span_in_context(NonRecordingSpan(parent))
        span = self._tracer.start_span(
            stretch.name,
            context=context,
            kind=KINDS[stretch.kind],
            attributes=stretch.attributes,
            start_time=stretch.began_ns,
        )
        for name, at_ns in stretch.events:
            span.add_event(name, timestamp=at_ns)
        if stretch.is_failed:
            span.set_status(StatusCode.ERROR)
        span.end(end_time=stretch.ended_ns)
