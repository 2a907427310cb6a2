"""Reads that need nobody's help: all rows are at hand, and new enough beyond doubt.

The rule: here is only what can be told at a glance. Whatever has to be waited for, asked for or
weighed is left to `reading`, which would say the same of all that is answered here.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from projections.selection import Root
from projections.store import Cut
from projections.token import ConsistencyToken, has_reached, is_proven, seen_places
from projections.token_shrinking import floor_from
from projections.versions import ORDER, AggregateKey, AggregateType
from projections.views import OrderRow
from resolvers.answer import Answer, Component, Found, FoundPage, Provenance, Reason, Source
from resolvers.demand import AtLeast, Demand, Mode
from resolvers.ownership import may_ask, sees_all, visible_part
from resolvers.read_model import ReadModel
from resolvers.read_path import age_s, row_age_s
from resolvers.read_request import ReadRequest
from resolvers.viewer import Viewer


class AtHand(Struct, frozen=True):
    """A completed answer, and the cut that it was read in."""

    answer: Answer
    cut: Cut

    @property
    def types(self) -> set[AggregateType]:
        """The types of all that it shows."""
        shown = {key.type for key in self.cut.rows}
        return shown | {ORDER} if self.cut.pages else shown


def find_at_hand(
    requests: Sequence[ReadRequest],
    model: ReadModel,
    *,
    viewer: Viewer,
    now_s: float,
    budgets_s: Mapping[AggregateType, float],
) -> list[AtHand] | None:
    """One answer a root field, all of one moment; None where any of them takes more than a look.

    It does where anything in it is not the viewer's to see. ``now_s`` is the wall clock,
    ``budgets_s`` the staleness budgets. Never waits.
    """
    found: list[AtHand] = []
    for request in requests:
        demand = request.demand
        if not (is_usual(demand.mode) and is_plain(demand.token)):
            return None
        cut = model.at_hand([request.root], seen=seen_places(demand.token))
        if cut is not None and not _is_hers(viewer, request.root, cut):
            return None
        answer = None if cut is None else plain_answer(demand, cut, now_s, budgets_s)
        if cut is None or answer is None:
            return None
        found.append(AtHand(answer, cut))
    return found


def _is_hers(viewer: Viewer, root: Root, cut: Cut) -> bool:
    """Is there nothing in what ``root`` leads to that is not the viewer's to see?"""
    return sees_all(viewer) or (may_ask(viewer, root) and visible_part(viewer, cut, (root,)) is cut)


def is_usual(mode: Mode) -> bool:
    """Is it the mode of who has said nothing, or no more than how long to wait?"""
    return isinstance(mode, AtLeast) and not mode.is_causal


def is_plain(token: ConsistencyToken) -> bool:
    """Does it demand no version of anything, only worlds?"""
    return not (token.entries or token.uncertain or token.doubts)


def is_satisfied(token: ConsistencyToken, cut: Cut) -> bool:
    """Does the cut hold all that a plain token demands?"""
    return all(has_reached(cut, log, seen) for log, seen in token.floor.items()) and all(
        is_proven(cut, of, second) for of, second in token.marks.items()
    )


def source_age_s(
    cut: Cut, of: AggregateType, now_s: float, budgets_s: Mapping[AggregateType, float]
) -> float | None:
    """How old (s) the rows of a type are at most; None where that is not known, or is too old."""
    position = cut.positions.get(of.source)
    if position is None or not position.is_caught_up:
        return None
    age = age_s(position, now_s)
    return None if age > budgets_s[of] else age


def plain_answer(
    demand: Demand, cut: Cut, now_s: float, budgets_s: Mapping[AggregateType, float]
) -> Answer | None:
    """What a plain demand is shown of this cut; None where any of it is missing or in doubt."""
    if cut.suspects or not is_satisfied(demand.token, cut):
        return None
    sources = _Sources(cut, now_s, budgets_s)
    components: dict[AggregateKey, Component] = {}
    for key, stored in cut.rows.items():
        provenance = sources[key.type]
        if provenance is None or stored is None or stored.row is None:
            return None
        if stored.healed_at_s is not None:
            position = cut.positions.get(key.type.source)
            healed_s = row_age_s(position, stored, now_s)
            provenance = Provenance(Source.PROJECTION, Reason.DEFAULT, healed_s)
        components[key] = Found(stored.row, provenance, stored.is_streamed)
    answer = Answer(components)
    return answer if _put_pages(answer, cut, sources, now_s) else None


def _put_pages(answer: Answer, cut: Cut, sources: "_Sources", now_s: float) -> bool:
    """Put the pages of the cut into the answer; False where one is in doubt."""
    if not cut.pages:
        return True
    provenance = sources[ORDER]
    seen = floor_from(cut, [ORDER], now_s)
    for key, page in cut.pages.items():
        if provenance is None or page.is_suspect:
            return False
        orders = [answer.row_of(AggregateKey(ORDER, of)) for of in page.order_ids]
        rows = [row for row in orders if isinstance(row, OrderRow)]
        answer.pages[key] = FoundPage.of(rows, provenance, has_more=page.has_more, seen=seen)
    return True


class _Sources(dict[AggregateType, Provenance | None]):
    """Where the rows of each type come from; None where its source is not current enough."""

    def __init__(self, cut: Cut, now_s: float, budgets_s: Mapping[AggregateType, float]) -> None:
        super().__init__()
        self._cut = cut
        self._now_s = now_s
        self._budgets_s = budgets_s

    def __missing__(self, aggregate_type: AggregateType) -> Provenance | None:
        age = source_age_s(self._cut, aggregate_type, self._now_s, self._budgets_s)
        found = None if age is None else Provenance(Source.PROJECTION, Reason.DEFAULT, age)
        self[aggregate_type] = found
        return found
