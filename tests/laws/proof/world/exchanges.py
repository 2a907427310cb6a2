"""What sessions ask and are answered: run against the house and noted for the laws."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from gateway.errors import RequestRefused
from gateway.response import Response
from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.token_codec import Opened, TokenCodec
from projections.versions import AggregateKey, Version
from resolvers.pages import split_seen
from tests.laws.proof.history import Answer, Operation
from tests.laws.proof.violations import Law, Violation
from tests.laws.proof.world.asking import MEANT, Ask, Mode
from tests.laws.proof.world.gateways import GatewayAtHand
from tests.laws.proof.world.house import House
from tests.laws.proof.world.observing import answer_of, end_cursor_of, errors_of, writes_of
from tests.laws.proof.world.sessions import Carry, Session

REFUSED_AS = "INVALID_CONSISTENCY_TOKEN"
OURS = "INTERNAL_ERROR"


class Exchanges:
    """Runs what sessions ask. ``ignores_tokens``: nothing of what they carry is sent.

    ``operations`` are in the order of their answers. ``mistakes`` are broken laws that no history
    of operations shows: a bad token that is taken, a good one that is refused, a mistake of ours.
    """

    def __init__(self, house: House, *, ignores_tokens: bool = False) -> None:
        self.operations: list[Operation] = []
        self.mistakes: list[Violation] = []
        self.asked_count = 0
        self._house = house
        self._ignores_tokens = ignores_tokens

    async def run(
        self, session: Session, gateway: GatewayAtHand, ask: Ask, carry: Carry, foreign: str | None
    ) -> str:
        """Ask, take what comes back, and say it in a few words."""
        self.asked_count += 1
        codec = gateway.codec  # a restarted gateway lets what has begun go on with its old keys
        operation = self._operation(self.asked_count, session, gateway, ask, carry)
        sent_before = self._house.sent_count
        texts = [] if self._ignores_tokens else session.sends(carry, foreign)
        variables = dict(ask.variables)
        if carry is Carry.ARGUMENT and ask.mode is Mode.DEFAULT and not ask.writes:
            variables["as"], texts = {"atLeast": {"tokens": texts}}, []
        try:
            response = await gateway.ask(
                ask.query,
                variables,
                subject=session.name,
                request_id=f"op-{operation.number}",
                tokens=texts,
            )
        except RequestRefused as refused:
            self._judge_refusal(operation, carry, self._house.sent_count - sent_before)
            return f"is refused: {refused.code.value}"
        if not carry.is_honest:
            self._judge_taking(operation, carry, texts, gateway)
            return "is answered as if without a token"
        return told(self._take(session, ask, json_of(response), response.token, codec, operation))

    def _operation(
        self, number: int, session: Session, gateway: GatewayAtHand, ask: Ask, carry: Carry
    ) -> Operation:
        """The operation as it begins. What has expired is not carried: it promises nothing."""
        carried = session.carried(carry)
        opened = {kept.number: self._opened(kept.token, session, gateway.codec) for kept in carried}
        good = {number: token for number, token in opened.items() if token is not None}
        cursor = ask.page.after if ask.page else None
        seen = self._opened(split_seen(cursor)[1], session, gateway.codec) if cursor else None
        now_s = self._house.wall_clock()
        return Operation(
            number=number,
            session=session.name,
            gateway=gateway.name,
            invoked_at_s=now_s,
            returned_at_s=now_s,
            mode=MEANT[ask.mode],
            carried=tuple(good),
            sent=EMPTY_TOKEN
            if self._ignores_tokens
            else merge(EMPTY_TOKEN, *good.values(), seen or EMPTY_TOKEN),
        )

    def _take(
        self,
        session: Session,
        ask: Ask,
        body: Any,
        token: str | None,
        codec: TokenCodec,
        begun: Operation,
    ) -> Operation:
        def open_token(text: str) -> ConsistencyToken:
            opened = self._opened(text, session, codec)
            assert opened is not None
            return opened

        answer = answer_of(body, ask, token, open_token, self._tombstone_of)
        operation = replace(
            begun,
            returned_at_s=self._house.wall_clock(),
            writes=writes_of(body, ask, open_token, self._committed(f"op-{begun.number}")),
            answer=answer,
        )
        self.operations.append(operation)
        session.keep(begun.number, token)
        cursor = end_cursor_of(body)
        if cursor is not None and ask.page is not None:
            session.next_page = replace(ask.page, after=cursor, follows=begun.number)
        for path, error in errors_of(body).items():
            if error["code"] == OURS:
                self._blame(begun, f"was told {OURS} at {path}")
        return operation

    def _opened(
        self, text: str | None, session: Session, codec: TokenCodec
    ) -> ConsistencyToken | None:
        """What a token says, as long as it is good; that there is none says nothing."""
        if text is None:
            return EMPTY_TOKEN
        minute = int(self._house.wall_clock() // 60)
        verdict = codec.open_token(text, session.name, minute)
        return verdict.token if isinstance(verdict, Opened) else None

    def _judge_refusal(self, operation: Operation, carry: Carry, sent_count: int) -> None:
        if carry.is_honest:
            self._blame(operation, "was refused for a token that it had been given")
        if sent_count:
            self._blame(operation, f"was refused, and {sent_count} calls were made for it")

    def _judge_taking(
        self, operation: Operation, carry: Carry, texts: Sequence[str], gateway: GatewayAtHand
    ) -> None:
        if any(gateway.knows_key_of(text) for text in texts):
            self._blame(operation, f"was answered, though it came {carry.value}")

    def _blame(self, operation: Operation, story: str) -> None:
        name = f"session {operation.session} (operation {operation.number})"
        self.mistakes.append(Violation(Law.TOKEN, f"{name} {story}", operation.number))

    def _committed(self, request_id: str) -> dict[AggregateKey, Version]:
        """What a request has brought about."""
        commits = (c for s in self._house.services.values() for c in s.owner.commits)
        return {c.key: c.at for c in commits if c.by == request_id}

    def _tombstone_of(self, key: AggregateKey, number: int) -> Version | None:
        """The deletion of that number: where there is one in each epoch, the one that is stored."""
        commits = self._house.services[key.type].owner.commits
        deletions = {c.at for c in commits if (c.key, c.at.number, c.row) == (key, number, None)}
        stored_at = self._house.store.at(key)
        return stored_at if stored_at in deletions else max(deletions, default=None)


def told(operation: Operation) -> str:
    """An answer in a few words."""
    answer = operation.answer or Answer()
    parts = [f"{s.key.id}@{s.version}" if s.version else f"no {s.key.id}" for s in answer.shown]
    parts += [f"the list [{', '.join(page.order_ids)}]" for page in answer.pages]
    parts += [*answer.errors, *(f"{w.outcome.value.lower()}" for w in operation.writes)]
    came_from = sorted({f"{part.source} {part.reason}" for part in answer.parts})
    said = "" if answer.is_satisfied else "; not satisfied"
    return f"is shown {', '.join(dict.fromkeys(parts)) or 'nothing'} ({'; '.join(came_from)}{said})"


def json_of(response: Response) -> Any:
    """The body, which may be bytes already."""
    body = response.body
    return orjson.loads(body) if isinstance(body, bytes) else body
