"""A gateway that is asked the same both ways, at one instant: at hand, and the long way.

    reply = await BothWays(store).ask(Question('{ order(id: "o-1") { note } }'))

Whatever is at hand must be what the long way answers, byte for byte, and so must what is made of
rows where bytes are kept. What is not at hand is answered the long way, by owners who are silent.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from unittest.mock import patch
from urllib.parse import urlencode

import orjson

from gateway.answers_at_hand import AnswerAtHand, AnswersAtHand
from gateway.app import Gateway, Wires
from gateway.caller import Caller
from gateway.errors import RequestRefused
from gateway.graphql_http import GraphQLHttp, HttpOptions
from gateway.identity.desk import IdentityDesk
from gateway.operation import Operations
from gateway.ready_answers import ReadyAnswer
from gateway.replies import PLAIN, Reply, rendered
from gateway.request import GraphQLRequest, RequestHeaders, parse_get, parse_post
from gateway.settings import Settings
from gateway.telling import Teller
from gateway.witness import Witness
from projections.store import Store
from projections.token import ConsistencyToken
from projections.token_codec import TokenCodec
from resolvers.read_model import ReadModel
from resolvers.tokens import TokenDesk
from resolvers.upstream.call import Upstream
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.transport import Request, Response
from tests.gateway_in_process import KEYS
from tests.graphql_answers import Json
from tests.laws.proof.world.gateways import schema, shared_documents
from tests.projection_by_hand import wall_clock_s

SUBJECT_HEADER = "x-session"
LIFETIME_MIN = 2
SETTINGS = Settings.model_validate({"store": "redis", "retries": 0, "stale_if_error_s": 0})
DESK = IdentityDesk("everything", subject_header=SUBJECT_HEADER)
CODEC = TokenCodec(KEYS, lifetime_minutes=LIFETIME_MIN)


class Silent:
    """The wire to owners who can never be reached."""

    async def send(self, request: Request) -> Response:
        raise UpstreamUnavailable(request.path)

    async def aclose(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request, and by whom. ``known``: the validator of what she has, who asks by GET."""

    query: str
    variables: Mapping[str, Json] = field(default_factory=dict)
    subject: str = "ada"
    tokens: tuple[str, ...] = ()
    is_get: bool = False
    known: str | None = None

    @property
    def body(self) -> bytes:
        return orjson.dumps({"query": self.query, "variables": self.variables})

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        given = [("content-type", "application/json"), (SUBJECT_HEADER, self.subject)]
        given += [("x-request-id", "one")]
        given += [("x-consistency-token", token) for token in self.tokens]
        given += [] if self.known is None else [("if-none-match", self.known)]
        return [(name.encode(), value.encode()) for name, value in given]

    @property
    def query_string(self) -> bytes:
        variables = orjson.dumps(self.variables).decode()
        return urlencode({"query": self.query, "variables": variables}).encode()

    def parse(self) -> GraphQLRequest:
        if self.is_get:
            return parse_get(self.query_string)
        return parse_post(self.body, "application/json")

    def ask_at_once(self, http: GraphQLHttp) -> Reply | None:
        """What is at hand."""
        if self.is_get:
            return http.at_once.find(RequestHeaders.of(self.headers), self.query_string)
        return http.at_once.reply(RequestHeaders.of(self.headers), self.body)


class CountedAnswers(AnswersAtHand):
    """Answers at hand; ``again_count`` tells how many were given again."""

    again_count = 0

    def _again(
        self, ready: ReadyAnswer, token: ConsistencyToken, tokens: TokenDesk
    ) -> AnswerAtHand | None:
        found = super()._again(ready, token, tokens)
        self.again_count += found is not None
        return found


@dataclass(frozen=True, slots=True)
class Difference(Exception):
    """Both ways were open, and led to different places."""

    question: Question
    at_hand: Reply | None
    other: Reply | None

    def __str__(self) -> str:
        return f"{self.question}\nat hand:   {self.at_hand}\notherwise: {self.other}"


class BothWays:
    """One gateway over ``store``; ``found_count`` tells how many answers were at hand."""

    def __init__(self, store: Store, *, limit_bytes: int = 1_000_000) -> None:
        with (
            patch("gateway.app.build_schema", schema),
            patch("gateway.making.Documents", shared_documents),
        ):
            gateway = Gateway(SETTINGS, KEYS, _wires(store))
        clients = replace(gateway.clients, shared=None, guesses=None)
        operations = replace(gateway.operations, codec=CODEC, clients=clients)
        assert operations.model is not None
        self.found_count = 0
        self.answers = _answers(operations.model, limit_bytes)
        self.long = replace(operations, at_hand=None)
        self._kept = _http(gateway, replace(operations, at_hand=self.answers))
        never_kept = replace(operations, at_hand=_answers(operations.model, 0))
        self._made = _http(gateway, never_kept)

    async def ask(self, question: Question) -> Reply | None:
        """The answer that is at hand; raises `Difference` where it is not that of all ways."""
        at_hand, made = question.ask_at_once(self._kept), question.ask_at_once(self._made)
        if at_hand != made:
            raise Difference(question, at_hand, made)
        if at_hand is None:
            return None
        began_at_s = wall_clock_s()
        long = await self.the_long_way(question)
        if at_hand != long or wall_clock_s() > began_at_s:
            raise Difference(question, at_hand, long)
        self.found_count += 1
        return at_hand

    async def the_long_way(self, question: Question) -> Reply:
        """The answer without anything at hand."""
        headers = RequestHeaders.of(question.headers)
        caller = Caller.of(headers, await DESK.identify(headers))
        try:
            response = await self.long.run(
                question.parse(),
                caller,
                deadline=Deadline.after(SETTINGS.request_timeout_s),
                is_read_only=question.is_get,
            )
        except RequestRefused as refused:
            return Reply(refused.status, (), orjson.dumps(refused.as_json()))
        return rendered(response, headers, caller.request_id)


def _wires(store: Store) -> Wires:
    return Wires(
        upstream=lambda service, options, to: Upstream(
            service, options, transport=Silent(), observe=to.circuit, draw=lambda: 0.0
        ),
        store=lambda *_: store,  # type: ignore[arg-type]  # one by hand
        wall_clock=wall_clock_s,
    )


def _answers(model: ReadModel, limit_bytes: int) -> CountedAnswers:
    return CountedAnswers(
        model,
        limit_bytes=limit_bytes,
        budgets_s=SETTINGS.staleness_budgets_s,
        wall_clock=wall_clock_s,
    )


def _http(gateway: Gateway, operations: Operations) -> GraphQLHttp:
    options = HttpOptions(
        body_limit_bytes=SETTINGS.body_limit_bytes,
        is_cookie_set=False,
    )
    teller = Teller(operations.counts, Witness(), PLAIN)
    entry = replace(gateway.entry, operations=operations, identity=DESK, teller=teller)
    return GraphQLHttp(entry, options)
