"""Answers that take nobody's time: their rows are at hand, and mostly their bytes as well.

The data of an answer depend on its plan, its variables, its caller and the versions of its rows, on
nothing else. So their bytes are kept with the cut that they were made of, and given again while the
store would read the same cut: what is kept is never older than what would be read in its place.
What depends on the moment is made anew each time: the token, and how old the sources are.

The rule: it is the answer that `Operations.run` would come to by the long way, or none.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

import msgspec
import orjson

from gateway.consistency_extension import ReadyConsistency
from gateway.execution.plan import Plan
from gateway.ready_answers import ReadyAnswer, ReadyAnswers, SealedFloors
from gateway.validators import etag_of
from gateway.ways import Way
from projections.store import Cut
from projections.token import EMPTY_TOKEN, ConsistencyToken, seen_places
from projections.token_shrinking import floor_from
from projections.versions import AggregateType
from resolvers.at_hand import (
    AtHand,
    find_at_hand,
    is_plain,
    is_satisfied,
    source_age_s,
)
from resolvers.context import TokensAlone
from resolvers.read_model import ReadModel
from resolvers.report import ConsistencyReport
from resolvers.tokens import TokenDesk
from resolvers.viewer import Viewer

SUBJECT_LIMIT: Final = 256
"""Characters of a subject under whose name anything is kept: no header may take room unreckoned."""


class AnswerAtHand(msgspec.Struct, frozen=True):
    """A whole body, what it was made of, and the token; ``way`` says where it came from.

    ``seen`` is what the token says: the floor of these types in this cut.
    """

    body: bytes
    ready: ReadyAnswer
    token: str
    way: Way
    seen: tuple[Cut, frozenset[AggregateType]]

    def with_token(self, token: str) -> bytes:
        """The body with another token in place of its own."""
        own_at = self.body.index(self.token.encode(), len(self.ready.data))
        return b"%b%b%b" % (
            self.body[:own_at],
            token.encode(),
            self.body[own_at + len(self.token) :],
        )

    def etag(self, subject: str) -> str:
        """The validator of this answer to ``subject``: the same for as long as its token is."""
        validated = self.ready.validated
        if validated is None or validated[0] != self.token:
            cut, types = self.seen
            etag = etag_of(self.ready.data, floor_from(cut, types, now_s=0.0), subject)
            validated = self.ready.validated = self.token, etag
        return validated[1]


class AnswersAtHand:
    """Those of one gateway.

    Up to ``limit_bytes`` are kept, in ``ready``; ``missed_count`` counts those that had to be made.
    ``budgets_s`` are the staleness budgets; ``wall_clock`` tells Unix seconds.
    """

    def __init__(
        self,
        model: ReadModel,
        *,
        limit_bytes: int,
        budgets_s: Mapping[AggregateType, float],
        wall_clock: Callable[[], float],
    ) -> None:
        self._model = model
        self.ready = ReadyAnswers(limit_bytes)
        self.missed_count = 0
        self._floors = SealedFloors()
        self._budgets_s = budgets_s
        self._wall_clock = wall_clock

    def find(
        self,
        plan: Plan,
        variables: Mapping[str, object],
        viewer: Viewer,
        tokens: TokenDesk,
        token_texts: list[str],
    ) -> AnswerAtHand | None:
        """The answer to a request, by its plan; None if it takes more than a look. Never waits."""
        if plan.has_demands or len(tokens.subject) > SUBJECT_LIMIT:
            return None
        try:
            token = tokens.open_all(token_texts, "X-Consistency-Token")
        except Exception:  # noqa: BLE001 - the long way finds it again, and says whose it is
            return None
        return self.look(plan, variables, viewer, tokens, token)

    def look(
        self,
        plan: Plan,
        variables: Mapping[str, object],
        viewer: Viewer,
        tokens: TokenDesk,
        token: ConsistencyToken,
    ) -> AnswerAtHand | None:
        """As `find`, for who has seen so much."""
        try:
            if tokens.expired_count or not is_plain(token):
                return None
            identity = plan.identity(variables)
            ready = None if identity is None else self.ready.find((identity, viewer))
            again = None if ready is None else self._again(ready, token, tokens)
            return again or self._made(plan, variables, viewer, tokens, token, identity)
        except Exception:  # noqa: BLE001 - as above
            return None

    def _again(
        self, ready: ReadyAnswer, token: ConsistencyToken, tokens: TokenDesk
    ) -> AnswerAtHand | None:
        """The answer that is kept, if it would be made again."""
        if token is EMPTY_TOKEN:  # as most are: who has seen nothing demands nothing
            cut = self._model.still(ready.cut)
        else:
            cut = self._model.still(ready.cut, seen=seen_places(token))
        if cut is None or not (token is EMPTY_TOKEN or is_satisfied(token, cut)):
            return None
        ready.cut = cut
        return self._given("kept", ready, token, tokens, self._wall_clock())

    def _given(
        self, way: Way, ready: ReadyAnswer, token: ConsistencyToken, tokens: TokenDesk, now_s: float
    ) -> AnswerAtHand | None:
        """The answer with what it lacks; None where that takes more than a floor and ages."""
        ages_s: dict[AggregateType, float] = {}
        for of in ready.types:
            age_s = source_age_s(ready.cut, of, now_s, self._budgets_s)
            if age_s is None or ready.healed_at_s.get(of, 0.0) > now_s - age_s:
                return None  # a row that was healed later than that is younger than its source
            ages_s[of] = age_s
        types = ready.types if token is EMPTY_TOKEN else ready.types | _types_of(token)
        sealed = self._floors.seal(ready.cut, types, tokens, now_s)
        if sealed is None:
            return None
        parts = ready.data, ready.consistency.at(sealed, ages_s)
        body = b'{"data":%b,"extensions":{"consistency":%b}}' % parts
        return AnswerAtHand(body, ready, sealed, way, (ready.cut, types))

    def _made(
        self,
        plan: Plan,
        variables: Mapping[str, object],
        viewer: Viewer,
        tokens: TokenDesk,
        token: ConsistencyToken,
        identity: Hashable | None,
    ) -> AnswerAtHand | None:
        """The answer, made of the rows that are at hand."""
        now_s = self._wall_clock()
        context = TokensAlone(tokens, ConsistencyReport(token), token)
        asked = plan.ask(variables, context)
        found = find_at_hand(
            asked.requests, self._model, viewer=viewer, now_s=now_s, budgets_s=self._budgets_s
        )
        healed_at_s = None if not found or tokens.expired_count else _healed_at_s(found)
        if not found or healed_at_s is None:
            return None
        for one in found:
            if one.cut.pages:  # which say in their cursors what they have shown
                one.answer.shown = floor_from(one.cut, one.types, now_s)
        result = plan.render(asked, [one.answer for one in found], context)
        if result.errors:
            return None
        ready = _ready(found, result.data, context.report, healed_at_s)
        ready.cost = plan.bill.actual(result.data)
        if identity is not None:
            self.missed_count += 1
            self.ready.keep((identity, viewer), ready)
        return self._given("at_hand", ready, token, tokens, now_s)


def _healed_at_s(found: Sequence[AtHand]) -> dict[AggregateType, float] | None:
    """When the last row of each type was healed (Unix s), of those that ever were.

    None where a row is more than the event stream has brought: then it promises more than a floor.
    """
    healed_at_s: dict[AggregateType, float] = {}
    for one in found:
        for key, stored in one.cut.rows.items():
            if stored is None or not stored.is_streamed:
                return None
            if stored.healed_at_s is not None:
                before_s = healed_at_s.get(key.type, stored.healed_at_s)
                healed_at_s[key.type] = max(before_s, stored.healed_at_s)
    return healed_at_s


def _ready(
    found: Sequence[AtHand],
    data: object,
    report: ConsistencyReport,
    healed_at_s: Mapping[AggregateType, float],
) -> ReadyAnswer:
    """The answer of these reads, which are of one moment."""
    cut = found[0].cut
    if len(found) > 1:
        rows = {key: stored for one in found for key, stored in one.cut.rows.items()}
        pages = {key: page for one in found for key, page in one.cut.pages.items()}
        cut = Cut(rows, pages, positions=cut.positions)
    types = frozenset[AggregateType]().union(*(one.types for one in found))
    return ReadyAnswer(
        cut,
        orjson.dumps(data),
        ReadyConsistency.of(report.shown, report.omitted_count),
        types,
        healed_at_s,
    )


def _types_of(token: ConsistencyToken) -> frozenset[AggregateType]:
    """The types of which a plain token demands anything."""
    if not (token.floor or token.marks):
        return frozenset()
    return frozenset((*(log.type for log in token.floor), *token.marks))
