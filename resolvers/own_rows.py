"""What is a viewer's own, of the projection and of an owner's answers: where rows come in.

The rule that decides is in `ownership`. Here is only where it is applied: rows that are not hers
are taken out before anything else looks at them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from projections.positions import NOTHING_SEEN, Floor
from projections.selection import Root
from projections.store import Cut
from projections.versions import AggregateKey, AggregateType
from projections.views import Row
from projections.waiters import Waiters
from resolvers.ownership import Links, may_name, may_see, sees_all, visible_part
from resolvers.read_model import ReadableModel, ReadModel
from resolvers.report import ConsistencyReport
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.live_demand import Heard, LiveDemand, Question
from resolvers.viewer import Viewer

ReadRows = Callable[[Mapping[Question, LiveDemand], CallContext], Awaitable[dict[Question, Heard]]]
"""One answer of an owner a question; failures are answers."""


def model_for(
    viewer: Viewer, model: ReadModel | None, report: ConsistencyReport
) -> ReadableModel | None:
    """The projection as this viewer may see it; ``report`` knows what her tokens name."""
    return model if model is None or sees_all(viewer) else OwnModel(model, viewer, report)


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A projection in which there is nothing that is not her own. Obeys `ReadableModel`."""

    model: ReadModel
    viewer: Viewer
    report: ConsistencyReport

    @property
    def waiters(self) -> Waiters:
        return self.model.waiters

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        return self._own(await self.model.read(roots, seen=seen), roots)

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        cut = self.model.at_hand(roots, seen=seen)
        return None if cut is None else self._own(cut, roots)

    async def heal(self, rows: Iterable[Row], *, age_s: float) -> None:
        await self.model.heal(rows, age_s=age_s)

    def _own(self, cut: Cut, roots: Sequence[Root]) -> Cut:
        token = self.report.token
        return visible_part(self.viewer, cut, roots, token.entries.keys() | token.uncertain)


def reads_for(viewer: Viewer, read_rows: ReadRows, links: Links | None) -> ReadRows:
    """What owners answer, as this viewer may hear it; ``links`` knows whose orders are."""
    return read_rows if sees_all(viewer) else OwnReads(viewer, read_rows, links)


@dataclass(frozen=True, slots=True)
class OwnReads:
    """Reads in whose answers there is nothing that is not her own.

    Of an order that is not known to be hers she is told nothing that was asked for by others, or
    that it was asked for would be told. So one that is not hers costs the very call of none.
    """

    viewer: Viewer
    read_rows: ReadRows
    links: Links | None

    async def __call__(
        self, demands: Mapping[Question, LiveDemand], context: CallContext
    ) -> dict[Question, Heard]:
        own = {
            question: demand if self._may_share(question.key) else LiveDemand(demand.at_least)
            for question, demand in demands.items()
        }
        heard = await self.read_rows(own, context)
        return {question: own_part(self.viewer, told) for question, told in heard.items()}

    def _may_share(self, key: AggregateKey) -> bool:
        if key.type is not AggregateType.ORDER:
            return True
        links = None if self.links is None else self.links.of(key)
        return links is not None and may_name(self.viewer, links.customer_id)


def own_part(viewer: Viewer, heard: Heard) -> Heard:
    """An owner's answer as this viewer may hear it: that there is none of what is not hers."""
    match heard.answer:
        case None:
            return heard
        case UpstreamError():
            is_hers = heard.kept is None or may_see(viewer, heard.kept.row)
            return heard if is_hers else structs.replace(heard, kept=None)
        case row:
            return heard if may_see(viewer, row) else structs.replace(heard, answer=None)
