"""What a client sees, and how long it takes, when the product service is not well."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from benchmarks.speed.asks import Ask
from benchmarks.speed.grounds import Serving

CAP_S: Final = 10.0
"""After so long nobody looks any more."""

NOTHING: Final = "nothing"
MS: Final = 1_000

FAULTS: Final[Mapping[str, str]] = {
    "fails": "answers 500",
    "hangs": "takes the call and never answers",
    "refuses": "refuses connections",
}
"""What the product service can do, as its desk knows it and as people do."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one client saw, and after how long (s)."""

    what: str
    took_s: float

    def __str__(self) -> str:
        return f"{self.what}, {told_time(self.took_s)}"


def told_time(seconds: float) -> str:
    """As a cell has room for it.

    >>> told_time(0.0042), told_time(2.04), told_time(10.0)
    ('4 ms', '2.0 s', '> 10 s')
    """
    if seconds >= CAP_S:
        return f"> {CAP_S:g} s"
    return f"{seconds * MS:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def look(serving: Serving, ask: Ask, serials: Sequence[int]) -> Seen:
    """One client after another asks; the median time, and what that one saw."""
    seen = sorted((one(serving, ask, serial) for serial in serials), key=lambda each: each.took_s)
    return seen[statistics.median_low(range(len(seen)))]


def one(serving: Serving, ask: Ask, serial: int) -> Seen:
    """One client asks, for `CAP_S` at most."""
    request = {"query": ask.query, "variables": ask.variables(serial)}
    began_s = time.perf_counter()
    with httpx.Client(base_url=serving.url, timeout=CAP_S, trust_env=False) as http:
        try:
            response = http.post("/graphql", json=request)
        except httpx.TimeoutException:
            return Seen(NOTHING, CAP_S)
        except httpx.TransportError:
            return Seen(NOTHING, time.perf_counter() - began_s)
    took_s = time.perf_counter() - began_s
    return Seen(describe(response.status_code, parsed(response.content)), took_s)


def parsed(body: bytes) -> Mapping[str, Any]:
    """The answer; an empty one where it is no JSON."""
    try:
        answer: Mapping[str, Any] = json.loads(body)
    except ValueError:
        return {}
    return answer


def describe(status: int, answer: Mapping[str, Any]) -> str:
    """An answer in a few words: what of the order is there, and how many errors are told.

    >>> describe(200, {"data": {"order": {"items": [{"product": None}]}}, "errors": [{}]})
    '200, all but products, 1 error'
    """
    order = (answer.get("data") or {}).get("order")
    error_count = len(answer.get("errors", ()))
    if order is None:
        shown = "no order"
    elif any(item["product"] is None for item in order["items"]):
        shown = "all but products"
    else:
        shown = "all"
    errors = f", {error_count} error{'s' if error_count > 1 else ''}" if error_count else ""
    return f"{status}, {shown}{errors}"
