"""What the ready services answer: bytes that are there before anybody asks.

They obey docs/contract.md as far as reads and feeds go. Nothing ever changes, so every version is
the first.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

import orjson

from benchmarks.speed.world import Json, World

HEAD: Final = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\n%scontent-length: %d\r\n\r\n%s"
VERSION: Final = b'etag: "1"\r\n'
BATCH_LIMIT: Final = 100
PAGE_SIZE: Final = 20
EVENT: Final = (
    b'{"specversion":"1.0","id":"%s-1","source":"/%s","type":"%s.updated","subject":"%s",'
    b'"time":"2025-03-01T09:30:00.000Z","datacontenttype":"application/json",'
    b'"aggregateversion":1,"sourceepoch":1,"schemaversion":1,"tombstone":false,"data":%s}'
)
LOG: Final = "ready"
EVENTS_A_PAGE: Final = 500

Making = Callable[[int], Json]


@dataclass(frozen=True, slots=True)
class Held:
    """An answer that is sent after so many seconds; a held poll of a feed."""

    answer: bytes
    after_s: float


def rendered(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """A whole answer."""
    return HEAD % (status, headers, len(body), body)


NOT_FOUND: Final = rendered(
    b'{"type":"urn:problem:not-found","title":"Not found","status":404,"code":"not-found"}',
    b"404 Not Found",
)
FAILED: Final = rendered(
    b'{"type":"urn:problem:internal","title":"Failed","status":500,"code":"internal"}',
    b"500 Internal Server Error",
)


@dataclass(slots=True)
class Service:
    """One of the three: ``name`` as in its paths.

    ``filler``: makes resources beside those that are kept, of which only the feed tells.
    """

    name: str
    states: Iterable[Json]
    filler_count: int = 0
    filler: Making | None = None
    _bodies: dict[bytes, bytes] = field(default_factory=dict)
    _answers: dict[bytes, bytes] = field(default_factory=dict)
    _order: list[bytes] = field(default_factory=list)
    _lists: defaultdict[str, list[Json]] = field(default_factory=lambda: defaultdict(list))
    calls: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for state in self.states:
            self._keep(state)
        for listed in self._lists.values():
            listed.sort(key=_listed_at, reverse=True)
        self.states = ()

    def answer(self, target: bytes) -> bytes | Held:
        """What is sent back to `GET target`."""
        ready = self._answers.get(target)
        if ready is not None:
            self.calls["one"] += 1
            return ready
        path, _, query = target.partition(b"?")
        if path == b"/events":
            return self._page_of_feed(query)
        if path != b"/" + self.name.encode():
            return NOT_FOUND
        if query.startswith(b"ids="):
            self.calls["many"] += 1
            return self._batch(query[4:].replace(b"%2C", b",").split(b","))
        self.calls["list"] += 1
        return self._page(parse_qs(query.decode()))

    def _keep(self, state: Json) -> None:
        id_, body = state["id"].encode(), orjson.dumps(state)
        self._bodies[id_] = body
        self._order.append(id_)
        self._answers[b"/%s/%s" % (self.name.encode(), id_)] = rendered(body, headers=VERSION)
        if "customerId" in state:
            self._lists[state["customerId"]].append(state)

    def _batch(self, ids: Sequence[bytes]) -> bytes:
        if len(ids) > BATCH_LIMIT:
            return FAILED  # nobody who measures may ask for more; a row with a failure is void
        found = [body for id_ in ids if (body := self._bodies.get(id_)) is not None]
        return rendered(b'{"items":[%s]}' % b",".join(found))

    def _page(self, asked: Mapping[str, list[str]]) -> bytes:
        limit = int(asked.get("limit", [str(PAGE_SIZE)])[0])
        listed = self._lists[asked["customerId"][0]]
        if "cursor" in asked:
            placed_at, _, id_ = asked["cursor"][0].rpartition("_")
            listed = [state for state in listed if _listed_at(state) < (placed_at, id_)]
        shown = listed[:limit]
        next_cursor = "_".join(_listed_at(shown[-1])) if len(listed) > limit else None
        return rendered(orjson.dumps({"items": shown, "nextCursor": next_cursor}))

    def _page_of_feed(self, query: bytes) -> bytes | Held:
        asked = parse_qs(query.decode())
        first = int(asked.get("after", [f"0-{LOG}"])[0].partition("-")[0])
        count = len(self._order) + self.filler_count
        limit = int(asked.get("limit", [str(EVENTS_A_PAGE)])[0])
        end = min(first + limit, count)
        told = b'{"events":[%s],"cursor":"%d-%s","remaining":%d,"log":"%s","place":%d}' % (
            b",".join(self._event(number) for number in range(first, end)),
            *(end, LOG.encode(), count - end, LOG.encode(), end),
        )
        wait_s = float(asked.get("wait_s", ["0"])[0])
        answer = rendered(told)
        return answer if end > first else Held(answer, wait_s)

    def _event(self, number: int) -> bytes:
        if number < len(self._order):
            id_ = self._order[number]
            body = self._bodies[id_]
        elif self.filler is not None:
            state = self.filler(number - len(self._order))
            id_, body = state["id"].encode(), orjson.dumps(state)
        source = self.name.encode()
        return EVENT % (id_, source, source[:-1], id_, body)


def services_of(world: World) -> Mapping[str, Service]:
    """The three services over this world."""
    return {
        "orders": Service("orders", world.orders(), world.filler_count, world.filler),
        "customers": Service("customers", world.customers()),
        "products": Service("products", world.products()),
    }


def _listed_at(state: Json) -> tuple[str, str]:
    return state["placedAt"], state["id"]
