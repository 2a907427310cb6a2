"""Every number of this package: its unit, default, allowed range, and where it comes from.

What stands here is printed by `bff settings`, with the words below each number.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from resolvers.upstream.adaptive_limit import AdaptiveLimitOptions
from resolvers.upstream.ranges import Between, require_ranges

HttpClient = Literal["http1", "aiohttp", "httpx"]

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerOptions:
    """When the circuit to one kind of call at one upstream opens, and when it is tried again."""

    window_s: Annotated[float, Between(1, 300)] = 10.0
    """Seconds of calls that are judged. Ten, as in Hystrix: shorter windows open on a hiccup,
    longer ones keep voting about a fault that is over."""

    bucket_count: Annotated[int, Between(2, 60)] = 10
    """Parts the window is counted in; memory and precision both grow with it. The window slides by
    whole parts, so the oldest tenth leaves at once."""

    min_call_count: Annotated[int, Between(1, 10_000)] = 20
    """Calls in the window before it can open; as many bad ones in a row open it whatever came
    before. Twenty, as in Hystrix: two failures of three calls at night are no outage."""

    failure_ratio: Annotated[float, Between(0.01, 1)] = 0.5
    """Share of failed calls at which it opens. Half, the common default of Hystrix and
    resilience4j."""

    slow_call_s: Annotated[float, Between(0.005, 60)] = 0.5
    """Seconds on the wire after which a call counts as slow; none does where this is no less than
    the attempt timeout. Half of that by default, as the gateway sets it: an impatient deadline's
    call has had a fair chance by then, and half a second is left to open within one."""

    slow_ratio: Annotated[float, Between(0.01, 1)] = 0.8
    """Share of slow calls at which it opens. Four of five, more than for failures: a slow answer is
    still one, and a call that hung until its timeout has failed too."""

    silent_call_count: Annotated[int, Between(1, 10_000)] = 5
    """Overdue calls in a row, with no answer of any kind between them, that open it. Five: ten
    calls a second make it open within one; two or three could be one locked row."""

    lag_s: Annotated[float, Between(0, 60)] = 0.25
    """Seconds after its limit at which a timer that rings says that our own loop was held up. A
    quarter: the answer may have been waiting for us, so such a call is no vote."""

    alarm_lag_s: Annotated[float, Between(0, 60)] = 0.05
    """The same for the alarm of a slow call. A twentieth: a loop that lags by a tenth of the usual
    limit makes calls slow by itself, turn by turn, and an overload of ours must not open the
    circuits of services."""

    break_s: Annotated[float, Between(0.1, 300)] = 5.0
    """Seconds it stays open before one probe. Five, as in Hystrix: a restart takes about as long,
    and full service is back one break after recovery at the latest."""

    break_factor: Annotated[float, Between(1, 10)] = 2.0
    """By how much a break is longer than the one before; 1 never grows. Two: a service that falls
    down at every probe has half as many to bear each time."""

    break_cap_s: Annotated[float, Between("break_s", 3_600)] = 30.0
    """Seconds of the longest break. Thirty: after a long outage nobody waits for more than half a
    minute to be served again."""

    jitter_ratio: Annotated[float, Between(0, 1)] = 0.2
    """The share of a break that chance may take away; it never adds. A fifth: gateways that opened
    together spread their probes over a second, and no promise becomes longer."""

    calm_s: Annotated[float, Between(0, 3_600)] = 10.0
    """Seconds closed after which the next break is as short as the first. Ten, one whole window:
    what opens sooner has not been well in between."""

    hint_s: Annotated[float, Between(0, 300)] = 10.0
    """Seconds for which it counts that another gateway has opened its circuit; 0 hears nothing.
    Ten, two breaks: whoever is still down by then has said so again."""

    hinted_call_count: Annotated[int, Between(1, 10_000)] = 3
    """Bad calls in a row that open it meanwhile. Three: one or two are chance, and no word of
    another gateway may replace what this one has seen."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryOptions:
    """When a call to one upstream that failed is made once more."""

    limit_count: Annotated[int, Between(0, 10)] = 2
    """Times a call is made once more at most; 0 makes none. Two: who fails three times within a
    tenth of a second or two is not well by the fourth."""

    backoff_s: Annotated[float, Between(0, 10)] = 0.05
    """Seconds that the first wait lasts at most; each next one twice as long. A twentieth: with the
    second wait that is 0.15 s of the door's 2 s, and spreads callers over the time in which a
    service comes back from a pause."""

    calls_per_retry: Annotated[int, Between(0, 1_000)] = 10
    """Calls for which one may be made once more; 0 sets no bound. Ten, as the SRE book has it: a
    service that is down is asked 1.1 times as often, and not three times."""

    floor_count: Annotated[int, Between(0, 100)] = 3
    """Retries lent to a process that has made few calls. Three: the first page that meets a hiccup
    is whole, and thirty calls later the debt is paid."""

    reserve_count: Annotated[int, Between(1, 1_000)] = 10
    """Retries saved at most. Ten, those of a hundred good calls: a restart of one replica is
    bridged; more would only be spent on an outage."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeOptions:
    """When a read that is late is asked a second time."""

    is_on: bool = True
    """Whether it ever is."""

    late_ratio: Annotated[float, Between(0.5, 1)] = 0.95
    """Share of the answers that one is later than when it is late. Nineteen of twenty: what is
    later is rare enough to be asked for twice."""

    floor_s: Annotated[float, Between(0, 10)] = 0.02
    """Seconds before which nothing is late. A fiftieth: what a busy process may pause."""

    usual_ratio: Annotated[float, Between(1, 1_000)] = 3.0
    """Times the median after which a read is late though many are. Three: fast ones of an ordinary
    spread are below it. With 2 or 3, a tail of 5 % was cut in each of 24 simulated services; with 4
    in 15 of them, with none in 14."""

    sample_count: Annotated[int, Between(20, 10_000)] = 500
    """Answers of one kind that are remembered. Five hundred: of 200 the 95th percentile jumps so
    often that half of the same simulations kept their tail."""

    least_sample_count: Annotated[int, Between(1, "sample_count")] = 20
    """Answers before anything can be late. Of fewer than twenty, the slowest alone would be the
    95th percentile."""

    calls_per_hedge: Annotated[int, Between(1, 1_000)] = 20
    """Answers for which one second call may be made. Twenty: five extra calls of a hundred, as many
    as are late by definition."""

    reserve_count: Annotated[int, Between(1, 1_000)] = 20
    """Second calls saved at most. Twenty: slow answers come in crowds, and with three saved a
    fifteenth of them was waited for in vain."""

    def __post_init__(self) -> None:
        require_ranges(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamOptions:
    """How one upstream is reached, and how much of us it may occupy."""

    base_url: str
    """Where it lives: http or https and a host, with or without a path in front of ours."""

    attempt_timeout_s: Annotated[float, Between(0.01, 60)] = 1.0
    """Seconds one attempt may last. Half the door's 2 s, so that a second attempt or the other read
    path still fits behind a hanging one."""

    in_flight_limit: Annotated[int, Between(1, 1_024)] = 64
    """Calls on the wire at once at most, and connections kept. Sixty-four: with sixteen, a service
    that takes 50 ms is asked 310 times a second at most, half of what a process can do. Fewer for
    httpx, whose pool scans every connection at the start and end of every call: 16 cost 3.5 ms CPU
    a call at 32 callers, 32 cost 5.6 ms."""

    queue_limit: Annotated[int, Between(0, 100_000)] = 256
    """Calls that may wait for a place on the wire. Four full turns: if each took half a second,
    whoever stands further back would meet the deadline first."""

    answer_limit_bytes: Annotated[int, Between(_KIB, 1_024 * _MIB)] = 4 * _MIB
    """Bytes of one answer's body. The largest honest answer, a batch of 100 orders, is two orders
    of magnitude smaller."""

    idle_connection_s: Annotated[float, Between(0, 3_600)] = 4.0
    """Seconds an unused connection is kept. One less than uvicorn's 5 s: the side that closes first
    should be ours, or a mutation is sent into a connection that is just closing."""

    http_client: HttpClient = "http1"
    """Who speaks HTTP to it. All keep one contract; the default is the fastest that does."""

    retry: RetryOptions = field(default_factory=RetryOptions)
    hedge: HedgeOptions = field(default_factory=HedgeOptions)
    breaker: BreakerOptions = field(default_factory=BreakerOptions)
    adaptive: AdaptiveLimitOptions = field(default_factory=AdaptiveLimitOptions)

    def __post_init__(self) -> None:
        require_ranges(self)
        _require_web_url("base_url", self.base_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class SharingOptions:
    """How far readers of this process share the answers to live reads of rows."""

    fresh_s: Annotated[float, Between(0, 60)] = 0.5
    """Seconds for which an answer is kept for readers who may share, from when its owner was asked;
    0 keeps none. Half a second: a fifth of what the same readers accept of a projection (2.5 s),
    and enough to make one call a second or two of any row that everybody looks at."""

    absent_fresh_s: Annotated[float, Between(0, "fresh_s")] = 0.1
    """Seconds for which it is kept that there is no such row. A tenth: enough for a stampede, short
    enough that nobody waits to see what has been made elsewhere meanwhile."""

    while_revalidate_s: Annotated[float, Between(0, 60)] = 1.0
    """Seconds after ``fresh_s`` for which a row is still shown at once, while one call in the
    background asks for it anew (stale-while-revalidate); 0 makes every reader wait for the answer.
    One: together with ``fresh_s`` 1.5 s, less than the 2.5 s that the same readers accept of a
    projection, and three times what an owner has to answer in before anybody waits for it."""

    early_refresh_ratio: Annotated[float, Between(0, 1)] = 0.2
    """Share of ``fresh_s`` before whose end that call may begin, drawn anew for each answer. A
    fifth: rows that came in one batch are not asked for anew in one instant."""

    refresh_limit: Annotated[int, Between(0, 10_000)] = 64
    """Rows asked for in the background at once; who finds no room asks herself. Of three
    services with 64 places each that is a third: readers who wait come through beside them."""

    refresh_timeout_s: Annotated[float, Between(0.01, 60)] = 2.0
    """Seconds such a call is wanted for. Two, as a request at the door."""

    if_error_s: Annotated[float, Between(0, 3_600)] = 60.0
    """Seconds for which a row is kept to be shown in place of its owner's failure (stale-if-error);
    0 shows none. A minute: a restart, or a deployment that is taken back. Whoever is shown it is
    told."""

    entry_limit: Annotated[int, Between(1, 1_000_000)] = 10_000
    """Answers kept at once; the one put longest ago leaves first. Ten thousand, of about 2 KB: 20
    MB, and a minute of 160 rows a second."""

    extension_s: Annotated[float, Between(0, 60)] = 2.0
    """Seconds by which those who join may prolong a call beyond the deadline of its first reader.
    Two, the door's own limit: whoever comes later finds it slow, and asks anew."""

    @property
    def shown_s(self) -> float:
        """How old a row may get that is shown while its owner is well."""
        return self.fresh_s + self.while_revalidate_s

    @property
    def keep_s(self) -> float:
        """How long an answer may be shown at all, from when its owner was asked; 0 keeps none."""
        return max(self.shown_s, self.if_error_s)

    def __post_init__(self) -> None:
        require_ranges(self)


def _require_web_url(name: str, value: str) -> None:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be an http(s) address with a host, not {value!r}")
