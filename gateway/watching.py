"""What the settings ask for in log lines and traces, made and closed."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.log_sink import LogSink, stderr_sink
from gateway.request_lines import RequestLines
from gateway.settings import Settings
from gateway.tracing.otlp import traces_over_otlp
from gateway.tracing.traces import Traces


def make_traces(settings: Settings) -> Traces | None:
    """The way to a collector, if there is one."""
    if settings.traces == "none":
        return None
    return traces_over_otlp(str(settings.traces_url), ratio=settings.traces_ratio)


@dataclass(frozen=True, slots=True)
class Watching:
    """What of one gateway tells people how its requests fare. ``started_at_s``: Unix seconds."""

    sink: LogSink
    lines: RequestLines | None
    traces: Traces | None
    started_at_s: float = field(default_factory=time.time)

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        sink: Callable[[], LogSink] = stderr_sink,
        traces: Callable[[Settings], Traces | None] = make_traces,
    ) -> "Watching":
        log, is_json = sink(), settings.log_format == "json"
        lines = (
            None
            if settings.request_log == "none"
            else RequestLines(log.put, is_json=is_json, are_all_told=settings.request_log == "all")
        )
        return cls(log, lines, traces(settings))

    async def aclose(self) -> None:
        """Tell what is left to tell; waits a second at most."""
        if self.lines is not None:
            self.lines.close()
        if self.traces is not None:
            await asyncio.to_thread(self.traces.close)
