"""What generated code calls: everything about an answer that does not depend on the query.

The rule: it tells the report and raises no errors exactly as the resolvers of `resolvers.types` do,
or it raises `Unproven`, and they are asked.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import NoReturn

from graphql import FieldNode, GraphQLError, located_error

from gateway.execution.arguments import Unproven
from projections.selection import PageKey, PageSelection, Root
from projections.versions import AggregateKey
from projections.views.orders import ListingPosition
from resolvers.answer import Absent, Answer, Component, Failed, Found, FoundPage
from resolvers.connections import PageEnds, cursor_of, ends_of, listed_on, sealed_seen
from resolvers.context import TokenContext

Keys = tuple[str | None, ...]
"""The keys that lead to a place; None: the position in a list, which only the answer knows."""

Indexes = tuple[int, ...]
"""The positions in the lists around a place, from the outside in."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a field is in the answer, and in the document."""

    keys: Keys
    nodes: tuple[FieldNode, ...]

    @property
    def told(self) -> str:
        """The keys alone, as `extensions.consistency` tells them."""
        return ".".join(key for key in self.keys if key is not None)

    @property
    def told_above(self) -> str:
        """The same of the field around it."""
        return self.told.rpartition(".")[0]

    def path(self, indexes: Indexes) -> list[str | int]:
        """The response path, between these positions of its lists."""
        rest = iter(indexes)
        return [next(rest) if key is None else key for key in self.keys]


class Rendition:
    """One root field on its way into the answer. ``pages`` are those that its lists ask for.

    ``made``: what was made of a row by now, by the place in the document where it is shown, and its
    id: a page shows the same customer a hundred times.
    """

    def __init__(
        self,
        root: Root,
        answer: Answer,
        pages: list[PageSelection],
        errors: list[GraphQLError],
        context: TokenContext,
    ) -> None:
        self.root = root
        self.parts = answer.components
        self.pages = pages
        self._answer = answer
        self._errors = errors
        self._tokens = context.tokens
        self._show = context.report.show
        self._seen: dict[int, str | None] = {}
        self.made: defaultdict[str, dict[str, dict[str, object]]] = defaultdict(dict)

    def show(self, told: str, part: Found, key: AggregateKey) -> None:
        """Note that a row is shown at ``told``."""
        self._show(told, part.provenance, key, part.row.at)

    def rowless(self, place: Place, at: Indexes, part: Component, key: AggregateKey) -> None:
        """A field without a row: noted as absent, or the reason why there is none."""
        match part:
            case Absent(provenance=provenance, at=version):
                self._show(place.told, provenance, key, version)
            case Failed(error=error):
                self._fail(place, at, error)
            case Found():
                odd()

    def page(self, place: Place, at: Indexes, key: PageKey) -> FoundPage | None:
        """The page around ``place``, noted as shown; None where it could not be had: an error."""
        page = self._answer.pages[key]
        if isinstance(page, Failed):
            self._fail(place, at, page.error)
            return None
        self._show(place.told_above, page.provenance, key, None)
        return page

    def listed(self, page: FoundPage) -> list[ListingPosition]:
        """See `connections.listed_on`."""
        return listed_on(page, self._answer)

    def cursor(self, page: FoundPage, listed_at: ListingPosition) -> str:
        """The cursor of one order of ``page``."""
        return cursor_of(listed_at, self._seen_of(page))

    def ends(self, key: PageKey, page: FoundPage) -> PageEnds:
        """See `connections.ends_of`."""
        return ends_of(key, page, self._answer, self._seen_of(page))

    def _seen_of(self, page: FoundPage) -> str | None:
        if id(page) not in self._seen:
            self._seen[id(page)] = sealed_seen(page, self._answer, self._tokens)
        return self._seen[id(page)]

    def _fail(self, place: Place, at: Indexes, error: Exception) -> None:
        self._errors.append(located_error(error, list(place.nodes), place.path(at)))


def odd() -> NoReturn:
    """A value that its type does not allow: what becomes of it and its parents is not ours."""
    raise Unproven
