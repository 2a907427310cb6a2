"""What an answer shows and says, as a history holds it.

Each row gives its version away by its own text, so its epoch is known too, which no field tells.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderStatus
from projections.views.orders import ListingPosition
from resolvers.answer import Reason, Source
from resolvers.pages import parse_cursor, split_seen
from tests.laws.proof.history import Answer, Listed, Outcome, Shown, Write
from tests.laws.proof.world.asking import Ask, Page
from tests.laws.proof.world.owners import version_in

Json = Any
"""What an answer is made of."""

Components = Mapping[tuple[str, str | None], Mapping[str, Json]]
"""What the answer says of its components, by path and id; a page has no id."""

TombstoneOf = Callable[[AggregateKey, int], Version | None]
"""The version of the deletion that has this number."""

OpenToken = Callable[[str], ConsistencyToken]

SHOWN_AS = {
    "order": AggregateType.ORDER,
    "node": AggregateType.ORDER,
    "customer": AggregateType.CUSTOMER,
    "product": AggregateType.PRODUCT,
}


def answer_of(
    body: Json, ask: Ask, token: str | None, open_token: OpenToken, tombstone_of: TombstoneOf
) -> Answer:
    """The answer as a history holds it; ``token`` is the joined one, sealed."""
    told = body["extensions"]["consistency"]
    components = {(c["path"], c["id"]): c for c in told["components"]}
    data, errors = body["data"] or {}, errors_of(body)
    return Answer(
        shown=(*_rows(data, "", components), *_absent(data, ask, components, errors, tombstone_of)),
        pages=tuple(_pages(data, ask, components)),
        got=EMPTY_TOKEN if token is None else open_token(token),
        token_text=token,
        is_satisfied=told["satisfied"],
        missing={
            AggregateKey(AggregateType(m["type"]), m["id"]): Version(m["epoch"], m["version"])
            for m in told["missing"]
        },
        waited_s=told["waitedMs"] / 1000,
        wait_budget_s=ask.wait_budget_s,
        errors=tuple(error["code"] for error in errors.values()),
        has_data=body["data"] is not None,
    )


def errors_of(body: Json) -> dict[str, Json]:
    """What the errors of an answer say, by their paths."""
    return {
        ".".join(str(part) for part in error.get("path", ())): error["extensions"]
        for error in body.get("errors", ())
    }


def writes_of(
    body: Json, ask: Ask, open_token: OpenToken, committed: Mapping[AggregateKey, Version]
) -> tuple[Write, ...]:
    """How each of the root mutations ended.

    Where a later one fails, the answer has no data, and what the first ones did is in the joined
    token alone: of these it is ``committed`` that tells, all that its request has brought about.
    """
    data, errors = body["data"], errors_of(body)
    return tuple(
        _silent(key, committed)
        if data is None and root not in errors
        else _write((data or {}).get(root), errors.get(root, {}), key, open_token)
        for root, key in ask.writes.items()
    )


def end_cursor_of(body: Json) -> str | None:
    """Where the list in an answer ends, if it goes on."""
    info = ((body["data"] or {}).get("orders") or {}).get("pageInfo")
    return info["endCursor"] if info and info["hasNextPage"] else None


def _silent(key: AggregateKey | None, committed: Mapping[AggregateKey, Version]) -> Write:
    if key is None or key not in committed:
        return Write(key=key, outcome=Outcome.REFUSED)
    return Write(key=key, outcome=Outcome.CONFIRMED, version=committed[key])


def _write(payload: Json, error: Json, key: AggregateKey | None, open_token: OpenToken) -> Write:
    if payload is None:
        is_unknown = error.get("outcome") == "UNKNOWN"
        return Write(key=key, outcome=Outcome.UNKNOWN if is_unknown else Outcome.REFUSED)
    if payload["userErrors"]:
        return Write(key=key, outcome=Outcome.REFUSED)
    [(written, at)] = open_token(payload["consistencyToken"]).entries.items()
    return Write(key=written, outcome=Outcome.CONFIRMED, version=at)


def _rows(value: Json, path: str, components: Components) -> Iterator[Shown]:
    """Every row below a path of the answer."""
    match value:
        case dict():
            for name, child in value.items():
                below = f"{path}.{name}" if path else name
                if name in SHOWN_AS and isinstance(child, dict):
                    yield _row(SHOWN_AS[name], child, below, components)
                yield from _rows(child, below, components)
        case list():
            for child in value:
                yield from _rows(child, path, components)
        case _:
            return


def _row(of: AggregateType, row: Json, path: str, components: Components) -> Shown:
    component = components[path, row["id"]]
    text = "note" if of is AggregateType.ORDER else "name"
    return Shown(
        path=path,
        key=AggregateKey(of, row["id"]),
        version=Version(version_in(row[text]).epoch, row["version"]),
        source=Source(component["source"]),
        reason=Reason(component["reason"]),
        age_s=component["ageMs"] / 1000,
        instead_of=component.get("insteadOf"),
        state={name: row[name] for name in ("version", text, "status") if name in row},
    )


def _absent(
    data: Json, ask: Ask, components: Components, errors: Json, tombstone_of: TombstoneOf
) -> Iterator[Shown]:
    """What was asked for by name, and is said not to be there."""
    for key in ask.targets:
        path = key.type.value
        if data.get(path, ...) is None and path not in errors:
            component = components[path, key.id]
            number = component["version"]
            yield Shown(
                path=path,
                key=key,
                version=None if number is None else tombstone_of(key, number),
                source=Source(component["source"]),
                reason=Reason(component["reason"]),
                age_s=component["ageMs"] / 1000,
                instead_of=component.get("insteadOf"),
                is_absent=True,
            )


def _pages(data: Json, ask: Ask, components: Components) -> Iterator[Listed]:
    connection = data.get("orders")
    if ask.page is None or not connection or None in (connection["edges"], connection["pageInfo"]):
        return
    component = components["orders", None]
    nodes = [edge["node"] for edge in connection["edges"]]
    yield Listed(
        path="orders",
        customer_id=ask.page.customer_id,
        order_ids=tuple(node["id"] for node in nodes if node),
        has_more=connection["pageInfo"]["hasNextPage"],
        source=Source(component["source"]),
        reason=Reason(component["reason"]),
        status=None if ask.page.status is None else OrderStatus(ask.page.status),
        first=ask.page.first,
        after=_position_after(ask.page),
        follows=ask.page.follows,
        null_count=nodes.count(None),
        age_s=component["ageMs"] / 1000,
        instead_of=component.get("insteadOf"),
    )


def _position_after(page: Page) -> ListingPosition | None:
    return None if page.after is None else parse_cursor(split_seen(page.after)[0])
