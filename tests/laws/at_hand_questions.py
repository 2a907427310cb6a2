"""What is asked in histories of answers at hand: queries of all shapes, and tokens of all kinds."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Final

import orjson

from gateway.replies import Reply
from projections.token import ConsistencyToken, FloorKey, Seen, mark_at
from projections.versions import Version
from tests.graphql_answers import Json
from tests.laws.asked_both_ways import CODEC, LIFETIME_MIN, Question
from tests.laws.moved_projection import KEYS, MovedProjection
from tests.projection_by_hand import wall_clock_s

ORDER: Final = """query ($id: ID!) { order(id: $id) {
  id note total version customer { name } items { lineTotal product { name stock } } } }"""
CUSTOMER: Final = """query ($id: ID!, $first: Int) { customer(id: $id) { name
  orders(first: $first) { edges { node { id status note } } pageInfo { hasNextPage } } } }"""
DEEP: Final = """query ($id: ID!, $deep: Boolean!) { order(id: $id) {
  id customer @include(if: $deep) { name
  orders(first: 2) { edges { node { note items { product { name } } } } } } } }"""
LIST: Final = """query ($id: ID!, $first: Int) {
  placed: orders(customerId: $id, first: $first, status: PLACED) { edges { node { id note } } }
  all: orders(customerId: $id) { edges { node { id customer { name } } } } }"""
CURSORS: Final = """query ($id: ID!, $after: String) {
  orders(customerId: $id, first: 1, after: $after) { edges { cursor node { id note } }
  pageInfo { hasNextPage hasPreviousPage endCursor } } }"""
SEVERAL: Final = """query ($id: ID!) {
  one: order(id: $id) { note } other: order(id: $id) { version }
  product(id: "p-1") { stock } customer(id: "c-2") { email } again: product(id: "p-1") { id } }"""
DEMANDING: Final = """query ($consistency: Consistency) {
  order(id: "o-1", consistency: $consistency) { note customer { name } }
  product(id: "p-2") { name } }"""
LITERAL: Final = '{ order(id: "o-1") { note } product(id: "p-1") { name stock } }'
NOTHING: Final = "{ __typename }"

ASKED: Final[tuple[tuple[str, dict[str, Json]], ...]] = (
    (LITERAL, {}),
    (NOTHING, {}),
    (ORDER, {"id": "o-1"}),
    (ORDER, {"id": "o-2"}),
    (ORDER, {"id": "1"}),
    (ORDER, {"id": 1}),
    (ORDER, {"id": True}),
    (CUSTOMER, {"id": "c-1"}),
    (CUSTOMER, {"id": "c-1", "first": None}),
    (CUSTOMER, {"id": "c-1", "first": 1}),
    (CUSTOMER, {"id": "c-1", "first": True}),
    (CUSTOMER, {"id": "c-1", "first": 1.0}),
    (CUSTOMER, {"id": "c-2", "first": 2}),
    (DEEP, {"id": "o-1", "deep": True}),
    (DEEP, {"id": "o-1", "deep": False}),
    (DEEP, {"id": "o-1", "deep": 1}),
    (DEEP, {"id": "o-1", "deep": 0}),
    (LIST, {"id": "c-1"}),
    (LIST, {"id": "c-2", "first": 1}),
    (CURSORS, {"id": "c-1"}),
    (SEVERAL, {"id": "o-2"}),
)
SUBJECTS: Final = ("ada", "bob")
FAVOURITE_COUNT: Final = 7
GET_RATIO: Final = 0.25
KINDS: Final = (
    *("none",) * 10,
    *("newest",) * 14,
    *("oldest",) * 4,
    "any",
    "both",
    "entry",
    "mark",
    "mark to come",
    "floor ahead",
    "floor elsewhere",
    "floor of later",
    "uncertain",
    "expired",
    "another's",
    "no token",
)


@dataclass
class Asking:
    """Makes questions; remembers the tokens, cursors and validators of the answers."""

    projection: MovedProjection
    random: Random
    tokens: dict[str, list[str]] = field(default_factory=lambda: {who: [] for who in SUBJECTS})
    cursors: list[str] = field(default_factory=list)
    etags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._favourites = self.random.sample(ASKED, FAVOURITE_COUNT)

    def questions(self) -> list[Question]:
        """What is asked again and again here, and some of what else could be."""
        asked = [Question(query, variables) for query, variables in self._favourites]
        others = [Question(*self.random.choice(ASKED))]
        others += [Question(CURSORS, {"id": "c-1", "after": after}) for after in self.cursors[-2:]]
        others += [Question(DEMANDING, {"consistency": said}) for said in self._demands()]
        subject = self.random.choice((*SUBJECTS, SUBJECTS[0]))
        return [
            replace(
                question,
                subject=subject,
                tokens=self._sent(subject),
                is_get=self.random.random() < GET_RATIO,
                known=self.random.choice((None, *self.etags[-2:])),
            )
            for question in (*asked, *self.random.sample(others, 2))
        ]

    def note(self, question: Question, reply: Reply) -> None:
        """Remember what an answer brought."""
        headers = dict(reply.headers)
        if b"x-consistency-token" in headers:
            self.tokens[question.subject].append(headers[b"x-consistency-token"].decode())
        if b"etag" in headers:
            self.etags.append(headers[b"etag"].decode())
        if question.query == CURSORS and reply.body:
            page = ((orjson.loads(reply.body).get("data") or {}).get("orders")) or {}
            self.cursors += [edge["cursor"] for edge in page.get("edges") or ()]

    def _demands(self) -> list[Json]:
        tokens = list(self._sent(SUBJECTS[0]))
        return [
            None,
            {"eventual": True},
            {"atLeast": {"tokens": tokens}},
            {"atLeast": {"tokens": tokens, "maxWaitMs": 0, "onTimeout": "ERROR"}},
            {"causal": {"tokens": tokens}},
            {"bounded": {"maxStalenessMs": 1000}},
            {"live": True},
        ]

    def _sent(self, subject: str) -> tuple[str, ...]:
        known, kind = self.tokens[subject], self.random.choice(KINDS)
        other = self.tokens[SUBJECTS[SUBJECTS[0] == subject]]
        sent = {
            "none": (),
            "newest": tuple(known[-1:]),
            "oldest": tuple(known[:1]),
            "any": tuple(self.random.sample(known, min(1, len(known)))),
            "both": (*known[:1], *known[-1:]),
            "another's": tuple(other[-1:]),
            "no token": ("ct1nonsense",),
        }
        return sent[kind] if kind in sent else (self._made(kind, subject),)

    def _made(self, kind: str, subject: str) -> str:
        minute = int(wall_clock_s() // 60)
        issued = minute - LIFETIME_MIN - 1 if kind == "expired" else minute
        return CODEC.seal(self._demand(kind, minute), subject, issued)

    def _demand(self, kind: str, minute: int) -> ConsistencyToken:
        key = self.random.choice(KEYS)
        place = self.projection.place_of(key)
        log = FloorKey(key.type, self.random.randrange(2), place.log)
        other = FloorKey(log.type, log.partition, place.log + 100)
        mark = mark_at(wall_clock_s())
        made = {
            "mark": ConsistencyToken(marks={key.type: mark - 3}),
            "mark to come": ConsistencyToken(marks={key.type: mark + 1}),
            "floor ahead": ConsistencyToken(floor={log: Seen(place.offset + 1, minute)}),
            "floor elsewhere": ConsistencyToken(floor={other: Seen(3, minute - place.offset % 3)}),
            "floor of later": ConsistencyToken(floor={log: Seen(0, minute + 1)}),
            "uncertain": ConsistencyToken(uncertain=frozenset([key])),
        }
        version = Version(1, self.projection.numbers[key])
        return made.get(kind, ConsistencyToken({key: version}))
