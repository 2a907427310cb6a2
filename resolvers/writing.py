"""One write, from input to payload: refuse, send, promise, read what the payload asks for.

The owner's answer tells the version it committed, and that version is the promise: a read carrying
the token never shows an older world. What the input can be blamed for comes back as user errors
with nothing written; when nobody knows whether it was written, that is an error that says so.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from projections.selection import OrderRoot, Root
from projections.store import Cut
from projections.token import ConsistencyToken as Token
from projections.versions import AggregateKey, AggregateType
from projections.views import CustomerRow, OrderRow, ProductRow
from projections.views.aggregate import is_id
from resolvers.answer import Answer
from resolvers.context import Info, OperationContext
from resolvers.demand import Demand
from resolvers.errors import OutcomeUnknown
from resolvers.own_rows import model_for
from resolvers.ownership import may_see, sees_all
from resolvers.read_request import ReadRequest
from resolvers.scalars import ConsistencyToken
from resolvers.upstream.call_log import stretch
from resolvers.upstream.errors import Rejected, UpstreamError, without_frames
from resolvers.upstream.live_demand import LiveDemand, Question
from resolvers.user_errors import UserError, UserErrorCode, from_rejection, user_error

MAX_PROBLEMS = 20
"""User errors of one write: who made that many mends the first ones and asks again."""

RowT = TypeVar("RowT", OrderRow, CustomerRow, ProductRow)


@dataclass(frozen=True, slots=True)
class Write(Generic[RowT]):
    """How to send a write, and what the payload wants to show of its result.

    ``key`` names what is written; None where only the owner can name it. ``may_be_repeated``: it
    may have been done before, and then its owner answers with what it did then.
    """

    problems: Iterable[UserError]
    send: Callable[[], Awaitable[RowT]]
    root_of: Callable[[RowT], Root]
    key: AggregateKey | None = None
    idempotency_key: str | None = None
    may_be_repeated: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed, and the sealed promise of this write alone.

    ``answer`` holds what the payload shows at ``key``: the written state; or a later one that the
    caller's tokens demand, as when a write is repeated; or that it is gone by now.
    """

    key: AggregateKey
    answer: Answer
    token: ConsistencyToken | None


@dataclass(frozen=True, slots=True)
class NotWritten:
    """Nothing was written, for these reasons."""

    errors: list[UserError]


async def perform(info: Info, write: Write[RowT]) -> Written | NotWritten:
    """Send the write once.

    Raises the `UpstreamError` of an owner that could not be asked, `OutcomeUnknown` of one that was
    asked and did not answer.
    """
    if problems := list(islice(write.problems, MAX_PROBLEMS)):
        return NotWritten(problems)
    context = info.context
    if not await _is_hers(context, write.key):
        return NotWritten([user_error(UserErrorCode.NOT_FOUND, "id")])
    try:
        with stretch(context.call.log, "gateway", f"mutation {info.field_name}"):
            row = await write.send()
    except Rejected as rejected:
        return NotWritten([from_rejection(without_frames(rejected))])
    except UpstreamError as error:
        if error.is_outcome_unknown:
            context.report.write_uncertain(write.key, context.tokens.wall_clock())
            raise OutcomeUnknown(error, write.idempotency_key) from error
        raise
    finally:
        context.reads.forget()
    if context.clients.shared is not None and not write.may_be_repeated:
        await context.clients.shared.put_newer(row)
    if context.clients.guesses is not None:
        context.clients.guesses.links.learn([row])
    context.report.write(row)
    sealed = context.tokens.seal(Token({row.key: row.at}))
    demand = Demand(token=context.report.token)
    answer = await context.reads.read(ReadRequest(write.root_of(row), demand, written=row))
    return Written(row.key, answer, None if sealed is None else ConsistencyToken(sealed))


async def _is_hers(context: OperationContext, key: AggregateKey | None) -> bool:
    """May she write to this order? If the projection does not say yes, its owner is asked.

    So an order of somebody else costs the very calls of one that does not exist. Of anything but
    orders, naming it has told. Raises the `UpstreamError` of an owner that could not be asked.
    """
    if key is None or key.type is not AggregateType.ORDER or sees_all(context.viewer):
        return True
    if not is_id(key.id):
        return False
    model = model_for(context.viewer, context.model, context.report)
    cut = Cut() if model is None else await model.read([OrderRoot(key.id)])
    stored = cut.rows.get(key)
    if stored is not None and stored.row is not None:
        return True
    question = Question(key)
    heard = (await context.clients.read_rows({question: LiveDemand()}, context.call))[question]
    if isinstance(heard.answer, UpstreamError):
        raise heard.answer
    return heard.answer is not None and may_see(context.viewer, heard.answer)
