"""How structlog writes: one line an event, through the one thread that writes all our lines."""

import logging
import sys
from typing import Literal

import structlog

from gateway.log_sink import LogSink, stderr_sink


def configure_logging(log_format: Literal["console", "json"]) -> None:
    """One line an event on stderr, for people or for machines. Call once a process."""
    rendered: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            rendered,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=_SinkLoggers(stderr_sink()),
    )


class _SinkLoggers:
    """Loggers as structlog wants them, which write where all our lines go."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink

    def __call__(self, *_: object) -> "_SinkLoggers":
        return self

    def msg(self, line: str) -> None:
        self._sink.put(line.encode() + b"\n")

    debug = info = warning = error = critical = msg
