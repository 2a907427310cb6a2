"""What an answer says: its data, its errors, and what `extensions.consistency` says of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Reason, Source
from tests.truth.sent import MS
from tests.truth.shapes import CONNECTION, TYPES, Document, Field

Json = Any


@dataclass(frozen=True, slots=True)
class Component:
    """One component as it is told; ``type`` is None where the document has no such field.

    A page has no ``key``, and a component whose field nobody asked for none either.
    """

    path: str
    type: AggregateType | None
    key: AggregateKey | None
    source: Source
    number: int | None
    age_s: float
    reason: Reason
    instead_of: str | None = None

    @property
    def is_stand_in(self) -> bool:
        """Is it shown in place of its owner's failure?"""
        return self.reason is Reason.STALE_IF_ERROR

    def __str__(self) -> str:
        at = "" if self.number is None else f" at {self.number}"
        return f"{self.path} ({self.key or 'a page'}{at}, {self.source}, {self.reason})"


@dataclass(frozen=True, slots=True)
class Sight:
    """One object in the data: the fields of it that were selected, by their names."""

    path: str
    type: AggregateType
    state: Mapping[str, Json]

    @property
    def id(self) -> str | None:
        return self.state.get("id")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error; its path without list indexes."""

    path: str
    extensions: Mapping[str, Json]

    @property
    def code(self) -> str:
        return str(self.extensions["code"])


@dataclass(frozen=True, slots=True)
class Claim:
    """One answer that has run, and the document that it answers. ``payloads``: of a mutation."""

    token: str | None
    is_satisfied: bool
    waited_s: float
    waits: Mapping[str, int]
    missing: Mapping[AggregateKey, Version]
    components: Sequence[Component]
    omitted_count: int
    expired_count: int
    errors: Sequence[FieldError]
    sights: Sequence[Sight]
    pages: frozenset[str]
    payloads: Mapping[str, Json]


def read_claim(body: Json, document: Document) -> Claim:
    """The claim of an answer's body that has the extension."""
    told = body["extensions"]["consistency"]
    data = body.get("data") or {}
    sights: list[Sight] = []
    pages: set[str] = set()
    for key, root in document.roots.items():
        _look(data.get(key), root, key, sights, pages)
    return Claim(
        token=told["token"],
        is_satisfied=told["satisfied"],
        waited_s=told["waitedMs"] / MS,
        waits=told.get("waits", {}),
        missing=dict(_missing(told["missing"])),
        components=[_component(one, document) for one in told["components"]],
        omitted_count=told.get("componentsOmitted", 0),
        expired_count=told.get("expiredTokens", 0),
        errors=[_error(error) for error in body.get("errors", ())],
        sights=sights,
        pages=frozenset(pages),
        payloads=data if document.is_mutation else {},
    )


def _component(told: Json, document: Document) -> Component:
    path, of = told["path"], document.field_at(told["path"])
    # A write tells of its resource by the field's own name, whether it was asked for or not.
    aggregate_type = TYPES.get(path.rpartition(".")[2]) if of is None else of.type
    is_row = told["id"] is not None and aggregate_type is not None
    return Component(
        path,
        AggregateType.ORDER if told["id"] is None else aggregate_type,
        AggregateKey(aggregate_type, told["id"]) if is_row and aggregate_type else None,
        Source(told["source"]),
        told["version"],
        told["ageMs"] / MS,
        Reason(told["reason"]),
        told.get("insteadOf"),
    )


def _missing(entries: Json) -> Iterator[tuple[AggregateKey, Version]]:
    for entry in entries:
        key = AggregateKey(AggregateType(entry["type"]), entry["id"])
        yield key, Version(entry["epoch"], entry["version"])


def _error(error: Json) -> FieldError:
    path = ".".join(part for part in error.get("path") or () if isinstance(part, str))
    return FieldError(path, error["extensions"])


def _look(value: Json, at: Field, path: str, sights: list[Sight], pages: set[str]) -> None:
    if isinstance(value, list):
        for item in value:
            _look(item, at, path, sights, pages)
        return
    if not isinstance(value, dict):
        return
    if at.name == CONNECTION and any(value.get(key) is not None for key in at.below):
        pages.add(path)
    if at.type is not None:
        state = {at.below[key].name: of for key, of in value.items() if not at.below[key].below}
        sights.append(Sight(path, at.type, state))
    for key, inner in at.below.items():
        if inner.below and value.get(key) is not None:
            _look(value[key], inner, f"{path}.{key}", sights, pages)
