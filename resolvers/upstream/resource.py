"""What every typed client shares: one kind of thing at one service, read and changed by its id.

The rule: an answer is about what was asked. A row with another id than the asked one is no answer,
however well it decodes; shown to a client it would be somebody else's order. And an id that no
service can have given (contract: 1–64 unreserved characters) is unknown without asking anybody:
inside a comma-joined batch or a path it could ask for something else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

import msgspec

from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.views.aggregate import is_id
from projections.views.causal_deps import render_causal_deps
from resolvers.upstream.answers import MIN_VERSION_HEADER
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import Refusal, Rejected
from resolvers.upstream.transport import (
    IDEMPOTENCY_KEY_HEADER,
    NOT_FOUND,
    CallKind,
    Request,
    Response,
)

BATCH_LIMIT = 100
"""Ids in one call: with 64 characters each the address stays below the 8 KiB that servers take."""

CAUSAL_DEPS_HEADER = "X-Causal-Deps"

RowT = TypeVar("RowT", bound=Row)


class Listing(msgspec.Struct, Generic[RowT], frozen=True, rename="camel"):
    """Rows as a service lists them: a batch, or a page and the cursor of the next one."""

    items: tuple[RowT, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change to one aggregate: what to send, where below its path, and under which guards.

    `expected_version` makes it conditional (`If-Match`); `idempotency_key` makes it repeatable;
    `causal_deps` tell an order what its writer has seen.
    """

    method: Literal["POST", "PATCH"]
    body: bytes
    action: str = ""
    expected_version: int | None = None
    idempotency_key: str | None = None
    causal_deps: Mapping[AggregateKey, Version] = field(default_factory=dict)


class Resource(Generic[RowT]):
    """The rows of one service, below `/<collection>`; knows paths and schemas, no resilience."""

    def __init__(
        self,
        upstream: Upstream,
        collection: str,
        *,
        row: msgspec.json.Decoder[RowT],
        listing: msgspec.json.Decoder[Listing[RowT]],
    ) -> None:
        self._upstream = upstream
        self._path = f"/{collection}"
        self._row = row
        self._listing = listing

    def refuses(self, kind: CallKind) -> bool:
        """Would a call of this kind be refused by its circuit now?"""
        return self._upstream.refuses(kind)

    async def fetch(
        self, row_id: str, context: CallContext, *, min_version: int | None = None
    ) -> RowT | None:
        """Return the row, or None if there is none; raise VersionBehind below `min_version`."""
        if not is_id(row_id):
            return None
        headers = {} if min_version is None else {MIN_VERSION_HEADER: str(min_version)}
        request = Request("GET", self._path_of(row_id), headers=headers)
        parse_row = self._row_parser(lambda row: row.id == row_id)

        def parse(response: Response) -> RowT | None:
            return None if response.status == NOT_FOUND else parse_row(response)

        return await self._upstream.call(request, context, parse)

    async def fetch_batch(self, row_ids: Sequence[str], context: CallContext) -> Mapping[str, RowT]:
        """Return the known ones of the rows by id, at most `BATCH_LIMIT`, in one call."""
        asked = dict.fromkeys(row_id for row_id in row_ids if is_id(row_id))
        if not asked:
            return {}
        listing = await self.fetch_listing(
            {"ids": ",".join(asked)},
            context,
            limit_count=len(asked),
            belongs=lambda row: row.id in asked,
        )
        return {row.id: row for row in listing.items}

    async def fetch_listing(
        self,
        params: Mapping[str, str],
        context: CallContext,
        *,
        limit_count: int,
        belongs: Callable[[RowT], bool],
    ) -> Listing[RowT]:
        """Return what the collection lists for `params`; a row too many, or astray, is refused."""

        def parse(response: Response) -> Listing[RowT]:
            # A collection "not found" is a service without that endpoint, not an empty list.
            if response.status == NOT_FOUND:
                raise ValueError("no such collection")
            listing = self._listing.decode(response.body)
            if len(listing.items) > limit_count or not all(map(belongs, listing.items)):
                raise ValueError("rows that were not asked for")
            return listing

        kind = CallKind.READ_MANY if "ids" in params else CallKind.LIST
        request = Request("GET", self._path, params, kind=kind)
        return await self._upstream.call(request, context, parse)

    async def create(
        self,
        body: bytes,
        context: CallContext,
        *,
        idempotency_key: str,
        causal_deps: Mapping[AggregateKey, Version],
        belongs: Callable[[RowT], bool],
    ) -> RowT:
        """Return the row that the service made, or had made before under the same key."""
        headers = {IDEMPOTENCY_KEY_HEADER: idempotency_key, **_causes_of(causal_deps)}
        request = Request("POST", self._path, headers=headers, body=body, kind=CallKind.CREATE)
        return await self._upstream.call(request, context, self._row_parser(belongs))

    async def change(self, row_id: str, change: Change, context: CallContext) -> RowT:
        """Return the row after the change; raise Rejected if the service refuses it."""
        if not is_id(row_id):
            refusal = Refusal(status=404, problem_code="not-found", field="id")
            raise Rejected(self._upstream.service, refusal)
        request = Request(
            change.method,
            self._path_of(row_id) + change.action,
            headers=_guards_of(change),
            body=change.body,
            kind=CallKind.CHANGE,
        )
        parse = self._row_parser(lambda row: row.id == row_id)
        return await self._upstream.call(request, context, parse)

    def _path_of(self, row_id: str) -> str:
        return f"{self._path}/{quote(row_id, safe='')}"

    def _row_parser(self, belongs: Callable[[RowT], bool]) -> Callable[[Response], RowT]:
        def parse(response: Response) -> RowT:
            row = self._row.decode(response.body)
            if not belongs(row):
                raise ValueError("another row than the asked one")
            return row

        return parse


def render_patch(**fields: str | int | None) -> bytes:
    """Return the JSON body that sets these fields; None leaves a field as it is."""
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})


def _guards_of(change: Change) -> Mapping[str, str]:
    headers = _causes_of(change.causal_deps)
    if change.expected_version is not None:
        headers["If-Match"] = f'"{change.expected_version}"'
    if change.idempotency_key is not None:
        headers[IDEMPOTENCY_KEY_HEADER] = change.idempotency_key
    return headers


def _causes_of(causal_deps: Mapping[AggregateKey, Version]) -> dict[str, str]:
    return {CAUSAL_DEPS_HEADER: ", ".join(render_causal_deps(causal_deps))} if causal_deps else {}
