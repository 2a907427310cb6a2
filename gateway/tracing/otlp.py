"""The way to a collector: OpenTelemetry's own exporter, OTLP over HTTP.

Headers that the collector wants, and its certificates, are given by OpenTelemetry's own variables
(``OTEL_EXPORTER_OTLP_HEADERS``, ``OTEL_EXPORTER_OTLP_CERTIFICATE``), which the exporter reads.
"""

import logging
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from gateway.tracing.shipping import Shipping
from gateway.tracing.traces import Traces

EXPORT_S: Final = 5.0
"""Seconds that one message to the collector may take, repetitions included."""


def traces_over_otlp(url: str, *, ratio: float) -> Traces:
    """Traces that are sent to this address, as ``http://collector:4318/v1/traces``."""
    # It would write a line for each message that fails; what is lost is counted.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_S)
    return Traces(Shipping(exporter), ratio=ratio)
