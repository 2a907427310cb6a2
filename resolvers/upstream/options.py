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
    """When the circuit to one kind of call at one upstream opens, and when it is tried again."""

    window_s: float = 10.0
    """Seconds of calls that are judged, 1–300. Ten, as in Hystrix: shorter windows open on a
    hiccup, longer ones keep voting about a fault that is over."""

    bucket_count: int = 10
    """Parts the window is counted in, 2–60; memory and precision both grow with it. The window
    slides by whole parts, so the oldest tenth leaves at once."""

    min_call_count: int = 20
    """Calls in the window before it can open, 1–10,000; as many bad ones in a row open it whatever
    came before. Twenty, as in Hystrix: two failures of three calls at night are no outage."""

    failure_ratio: float = 0.5
    """Share of failed calls at which it opens, above 0 and up to 1. Half, the common default of
    Hystrix and resilience4j."""

    slow_call_s: float = 0.5
    """Seconds on the wire after which a call counts as slow, 0.005–60; none does where this is no
    less than the attempt timeout. Half of that by default, as the gateway sets it: an impatient
    deadline's call has had a fair chance by then, and half a second is left to open within one."""

    slow_ratio: float = 0.8
    """Share of slow calls at which it opens, above 0 and up to 1. Four of five, more than for
    failures: a slow answer is still one, and a call that hung until its timeout has failed too."""

    silent_call_count: int = 5
    """Overdue calls in a row, with no answer of any kind between them, that open it, 1–10,000.
    Five: ten calls a second make it open within one; two or three could be one locked row."""

    break_s: float = 5.0
    """Seconds it stays open before one probe, 0.1–300. Five, as in Hystrix: a restart takes about
    as long, and full service is back one break after recovery at the latest."""

    break_factor: float = 2.0
    """By how much a break is longer than the one before, 1–10; 1 never grows. Two: a service that
    falls down at every probe has half as many to bear each time."""

    break_cap_s: float = 30.0
    """Seconds of the longest break, from ``break_s`` to 3,600. Thirty: after a long outage nobody
    waits for more than half a minute to be served again."""

    jitter_ratio: float = 0.2
    """The share of a break that chance may take away, 0–1; it never adds. A fifth: gateways that
    opened together spread their probes over a second, and no promise becomes longer."""

    calm_s: float = 10.0
    """Seconds closed after which the next break is as short as the first, 0–3,600. Ten, one whole
    window: what opens sooner has not been well in between."""

    hint_s: float = 10.0
    """Seconds for which it counts that another gateway has opened its circuit, 0–300; 0 hears
    nothing. Ten, two breaks: whoever is still down by then has said so again."""

    hinted_call_count: int = 3
    """Bad calls in a row that open it meanwhile, 1–10,000. Three: one or two are chance, and no
    word of another gateway may replace what this one has seen."""

    def __post_init__(self) -> None:
        _require_range("window_s", self.window_s, 1, 300)
        _require_range("bucket_count", self.bucket_count, 2, 60)
        _require_range("min_call_count", self.min_call_count, 1, 10_000)
        _require_range("failure_ratio", self.failure_ratio, 0.01, 1)
        _require_range("slow_call_s", self.slow_call_s, 0.005, 60)
        _require_range("slow_ratio", self.slow_ratio, 0.01, 1)
        _require_range("silent_call_count", self.silent_call_count, 1, 10_000)
        _require_range("break_s", self.break_s, 0.1, 300)
        _require_range("break_factor", self.break_factor, 1, 10)
        _require_range("break_cap_s", self.break_cap_s, self.break_s, 3_600)
        _require_range("jitter_ratio", self.jitter_ratio, 0, 1)
        _require_range("calm_s", self.calm_s, 0, 3_600)
        _require_range("hint_s", self.hint_s, 0, 300)
        _require_range("hinted_call_count", self.hinted_call_count, 1, 10_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """When a call to one upstream that failed is made once more."""

    limit_count: int = 2
    """Times a call is made once more at most, 0–10; 0 makes none. Two: who fails three times within
    a tenth of a second or two is not well by the fourth."""

    backoff_s: float = 0.05
    """Seconds that the first wait lasts at most, 0–10; each next one twice as long. A twentieth:
    with the second wait that is 0.15 s of the door's 2 s, and spreads callers over the time in
    which a service comes back from a pause."""

    calls_per_retry: int = 10
    """Calls for which one may be made once more, 0–1,000; 0 sets no bound. Ten, as the SRE book
    has it: a service that is down is asked 1.1 times as often, and not three times."""

    floor_count: int = 3
    """Retries lent to a process that has made few calls, 0–100. Three: the first page that meets
    a hiccup is whole, and thirty calls later the debt is paid."""

    reserve_count: int = 10
    """Retries saved at most, 1–1,000. Ten, those of a hundred good calls: a restart of one replica
    is bridged; more would only be spent on an outage."""

    def __post_init__(self) -> None:
        _require_range("limit_count", self.limit_count, 0, 10)
        _require_range("backoff_s", self.backoff_s, 0, 10)
        _require_range("calls_per_retry", self.calls_per_retry, 0, 1_000)
        _require_range("floor_count", self.floor_count, 0, 100)
        _require_range("reserve_count", self.reserve_count, 1, 1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeOptions:
    """When a read that is late is asked a second time."""

    is_on: bool = True
    """Whether it ever is."""

    floor_s: float = 0.02
    """Seconds before which nothing is late, 0–10. A fiftieth: what a busy process may pause."""

    usual_ratio: float = 3.0
    """Times the median after which a read is late though many are, 1–1,000. Three: fast ones of
    an ordinary spread are below it. With 2 or 3, a tail of 5 % was cut in each of 24 simulated
    services; with 4 in 15 of them, with none in 14."""

    sample_count: int = 500
    """Answers of one kind that are remembered, 20–10,000. Five hundred: of 200 the 95th percentile
    jumps so often that half of the same simulations kept their tail."""

    least_sample_count: int = 20
    """Answers before anything can be late, 1–10,000. Of fewer than twenty, the slowest alone would
    be the 95th percentile."""

    calls_per_hedge: int = 20
    """Answers for which one second call may be made, 1–1,000. Twenty: five extra calls of a
    hundred, as many as are late by definition."""

    reserve_count: int = 20
    """Second calls saved at most, 1–1,000. Twenty: slow answers come in crowds, and with three
    saved a fifteenth of them was waited for in vain."""

    def __post_init__(self) -> None:
        _require_range("floor_s", self.floor_s, 0, 10)
        _require_range("usual_ratio", self.usual_ratio, 1, 1_000)
        _require_range("sample_count", self.sample_count, 20, 10_000)
        _require_range("least_sample_count", self.least_sample_count, 1, self.sample_count)
        _require_range("calls_per_hedge", self.calls_per_hedge, 1, 1_000)
        _require_range("reserve_count", self.reserve_count, 1, 1_000)


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

    retry: RetryOptions = field(default_factory=RetryOptions)
    hedge: HedgeOptions = field(default_factory=HedgeOptions)
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

    while_revalidate_s: float = 1.0
    """Seconds after ``fresh_s`` for which a row is still shown at once, while one call in the
    background asks for it anew (stale-while-revalidate); 0–60, 0 makes every reader wait for the
    answer. One: together with ``fresh_s`` 1.5 s, less than the 2.5 s that the same readers accept
    of a projection, and three times what an owner has to answer in before anybody waits for it."""

    early_refresh_ratio: float = 0.2
    """Share of ``fresh_s`` before whose end that call may begin, drawn anew for each answer; 0–1. A
    fifth: rows that came in one batch are not asked for anew in one instant."""

    refresh_limit: int = 64
    """Rows asked for in the background at once, 0–10,000; who finds no room asks herself. Four
    turns of the 16 places that one service has: readers who wait come through beside them."""

    refresh_timeout_s: float = 2.0
    """Seconds such a call is wanted for, 0.01–60. Two, as a request at the door."""

    if_error_s: float = 60.0
    """Seconds for which a row is kept to be shown in place of its owner's failure
    (stale-if-error); 0–3,600, 0 shows none. A minute: a restart, or a deployment that is taken
    back. Whoever is shown it is told."""

    entry_limit: int = 10_000
    """Answers kept at once, 1–1,000,000; the one put longest ago leaves first. Ten thousand, of
    about 2 KB: 20 MB, and a minute of 160 rows a second."""

    extension_s: float = 2.0
    """Seconds by which those who join may prolong a call beyond the deadline of its first reader,
    0–60. Two, the door's own limit: whoever comes later finds it slow, and asks anew."""

    @property
    def shown_s(self) -> float:
        """How old a row may get that is shown while its owner is well."""
        return self.fresh_s + self.while_revalidate_s

    @property
    def keep_s(self) -> float:
        """How long an answer is kept at all, from when its owner was asked."""
        return max(self.shown_s, self.if_error_s)

    def __post_init__(self) -> None:
        _require_range("fresh_s", self.fresh_s, 0, 60)
        _require_range("absent_fresh_s", self.absent_fresh_s, 0, self.fresh_s)
        _require_range("while_revalidate_s", self.while_revalidate_s, 0, 60)
        _require_range("early_refresh_ratio", self.early_refresh_ratio, 0, 1)
        _require_range("refresh_limit", self.refresh_limit, 0, 10_000)
        _require_range("refresh_timeout_s", self.refresh_timeout_s, 0.01, 60)
        _require_range("if_error_s", self.if_error_s, 0, 3_600)
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
