"""Every number of this package: its unit, default, allowed range, and where it comes from.

A value outside its range is a ValueError that names it, when the process starts and not when the
first call needs it.
"""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """When the circuit to one upstream opens, and when it is tried again."""

    window_s: float = 10.0
    """Seconds of calls that are judged, 1–300. Ten, as in Hystrix: shorter windows open on a
    hiccup, longer ones keep voting about a fault that is over."""

    bucket_count: int = 10
    """Parts the window is counted in, 2–60; memory and precision both grow with it. The window
    slides by whole parts, so the oldest tenth leaves at once."""

    min_call_count: int = 20
    """Calls in the window before it can open, 1–10,000. Twenty, as in Hystrix: two failures of
    three calls at night are no outage."""

    failure_ratio: float = 0.5
    """Share of failed calls at which it opens, above 0 and up to 1. Half, the common default of
    Hystrix and resilience4j."""

    break_s: float = 5.0
    """Seconds it stays open before one probe, 0.1–300. Five, as in Hystrix: a restart takes about
    as long, and full service is back one break after recovery at the latest."""

    def __post_init__(self) -> None:
        _require_range("window_s", self.window_s, 1, 300)
        _require_range("bucket_count", self.bucket_count, 2, 60)
        _require_range("min_call_count", self.min_call_count, 1, 10_000)
        _require_range("failure_ratio", self.failure_ratio, 0.01, 1)
        _require_range("break_s", self.break_s, 0.1, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveLimitOptions:
    """How the places before one upstream follow what it bears; the ceiling is `in_flight_limit`."""

    floor_count: int = 4
    """Places it never falls below, 1–1,024; as high as the ceiling, the limit is fixed. Four: one
    that hangs for its whole second leaves three for those that do not, and few enough to let a
    service recover; what is down altogether is the circuit's business."""

    round_call_count: int = 10
    """Ended calls in a round at least, 1–1,000; else as many as there are places. Ten: the median
    of fewer is luck."""

    backoff_ratio: float = 0.75
    """What a bad round leaves of the limit, 0.1–0.99. Three quarters: from 16 to the floor in five
    rounds. Netflix takes 0.9 for limits of hundreds, where each round is ten times as long."""

    drop_ratio: float = 0.2
    """Share of dropped calls that makes a round bad, above 0 and up to 1. A fifth: with less than
    three of sixteen a service has a tail, and not too much to do."""

    tolerance_ratio: float = 2.0
    """Times the baseline at which a round is slow, 1–100. Netflix tolerates 1.5 of like calls;
    ours are mixed of single rows, batches and lists."""

    slow_ratio: float = 0.1
    """Share of an attempt's time that is never slow, 0–1. A tenth, 0.1 s of one second: who is
    faster has no queue worth to be shortened."""

    baseline_up_ratio: float = 0.02
    """Part of the way that the baseline climbs towards a slower round, 0–1; with 0 it never
    climbs. A fiftieth: what is five times as slow is the new usual after 25 rounds."""

    baseline_down_ratio: float = 0.2
    """Part of the way that it falls towards a faster round, above 0 and up to 1. A fifth: ten times
    as fast as it climbs, yet one lucky round makes no slow one of the next."""

    def __post_init__(self) -> None:
        _require_range("floor_count", self.floor_count, 1, 1_024)
        _require_range("round_call_count", self.round_call_count, 1, 1_000)
        _require_range("backoff_ratio", self.backoff_ratio, 0.1, 0.99)
        _require_range("drop_ratio", self.drop_ratio, 0.01, 1)
        _require_range("tolerance_ratio", self.tolerance_ratio, 1, 100)
        _require_range("slow_ratio", self.slow_ratio, 0, 1)
        _require_range("baseline_up_ratio", self.baseline_up_ratio, 0, 1)
        _require_range("baseline_down_ratio", self.baseline_down_ratio, 0.01, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """How one upstream is reached, and how much of us it may occupy."""

    base_url: str
    """Where it lives: http or https and a host, with or without a path in front of ours."""

    attempt_timeout_s: float = 1.0
    """Seconds one attempt may last, 0.01–60. Half the door's 2 s, so that a second attempt or the
    other read path still fits behind a hanging one."""

    in_flight_limit: int = 16
    """Calls on the wire at once at most, and connections kept, 1–1,024. An httpx pool scans
    every connection at the start and end of every call: 16 cost 3.5 ms CPU a call at 32 callers,
    32 cost 5.6 ms."""

    queue_limit: int = 256
    """Calls that may wait for a place on the wire, 0–100,000. Sixteen full turns: whoever stands
    further back would meet the deadline first."""

    answer_limit_bytes: int = 4 * _MIB
    """Bytes of one answer's body, 1 KiB–1 GiB. The largest honest answer, a batch of 100 orders,
    is two orders of magnitude smaller."""

    idle_connection_s: float = 4.0
    """Seconds an unused connection is kept, 0–3,600. One less than uvicorn's 5 s: the side that
    closes first should be ours, or a mutation is sent into a connection that is just closing."""

    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    adaptive: AdaptiveLimitOptions = field(default_factory=AdaptiveLimitOptions)

    def __post_init__(self) -> None:
        _require_web_url("base_url", self.base_url)
        _require_range("attempt_timeout_s", self.attempt_timeout_s, 0.01, 60)
        _require_range("in_flight_limit", self.in_flight_limit, 1, 1_024)
        _require_range("queue_limit", self.queue_limit, 0, 100_000)
        _require_range("answer_limit_bytes", self.answer_limit_bytes, _KIB, 1_024 * _MIB)
        _require_range("idle_connection_s", self.idle_connection_s, 0, 3_600)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingOptions:
    """How far readers of this process share the answers to live reads of rows."""

    fresh_s: float = 0.5
    """Seconds for which an answer is kept for readers who may share, from when its owner was asked;
    0–60, 0 keeps none. Half a second: a fifth of what the same readers accept of a projection
    (2.5 s), and enough to make one call a second or two of any row that everybody looks at."""

    absent_fresh_s: float = 0.1
    """Seconds for which it is kept that there is no such row; 0 up to ``fresh_s``. A tenth: enough
    for a stampede, short enough that nobody waits to see what has been made elsewhere meanwhile."""

    entry_limit: int = 10_000
    """Answers kept at once, 1–1,000,000; the one put longest ago leaves first. Ten thousand: with
    half a second that is 20,000 rows a second, far more than one process reads live."""

    extension_s: float = 2.0
    """Seconds by which those who join may prolong a call beyond the deadline of its first reader,
    0–60. Two, the door's own limit: whoever comes later finds it slow, and asks anew."""

    def __post_init__(self) -> None:
        _require_range("fresh_s", self.fresh_s, 0, 60)
        _require_range("absent_fresh_s", self.absent_fresh_s, 0, self.fresh_s)
        _require_range("entry_limit", self.entry_limit, 1, 1_000_000)
        _require_range("extension_s", self.extension_s, 0, 60)


def _require_range(name: str, value: float, lowest: float, highest: float) -> None:
    # Written so that NaN, which compares false with everything, is refused too.
    if not lowest <= value <= highest:
        raise ValueError(f"{name} must be between {lowest:g} and {highest:g}, not {value!r}")


def _require_web_url(name: str, value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be an http(s) address with a host, not {value!r}")
