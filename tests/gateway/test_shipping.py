"""Spans on their way to a collector that is well, that fails, and that hangs."""

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from gateway.tracing.shipping import Shipping
from tests.gateway.metered import scrape
from tests.gateway.watched import Kept, watched_door

PATIENCE_S = 10.0
SPAN = ReadableSpan("query")


class Hanging(SpanExporter):
    """Answers when it is let go."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.began = threading.Event()

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        self.began.set()
        self.let_go.wait(PATIENCE_S)
        return SpanExportResult.FAILURE


class Failing(SpanExporter):
    """Breaks."""

    def export(self, _: Sequence[ReadableSpan]) -> SpanExportResult:
        raise ConnectionError


def test_what_is_left_is_sent_at_the_end() -> None:
    """Closing sends all that fits into the time, once."""
    exporter = Kept()
    shipping = Shipping(exporter, gathering_s=60.0)
    for _ in range(1_500):
        shipping.take(SPAN)

    shipping.close(PATIENCE_S)
    shipping.take(SPAN)

    assert len(exporter.spans) == 1_500
    assert (shipping.counts.sent_count, shipping.counts.dropped_count) == (1_500, 1)


def test_spans_that_a_collector_refuses_are_counted() -> None:
    """An exporter that raises ends nothing."""
    shipping = Shipping(Failing(), gathering_s=0.0)
    shipping.take(SPAN)
    shipping.close(PATIENCE_S)

    assert shipping.counts.failed_count == 1


def test_a_collector_that_hangs_holds_a_bounded_queue_and_not_the_end() -> None:
    """What there is no room for is dropped and counted; closing waits for its own limit."""
    exporter = Hanging()
    shipping = Shipping(exporter, queue_limit=100, gathering_s=0.0)
    shipping.take(SPAN)
    assert exporter.began.wait(PATIENCE_S)

    began_s = time.perf_counter()
    for _ in range(10_000):
        shipping.take(SPAN)
    shipping.close(0.05)
    took_s = time.perf_counter() - began_s
    exporter.let_go.set()

    assert took_s < 2.0
    assert shipping.counts.dropped_count == 10_000


@pytest.mark.parametrize("exporter", [Hanging(), Failing()], ids=["hangs", "fails"])
async def test_no_request_and_no_end_is_slower_for_a_dead_collector(
    exporter: SpanExporter,
) -> None:
    """Requests are answered as ever, and the gateway closes within its second."""
    async with watched_door(exporter=exporter) as (door, _):
        for _ in range(50):
            began_s = asyncio.get_running_loop().time()
            response = await door.ask("{ __typename }")
            assert response.status_code == 200
            assert asyncio.get_running_loop().time() - began_s < 1.0
        shown = await scrape(door.client)
        closing_s = asyncio.get_running_loop().time()

    assert shown["bff_trace_spans_total", {"span": "sent"}] == 0
    assert asyncio.get_running_loop().time() - closing_s < 3.0
    if isinstance(exporter, Hanging):
        exporter.let_go.set()


async def test_spans_that_were_sent_are_shown() -> None:
    """The control: a collector that is well gets one span for each request."""
    async with watched_door() as (door, seen):
        await door.ask("{ __typename }")
        while not seen.spans:  # noqa: ASYNC110 - it is a thread that we wait for
            await asyncio.sleep(0.01)
        shown = await scrape(door.client)

    assert shown["bff_trace_spans_total", {"span": "sent"}] == 1
