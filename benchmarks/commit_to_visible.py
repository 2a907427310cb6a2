"""Commit → visible: how long after a service's commit a gateway can show it, at 500 changes/s.

*Commit* is the event's own `time`, which the service takes inside the transaction, just before it
commits, and tells cut to milliseconds: so a delay is told up to 1 ms too long, and never too short.
*Visible* is the instant at which the process of a gateway hears the announcement that this version
or a later one can be read. Both are taken from the one wall clock of this machine. Every change
that was committed while the load lasted counts, the first seconds excepted; one that was never seen
is told apart. The changes are PATCHes over all three services, sent on schedule whatever became of
those before them.

Of librdkafka's mock the distributed figure means nothing: while a poll waits, it looks for new
records only now and then.

Control: how late a timer of the gateway's process comes, at the same time. Nothing that is woken by
news can be faster than that on this machine.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import httpx

from benchmarks.figures import AtLeast, AtMost, Control, Figure
from benchmarks.houses import TOPICS, Column, House, running_house
from benchmarks.listening_gateway import Notes
from benchmarks.processes import OTHERS, CpuMeter, Json
from benchmarks.published import Sent, sent_to
from benchmarks.runs import Run
from benchmarks.spread import spread
from benchmarks.visibility import Committed, Heard, join
from benchmarks.waiting import wait_watching
from tests.e2e.shopper import quiet_client

PAGE_LIMIT: Final = 1000
P50_AIM_MS: Final = AtMost(15.0)
P99_AIM_MS: Final = AtMost(100.0)
MS: Final = 1000


def measure_embedded(run: Run) -> Iterator[Figure]:
    """Feeds into the memory of the gateway."""
    yield from measure(run, "embedded")


def measure_distributed(run: Run) -> Iterator[Figure]:
    """Relay, Kafka, projector, Redis, gateway: a process each."""
    yield from measure(run, "distributed")


def measure(run: Run, column: Column) -> Iterator[Figure]:
    """Put the load on a house, then join commits with what was heard."""
    lengths = run.lengths
    with running_house(run, column, run.room(f"visible-{column}")) as house:
        warm_up_s, seconds = house.warm_up_s(lengths), lengths.load_s
        meter = CpuMeter(house.all_pids())
        with house.loaded(
            seconds=seconds, mutations=lengths.mutation_rate, warm_up_s=warm_up_s
        ) as load:
            wait_watching(run, f"commit → visible, {column}", load, warm_up_s + seconds)
        used_s = meter.used_s()
        since_s = load.told["started_at_s"] + warm_up_s
        until_s = since_s + seconds
        commits = list(committed(house, since_s, until_s))
        sent = list(sent_by_relays(run, column))
        notes = house.end_gateway()
    circumstances = told_of(load.told, used_s, warm_up_s + seconds)
    rate = len(commits) / seconds
    yield Figure(
        name=f"changes committed, {column}",
        value=rate,
        unit="/s",
        aim=AtLeast(0.98 * lengths.mutation_rate),
        note=circumstances,
    )
    yield from stage_figures(commits, sent)
    yield from figures_of(column, commits, notes)


def sent_by_relays(run: Run, column: Column) -> list[Sent]:
    """What lies in Kafka; nothing where there is none."""
    return sent_to(run.kafka().address, TOPICS) if column == "distributed" else []


def stage_figures(commits: list[Committed], sent: list[Sent]) -> Iterator[Figure]:
    """The part of the delay that lies before Kafka."""
    handed = Heard()
    for sent_s, key, at in sorted(sent):
        handed.note(sent_s, {key: at})
    if delays_s := join(commits, handed).delays_s:
        delays = spread(delays_s)
        for share, value in (("p50", delays.p50), ("p99", delays.p99)):
            yield Figure(
                name=f"of which commit → sent by the relay {share}", value=value * MS, unit="ms"
            )


def figures_of(column: Column, commits: list[Committed], notes: Notes) -> Iterator[Figure]:
    """The delays, and those that never came."""
    heard = Heard()
    for heard_s, versions in notes.heard:
        heard.note(heard_s, dict(versions))
    seen = join(commits, heard)
    delays, alarm = spread(seen.delays_s), spread(notes.alarm_late_s)
    where = f"{delays.count:,} changes, greatest {delays.greatest * MS:.0f} ms"
    for share, value, aim, timer in (
        ("p50", delays.p50, P50_AIM_MS, alarm.p50),
        ("p99", delays.p99, P99_AIM_MS, alarm.p99),
    ):
        yield Figure(
            name=f"commit → visible {share}, {column}",
            value=value * MS,
            unit="ms",
            aim=aim,
            control=Control("a timer", timer * MS),
            note=where,
        )
    yield Figure(name=f"never seen, {column}", value=seen.unseen_count, unit="", aim=AtMost(0))


def committed(house: House, since_s: float, until_s: float) -> Iterator[Committed]:
    """Every change between two instants of the wall clock, as the services' own feeds tell it."""
    with quiet_client() as http:
        for service, url in house.urls.items():
            for event in events_of(http, url):
                at_s = datetime.fromisoformat(event["time"]).timestamp()
                if since_s <= at_s < until_s:
                    at = (event["sourceepoch"], event["aggregateversion"])
                    yield Committed((service, event["subject"]), at, at_s)


def events_of(http: httpx.Client, url: str) -> Iterator[Json]:
    """The whole outbox of a service."""
    after: dict[str, str] = {}
    while True:
        asked = {"limit": str(PAGE_LIMIT), **after}
        page = http.get(f"{url}/events", params=asked).raise_for_status().json()
        yield from page["events"]
        if not page["remaining"]:
            return
        after = {"after": page["cursor"]}


def told_of(load: Json, used_s: dict[str, float], seconds: float) -> str:
    """Whether the load was what it should be, and who was busy with it."""
    late_ms = max(lane["sent_late_s"]["p99"] for lane in load["lanes"].values()) * MS
    failure_count = sum(lane["failure_count"] for lane in load["lanes"].values())
    others_s = used_s[OTHERS] - load["cpu_s"]
    shares = {"load": load["cpu_s"], **used_s, OTHERS: others_s}
    busy = ", ".join(f"{name} {100 * used / seconds:.0f} %" for name, used in shares.items())
    return f"{failure_count} failed, sent late p99 {late_ms:.1f} ms; of a core: {busy}"
