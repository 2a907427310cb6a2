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
from tests.laws.proof.real.asking import WRITES, Asked, Intent, Json, Page
from tests.laws.proof.real.states import shown_fields
from upstream_stubs.database import FIRST_EPOCH

NAMED: Final[Mapping[str, AggregateType]] = {
    "order": AggregateType.ORDER,
    "node": AggregateType.ORDER,
    "customer": AggregateType.CUSTOMER,
    "product": AggregateType.PRODUCT,
}
"""What is behind the fields of the documents."""

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
    if consistency.get("componentsOmitted"):
        raise NoProvenance("the answer tells of too many components; ask for less")
    data = body["data"]
    return Answer(
        shown=() if data is None else tuple(_parts(data, _components(body))),
        pages=() if data is None else tuple(_pages(data, asked.page, _components(body))),
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
        has_data=data is not None,
    )


def codes_of(body: Json) -> tuple[str, ...]:
    """The codes of all errors."""
    return tuple(error["extensions"]["code"] for error in body.get("errors", ()))


def _components(body: Json) -> Mapping[Place, Json]:
    told_of = body.get("extensions", {}).get("consistency", {}).get("components", ())
    return {(part["path"], part["id"]): part for part in told_of}


def _parts(data: Json, components: Mapping[Place, Json]) -> Iterator[Shown]:
    objects = dict(_objects(data, ""))
    yield from _shown(objects, components)
    yield from _absent(objects, components)


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
            instead_of=component.get("insteadOf"),
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
            instead_of=component.get("insteadOf"),
            is_absent=True,
        )


def _pages(data: Json, page: Page | None, components: Mapping[Place, Json]) -> Iterator[Listed]:
    """The page that was asked for, if it came; an order that is null is listed all the same."""
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
        instead_of=component.get("insteadOf"),
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
    """How each write ended, as far as the answer tells; its own token has the version of it.

    One that failed takes the payloads of the others along; what became of them the components say.
    """
    unknown = {
        error["path"][0]
        for error in body.get("errors", ())
        if error["extensions"].get("outcome") == "UNKNOWN"
    }
    confirmed = {
        path.partition(".")[0]: (id_, part["version"])
        for (path, id_), part in _components(body).items()
        if part["reason"] == Reason.WRITE_RESULT and id_ is not None
    }
    data = body.get("data") or {}
    return tuple(
        _by_payload(intent, data[name], open_token)
        if name in data
        else _by_component(intent, confirmed.get(name), is_unknown=name in unknown)
        for number, intent in enumerate(intents)
        for name in (f"write{number}",)
    )


def _by_payload(intent: Intent, payload: Json, open_token: OpenToken) -> Write:
    if payload["consistencyToken"] is None:
        return Write(key=intent.key, outcome=Outcome.REFUSED)
    [(key, at)] = open_token(payload["consistencyToken"]).entries.items()
    return _confirmed(intent, key, at)


def _by_component(intent: Intent, told_of: tuple[str, int] | None, *, is_unknown: bool) -> Write:
    if told_of is not None:
        id_, number = told_of
        key = AggregateKey(WRITES[intent.mutation][1], id_)
        return _confirmed(intent, key, Version(FIRST_EPOCH, number))
    return Write(key=intent.key, outcome=Outcome.UNKNOWN if is_unknown else Outcome.REFUSED)


def _confirmed(intent: Intent, key: Key, at: Version) -> Write:
    return Write(key=key, outcome=Outcome.CONFIRMED, version=at, is_repeated=intent.may_repeat)


def untold(intents: tuple[Intent, ...]) -> tuple[Write, ...]:
    """How the writes of a request ended that was never answered: nobody knows."""
    return tuple(Write(key=intent.key, outcome=Outcome.UNKNOWN) for intent in intents)
