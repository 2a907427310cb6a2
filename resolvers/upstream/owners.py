"""Rows from the services that own them: which questions go out in one call, and who is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from projections.versions import AggregateKey, AggregateType
from projections.views import Row
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.customers import CustomersClient
from resolvers.upstream.errors import UpstreamError, without_frames
from resolvers.upstream.live_demand import Question, RowAnswer
from resolvers.upstream.orders import OrdersClient
from resolvers.upstream.products import ProductsClient
from resolvers.upstream.resource import BATCH_LIMIT
from resolvers.upstream.task_group import TaskGroup
from resolvers.upstream.transport import CallKind

TYPES_WITH_BATCHES = (AggregateType.CUSTOMER, AggregateType.PRODUCT)


def calls_for(questions: Sequence[Question]) -> list[list[Question]]:
    """The questions, parted by call: plain ones of a type with batches go together, up to a limit.

    Each call fails alone: of three batches two are shown if the third cannot be had.

    >>> lamp, mug = (Question(AggregateKey(AggregateType.PRODUCT, of)) for of in ("p-1", "p-2"))
    >>> [len(call) for call in calls_for([lamp, mug, Question(lamp.key, 7)])]
    [2, 1]
    """
    together: dict[AggregateType, list[Question]] = {of: [] for of in TYPES_WITH_BATCHES}
    alone: list[list[Question]] = []
    for question in questions:
        if question.min_number is None and question.key.type in together:
            together[question.key.type].append(question)
        else:
            alone.append([question])
    batches = [
        plain[start : start + BATCH_LIMIT]
        for plain in together.values()
        for start in range(0, len(plain), BATCH_LIMIT)
    ]
    return [*batches, *alone]


@dataclass(frozen=True, slots=True)
class Owners:
    """The owning services, asked for rows."""

    orders: OrdersClient
    customers: CustomersClient
    products: ProductsClient

    async def ask(
        self, call: Sequence[Question], context: CallContext
    ) -> dict[Question, RowAnswer]:
        """One answer a question of one call, as `calls_for` parts them; failures are answers.

        Waits until the context's deadline at the latest.
        """
        try:
            rows = await self._fetch(call, context)
        except UpstreamError as error:
            return dict.fromkeys(call, without_frames(error))
        return {question: rows.get(question.key.id) for question in call}

    def refuses(self, question: Question) -> bool:
        """Would a call for it be refused now, because its circuit is open?"""
        kind = CallKind.READ if question.min_number is not None else CallKind.READ_MANY
        match question.key.type:
            case AggregateType.ORDER:
                return self.orders.refuses(CallKind.READ)
            case AggregateType.CUSTOMER:
                return self.customers.refuses(kind)
            case AggregateType.PRODUCT:
                return self.products.refuses(kind)

    async def ask_all(
        self, questions: Sequence[Question], context: CallContext
    ) -> dict[Question, RowAnswer]:
        """One answer a question, in as few calls as there can be, all at once."""
        calls = calls_for(questions)
        if len(calls) == 1:
            return await self.ask(calls[0], context)
        async with TaskGroup() as group:
            asking = [group.create_task(self.ask(call, context)) for call in calls]
        return {question: answer for call in asking for question, answer in call.result().items()}

    async def _fetch(
        self, call: Sequence[Question], context: CallContext
    ) -> Mapping[str, Row | None]:
        ids = [question.key.id for question in call]
        match call[0]:
            case Question(key=AggregateKey(AggregateType.CUSTOMER), min_number=None):
                return await self.customers.fetch_batch(ids, context)
            case Question(key=AggregateKey(AggregateType.PRODUCT), min_number=None):
                return await self.products.fetch_batch(ids, context)
            case question:
                return {question.key.id: await self._fetch_one(question, context)}

    async def _fetch_one(self, question: Question, context: CallContext) -> Row | None:
        row_id, min_version = question.key.id, question.min_number
        match question.key.type:
            case AggregateType.ORDER:
                return await self.orders.fetch(row_id, context, min_version=min_version)
            case AggregateType.CUSTOMER:
                return await self.customers.fetch(row_id, context, min_version=min_version)
            case AggregateType.PRODUCT:
                return await self.products.fetch(row_id, context, min_version=min_version)
