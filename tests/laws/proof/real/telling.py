"""What an answer tells: its JSON, read into the values that the checkers judge. Pure.

The rule: nothing is left out. Every object of the data is `Shown` with the provenance that the
extensions give for its path, every component without an object is an absence, and what has no
provenance is a mistake.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from projections.token import EMPTY_TOKEN, ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Reason, Source
from resolvers.pages import parse_cursor, split_seen
from tests.laws.proof.history import Answer, Key, Listed, Outcome, Shown, Write
from tests.laws.proof.real.asking import Asked, Intent, Json, Page
from tests.laws.proof.real.states import shown_fields
from upstream_stubs.database import FIRST_EPOCH

NAMED: Final[Mapping[str, AggregateType]] = {
    "order": AggregateType.ORDER,
    "node": AggregateType.ORDER,
    "customer": AggregateType.CUSTOMER,
    "product": AggregateType.PRODUCT,
}
"""What is behind the fields of the documents; no service is restored, so all has the first epoch."""

OpenToken = Callable[[str | None], ConsistencyToken]

Place = tuple[str, str | None]
"""A path without list indexes, and an id; a page has none."""


class NoProvenance(Exception):
    """An answer shows something and does not say where it came from."""


def told(body: Json, asked: Asked, got: ConsistencyToken, wait_budget_s: float) -> Answer:
    """What this answer tells; ``got`` is its joined token, opened."""
    errors = codes_of(body)
    consistency = body.get("extensions", {}).get("consistency")
    if consistency is None:
        return Answer(got=EMPTY_TOKEN, errors=errors)
    components = {(part["path"], part["id"]): part for part in consistency["components"]}
    objects = dict(_objects(body.get("data") or {}, ""))
    if consistency.get("componentsOmitted"):
        raise NoProvenance("the answer tells of too many components; ask for less")
    return Answer(
        shown=(*_shown(objects, components), *_absent(objects, components)),
        pages=tuple(_pages(body.get("data") or {}, asked.page, components)),
        got=got,
        token_text=consistency["token"],
        is_satisfied=consistency["satisfied"],
        missing={
            AggregateKey(AggregateType(part["type"]), part["id"]): Version(
                part["epoch"], part["version"]
            )
            for part in consistency["missing"]
        },
        waited_s=consistency["waitedMs"] / 1000,
        wait_budget_s=wait_budget_s,
        errors=errors,
    )


def codes_of(body: Json) -> tuple[str, ...]:
    """The codes of all errors."""
    return tuple(error["extensions"]["code"] for error in body.get("errors", ()))


def _objects(value: object, path: str) -> Iterator[tuple[Place, Json]]:
    """Every object of the data that is an aggregate; the same one is at a path only once."""
    if isinstance(value, list):
        for item in value:
            yield from _objects(item, path)
    if not isinstance(value, dict):
        return
    if _type_at(path) is not None:
        yield (path, value["id"]), value
    for name, child in value.items():
        yield from _objects(child, f"{path}.{name}" if path else name)


def _type_at(path: str) -> AggregateType | None:
    return NAMED.get(path.rpartition(".")[2])


def _shown(objects: Mapping[Place, Json], components: Mapping[Place, Json]) -> Iterator[Shown]:
    for place, state in objects.items():
        if (component := components.get(place)) is None:
            raise NoProvenance(f"{place} in {sorted(map(str, components))}")
        of = _type_at(place[0])
        assert of is not None
        yield Shown(
            path=place[0],
            key=AggregateKey(of, state["id"]),
            version=Version(FIRST_EPOCH, state["version"]),
            source=Source(component["source"]),
            reason=Reason(component["reason"]),
            age_s=component["ageMs"] / 1000,
            state=shown_fields(of, state),
        )


def _absent(objects: Mapping[Place, Json], components: Mapping[Place, Json]) -> Iterator[Shown]:
    for place, component in components.items():
        path, id_ = place
        if id_ is None or place in objects or (of := _type_at(path)) is None:
            continue
        number = component["version"]
        yield Shown(
            path=path,
            key=AggregateKey(of, id_),
            version=None if number is None else Version(FIRST_EPOCH, number),
            source=Source(component["source"]),
            reason=Reason(component["reason"]),
            age_s=component["ageMs"] / 1000,
            is_absent=True,
        )


def _pages(data: Json, page: Page | None, components: Mapping[Place, Json]) -> Iterator[Listed]:
    """The page that was asked for, if it came; an order on it that is null is listed all the same."""
    connection = None if page is None else connection_at(data, page.path)
    if page is None or connection is None or connection["edges"] is None:
        return
    component = components[page.path, None]
    yield Listed(
        path=page.path,
        customer_id=page.customer_id,
        order_ids=tuple(_id_at(edge["cursor"]) for edge in connection["edges"]),
        has_more=connection["pageInfo"]["hasNextPage"],
        source=Source(component["source"]),
        reason=Reason(component["reason"]),
        status=page.status,
        first=page.first,
        after=page.after,
        follows=page.follows,
        age_s=component["ageMs"] / 1000,
    )


def connection_at(data: Json, path: str) -> Json | None:
    """The connection at this path, where the answer has one."""
    found: Json | None = data
    for name in path.split("."):
        found = None if found is None else found.get(name)
    return found


def _id_at(cursor: str) -> str:
    return parse_cursor(split_seen(cursor)[0]).id


def written(body: Json, intents: tuple[Intent, ...], open_token: OpenToken) -> tuple[Write, ...]:
    """How each write ended, as far as the answer tells; its own token has the version of it."""
    unknown = {
        error["path"][0]
        for error in body.get("errors", ())
        if error["extensions"].get("outcome") == "UNKNOWN"
    }
    data = body.get("data") or {}
    return tuple(
        _write(intent, data.get(name), open_token, is_unknown=name in unknown)
        for number, intent in enumerate(intents)
        for name in (f"write{number}",)
    )


def _write(
    intent: Intent, payload: Json | None, open_token: OpenToken, *, is_unknown: bool
) -> Write:
    promise = None if payload is None else payload["consistencyToken"]
    if promise is not None:
        [(key, at)] = open_token(promise).entries.items()
        return Write(key=key, outcome=Outcome.CONFIRMED, version=at, is_repeated=intent.may_repeat)
    return Write(key=intent.key, outcome=Outcome.UNKNOWN if is_unknown else Outcome.REFUSED)


def untold(intents: tuple[Intent, ...]) -> tuple[Write, ...]:
    """How the writes of a request ended that was never answered: nobody knows."""
    return tuple(Write(key=intent.key, outcome=Outcome.UNKNOWN) for intent in intents)
