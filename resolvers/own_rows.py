"""What is a viewer's own, of the projection and of an owner's answers: where rows come in.

The rule that decides is in `ownership`. Here is only where it is applied: rows that are not hers
are taken out before anything else looks at them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from projections.positions import NOTHING_SEEN, Floor
from projections.selection import Root
from projections.store import Cut
from projections.views import Row
from projections.waiters import Waiters
from resolvers.ownership import may_see, sees_all, visible_part
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


def reads_for(viewer: Viewer, read_rows: ReadRows, *, absence_kept_s: float) -> ReadRows:
    """What owners answer, as this viewer may hear it; ``absence_kept_s`` as `SharingOptions`."""
    return read_rows if sees_all(viewer) else OwnReads(viewer, read_rows, absence_kept_s)


@dataclass(frozen=True, slots=True)
class OwnReads:
    """Reads in whose answers there is nothing that is not her own.

    What is not hers is asked for as often as if there were none: a row that was kept for others is
    no answer where an absence would not be kept any more.
    """

    viewer: Viewer
    read_rows: ReadRows
    absence_kept_s: float

    async def __call__(
        self, demands: Mapping[Question, LiveDemand], context: CallContext
    ) -> dict[Question, Heard]:
        kept_since_s = asyncio.get_running_loop().time() - self.absence_kept_s
        heard = await self.read_rows(demands, context)
        too_old = {
            question: LiveDemand()
            for question, told in heard.items()
            if is_hidden(self.viewer, told) and told.asked_at_s < kept_since_s
        }
        if too_old:
            heard = heard | await self.read_rows(too_old, context)
        return {question: own_part(self.viewer, told) for question, told in heard.items()}


def own_part(viewer: Viewer, heard: Heard) -> Heard:
    """An owner's answer as this viewer may hear it: that there is none of what is not hers."""
    kept = heard.kept
    if kept is not None and not may_see(viewer, kept.row):
        heard = replace(heard, kept=None)
    return replace(heard, answer=None) if is_hidden(viewer, heard) else heard


def is_hidden(viewer: Viewer, heard: Heard) -> bool:
    """Has its owner told a row that is not hers?"""
    match heard.answer:
        case None | UpstreamError():
            return False
        case row:
            return not may_see(viewer, row)
