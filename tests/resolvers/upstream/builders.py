"""Rows, contexts and upstreams that show only what a test is about."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import respx

from projections.views import CustomerRow, OrderItemRow, OrderRow, OrderStatus, ProductRow
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.call_log import CallLog
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.options import BreakerOptions, HedgeOptions, RetryOptions, UpstreamOptions
from resolvers.upstream.transport import CallKind, Request, Response
from tests.contracts.twins import ORDERS_URL

WhenAsked = Callable[[httpx.Request], Awaitable[httpx.Response]]


NO_RETRY = RetryOptions(limit_count=0)
NO_HEDGE = HedgeOptions(is_on=False)
NEVER_OPEN = BreakerOptions(min_call_count=10_000, slow_call_s=60.0)


def a_context(*, timeout_s: float = 2.0) -> CallContext:
    return CallContext(Deadline.after(timeout_s), request_id="r-1")


def some_options(
    *,
    attempt_timeout_s: float = 1.0,
    in_flight_limit: int = 16,
    queue_limit: int = 256,
    answer_limit_bytes: int = 4096,
    breaker: BreakerOptions | None = None,
    retry: RetryOptions | None = None,
    hedge: HedgeOptions | None = None,
) -> UpstreamOptions:
    return UpstreamOptions(
        base_url=ORDERS_URL,
        attempt_timeout_s=attempt_timeout_s,
        in_flight_limit=in_flight_limit,
        queue_limit=queue_limit,
        answer_limit_bytes=answer_limit_bytes,
        breaker=breaker or BreakerOptions(),
        retry=retry or NO_RETRY,
        hedge=hedge or NO_HEDGE,
    )


ATTEMPT_TIMEOUT_S = 1.0
CALLS_TO_OPEN = 4
SMALL_TOWER = some_options(
    attempt_timeout_s=ATTEMPT_TIMEOUT_S,
    in_flight_limit=2,
    queue_limit=2,
    breaker=BreakerOptions(min_call_count=CALLS_TO_OPEN),
)

READ = Request("GET", "/orders/o-1")
MUTATION = Request("POST", "/orders", body=b"{}", kind=CallKind.CREATE)


def an_upstream(
    router: respx.Router, options: UpstreamOptions, *, draw: Callable[[], float] = lambda: 1.0
) -> Upstream:
    """An upstream over the router; each back-off lasts as long as it can, unless told otherwise."""
    network = httpx.MockTransport(router.async_handler)
    return Upstream.over_http("orders", options, innermost=network, draw=draw)


async def ask(
    upstream: Upstream,
    request: Request = READ,
    *,
    timeout_s: float = 2.0,
    log: CallLog | None = None,
) -> str | UpstreamError:
    """Return the answer's text, or the error that came instead."""
    try:
        context = CallContext(Deadline.after(timeout_s), "r-1", log=log)
        return await upstream.call(request, context, read_text)
    except UpstreamError as error:
        return error


def an_order(
    order_id: str = "o-1",
    *,
    customer_id: str = "c-1",
    status: OrderStatus = OrderStatus.PLACED,
    placed_at: datetime = datetime(2026, 1, 31, 9, 30, tzinfo=UTC),
    version: int = 1,
) -> OrderRow:
    line = OrderItemRow(product_id="p-1", quantity=2, unit_price=Decimal("12.50"))
    return OrderRow(
        id=order_id,
        customer_id=customer_id,
        status=status,
        note=None,
        currency="EUR",
        total=line.line_total,
        placed_at=placed_at,
        items=(line,),
        version=version,
        epoch=1,
    )


def a_customer(customer_id: str = "c-1", *, version: int = 1) -> CustomerRow:
    return CustomerRow(
        id=customer_id, name="Ada", email="ada@example.org", version=version, epoch=1
    )


def a_product(product_id: str = "p-1", *, version: int = 1) -> ProductRow:
    return ProductRow(
        id=product_id,
        name="Lamp",
        price=Decimal("12.50"),
        currency="EUR",
        stock=3,
        version=version,
        epoch=1,
    )


def read_text(response: Response) -> str:
    """Parse an answer as the plain text of its body."""
    return response.body.decode()


def answers_after(delay_s: float, answer: httpx.Response) -> WhenAsked:
    """Return what a service does that takes `delay_s` of (steered) time."""

    async def when_asked(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(delay_s)
        return answer

    return when_asked


async def hangs(_: httpx.Request) -> httpx.Response:
    """Accept the request and never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable: nobody sets the event")


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def let_everybody_run() -> None:
    """Give every ready task its turn, so that all that can happen without time has happened."""
    for _ in range(30):
        await asyncio.sleep(0)
