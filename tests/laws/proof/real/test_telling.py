"""Answers as gateways give them, read into what the checkers judge."""

from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views.orders import ListingPosition
from resolvers.answer import Reason
from resolvers.pages import render_cursor
from tests.laws.proof.history import Outcome
from tests.laws.proof.real.asking import Asked, Intent, Json, Page, asked_page
from tests.laws.proof.real.states import instant_of
from tests.laws.proof.real.telling import told, untold, written

PLACED_AT = instant_of("2025-03-01T09:30:00.000Z")
ORDER_1 = AggregateKey(AggregateType.ORDER, "o-1")
CUSTOMER_1 = AggregateKey(AggregateType.CUSTOMER, "c-1")
ANNOTATION = Intent("updateOrder", {"id": "o-1", "note": "new"})
RENAMING = Intent("updateCustomer", {"id": "c-1", "name": "new"})
CANCELLATION = Intent("cancelOrder", {"id": "o-1", "reason": "late"}, may_repeat=True)


def answered(data: Json | None, *components: Json, errors: tuple[Json, ...] = ()) -> Json:
    """The body of an answer."""
    consistency = {
        "token": "ct1…",
        "satisfied": True,
        "waitedMs": 0,
        "missing": [],
        "components": components,
    }
    return {"data": data, "errors": errors, "extensions": {"consistency": consistency}}


def component(path: str, id_: str | None, version: int | None, reason: str = "DEFAULT") -> Json:
    """Where a part came from."""
    source = "PROJECTION" if reason == "DEFAULT" else "LIVE"
    return {
        "path": path,
        "id": id_,
        "source": source,
        "version": version,
        "ageMs": 7,
        "reason": reason,
    }


def promised(text: str | None) -> ConsistencyToken:
    """What the token of a write promises: here its text is the version."""
    return ConsistencyToken({ORDER_1: Version(1, int(text or 0))})


def test_what_is_null_without_an_error_is_absent() -> None:
    """A customer who is not there is told of by the components alone, and is noted as absent."""
    order = {"id": "o-1", "version": 3, "status": "PLACED", "customer": None}
    parts = component("order", "o-1", 3), component("order.customer", "c-1", None)

    answer = told(answered({"order": order}, *parts), Asked("…", {}), EMPTY_TOKEN, 0.25)

    [shown, absent] = answer.shown
    assert (shown.key, shown.version, shown.age_s) == (ORDER_1, Version(1, 3), 0.007)
    assert (absent.key, absent.is_absent) == (CUSTOMER_1, True)


def test_order_that_is_null_is_on_its_page() -> None:
    """An order that nobody could tell of is known by its cursor, and is no gap in the list."""
    cursor = render_cursor(ListingPosition(PLACED_AT, "o-1"))
    ends = {"hasNextPage": False, "endCursor": cursor}
    connection = {"edges": [{"cursor": cursor, "node": None}], "pageInfo": ends}
    body = answered({"orders": connection}, component("orders", None, None))

    answer = told(body, asked_page(Page("orders", "c-1", first=3)), EMPTY_TOKEN, 0.25)

    [page] = answer.pages
    assert page.order_ids == ("o-1",)
    assert answer.shown == ()


def test_write_is_promised_by_its_own_token() -> None:
    """A payload may show a later state than was written; its token has what was."""
    payload = {"order": {"id": "o-1", "version": 9}, "consistencyToken": "4", "userErrors": []}

    [write] = written(answered({"write0": payload}), (CANCELLATION,), promised)

    assert (write.key, write.version) == (ORDER_1, Version(1, 4))
    assert write.is_repeated


def test_write_before_one_that_fails_is_confirmed_all_the_same() -> None:
    """The second failed and took the data along; the components say what became of the first."""
    error = {
        "path": ["write1"],
        "extensions": {"code": "UPSTREAM_TIMEOUT", "outcome": "UNKNOWN"},
    }
    done = component("write0.order", "o-1", 4, Reason.WRITE_RESULT)
    body = answered(None, done, errors=(error,))

    first, second = written(body, (ANNOTATION, RENAMING), promised)

    assert (first.outcome, first.version) == (Outcome.CONFIRMED, Version(1, 4))
    assert (second.outcome, second.key) == (Outcome.UNKNOWN, CUSTOMER_1)
    assert told(body, Asked("…", {}), EMPTY_TOKEN, 0.25).shown == ()


def test_request_without_an_answer_may_have_written() -> None:
    """Who was cut off knows nothing of her writes."""
    [write] = untold((ANNOTATION,))

    assert (write.key, write.outcome) == (ORDER_1, Outcome.UNKNOWN)
