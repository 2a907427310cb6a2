"""What is asked of every server, and what an answer has to look like to be counted."""

import json
import re
from functools import cache
from typing import Final
from urllib.parse import quote

import msgspec

from benchmarks.speed.world import FIRST_FILLER, STRIDE, World

ERRORS: Final = b'"errors"'
NUMBER: Final = "@@"
"""Stands in a question where the number of what is asked for belongs."""

SERIAL: Final = "##"
"""Stands where the number of the request belongs, which is never the same twice."""

REASON: Final = re.compile(rb'"reason":"(\w+)"')
ELSEWHERE: Final = "from elsewhere,"
TELLING_BYTES: Final = 300

PARTS: Final = """{
    id status total
    customer { name email }
    items { quantity lineTotal product { name price } }
  }"""
DETAILS: Final = f"query Details($id: ID!) {{ order(id: $id) {PARTS} }}"
LIVE_DETAILS: Final = (
    f"query Details($id: ID!) {{ order(id: $id, consistency: {{live: true}}) {PARTS} }}"
)
NEW_DETAILS: Final = f"query New{SERIAL}($id: ID!) {{ order(id: $id) {PARTS} }}"
PAGE_PARTS: Final = """{
    edges { node { id total customer { name } items { quantity product { name } } } }
  }"""
PAGE: Final = f"query Page($id: ID!) {{ orders(customerId: $id, first: 100) {PAGE_PARTS} }}"
LIVE_PAGE: Final = (
    "query Page($id: ID!) "
    f"{{ orders(customerId: $id, first: 100, consistency: {{live: true}}) {PAGE_PARTS} }}"
)

WORLD: Final = World()


class Ask(msgspec.Struct, frozen=True):
    """A question about one of many things, by number.

    ``id``: with `@@` for a number of ``count`` from ``first``; an answer has to hold the ``sign``.
    ``status``: which an answer has to have. ``refused``: what no answer may hold, as a sign that it
    did not come from where it should. ``headers``: whole lines.
    """

    query: str
    id: str = f"o-{NUMBER}"
    first: int = 1
    count: int = WORLD.order_count
    method: str = "POST"
    status: int = 200
    sign: str = f'"o-{NUMBER}"'
    refused: str = ""
    headers: str = ""

    def render(self, host: str, serial: int) -> tuple[bytes, bytes]:
        """The whole request of this number, and the sign by which its answer is known."""
        sign = self.sign.replace(NUMBER, self._number(serial)).encode()
        if self.method == "GET":
            head = f"GET {self.target(serial)} HTTP/1.1\r\nhost: {host}\r\n{self.headers}\r\n"
            return head.encode(), sign
        body = self._filled(body_mould(self), serial)
        request = (
            f"POST /graphql HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n{self.headers}\r\n{body}"
        )
        return request.encode(), sign

    def target(self, serial: int) -> str:
        """What a GET of this number asks for."""
        return self._filled(target_mould(self), serial)

    def variables(self, serial: int) -> dict[str, str]:
        """Those of this number."""
        return {"id": self._filled(self.id, serial)}

    def complaint(self, answer: bytes, sign: bytes) -> str:
        """What is wrong with the answer, in a few words; nothing when it is the right one."""
        if not answer.startswith(b"HTTP/1.1 %d" % self.status):
            return f"not {self.status}: {told(answer)}"
        if ERRORS in answer:
            return f"errors: {told(answer)}"
        if sign not in answer:
            return f"not about {sign.decode()}: {told(answer)}"
        if self.refused and self.refused.encode() in answer:
            why = sorted(set(REASON.findall(answer)))
            return f"{ELSEWHERE} {self.refused}: {b' '.join(why).decode()}"
        return ""

    def _filled(self, mould: str, serial: int) -> str:
        return mould.replace(NUMBER, self._number(serial)).replace(SERIAL, str(serial))

    def _number(self, serial: int) -> str:
        return str(serial * STRIDE % self.count + self.first)


def told(answer: bytes) -> str:
    """An answer in a line."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return f"{head.splitlines()[0].decode()} {body[:TELLING_BYTES].decode(errors='replace')}"


@cache
def body_mould(ask: Ask) -> str:
    """The body of a POST with its numbers open: who asks often renders them alone."""
    return json.dumps({"query": ask.query, "variables": {"id": ask.id}})


@cache
def target_mould(ask: Ask) -> str:
    """The same of a GET."""
    variables = json.dumps({"id": ask.id})
    safe = NUMBER + SERIAL
    return f"/graphql?query={quote(ask.query, safe)}&variables={quote(variables, safe)}"


PROJECTED: Final = '"source":"PROJECTION"'
LIVE: Final = '"source":"LIVE"'


def listed(query: str, refused: str = "") -> Ask:
    """A question about the customers with a hundred orders each."""
    return Ask(
        query,
        id=f"l-{NUMBER}",
        count=WORLD.list_count,
        sign=f'"Customer number l-{NUMBER}"',
        refused=refused,
    )


NAIVE_DETAILS: Final = Ask(DETAILS)
NAIVE_PAGE: Final = listed(PAGE)
OUR_LIVE_DETAILS: Final = Ask(LIVE_DETAILS, refused=PROJECTED)
OUR_DETAILS: Final = Ask(DETAILS, refused=LIVE)
OUR_LIVE_PAGE: Final = listed(LIVE_PAGE, PROJECTED)
OUR_PAGE: Final = listed(PAGE, LIVE)
NEW_TEXT: Final = Ask(NEW_DETAILS)
HOT_DETAILS: Final = Ask(DETAILS, count=1_000, refused=LIVE)
SAME_DETAILS: Final = Ask(DETAILS, count=1, refused=LIVE)
SAME_GET: Final = Ask(DETAILS, count=1, method="GET", refused=LIVE)
FILLER_DETAILS: Final = Ask(DETAILS, first=FIRST_FILLER, refused=LIVE)
RAW: Final = Ask(DETAILS, sign="")


def unchanged(tag: str) -> Ask:
    """The same GET of somebody who has the answer with this entity tag already."""
    return Ask(
        DETAILS, count=1, method="GET", status=304, sign="", headers=f"if-none-match: {tag}\r\n"
    )
