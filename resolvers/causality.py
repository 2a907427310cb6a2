"""What an answer demands of itself: an order is not shown with an older world than its writer saw.

Who writes an order tells its service which versions of its customer and products she has seen; the
order carries them, and a causal read demands them of the same answer. (Writes follow reads: Terry
et al., Session Guarantees, 1994.)
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from projections.selection import Root
from projections.store import Cut
from projections.token import ConsistencyToken, seen_places
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow, Row
from projections.views.causal_deps import MAX_CAUSAL_DEPS
from resolvers.answer import Answer, Found
from resolvers.demand import Demand
from resolvers.read_model import ReadModel

NOTHING: Mapping[AggregateKey, Version] = {}

_CAUSES = frozenset((AggregateType.CUSTOMER, AggregateType.PRODUCT))


def needed_by(demand: Demand, answer: Answer) -> Mapping[AggregateKey, Version]:
    """The least versions that the orders found so far need of others; nothing, if not causal."""
    if not demand.is_causal:
        return NOTHING
    return _causes_of(part.row for part in answer.components.values() if isinstance(part, Found))


def needed_in(demand: Demand, cut: Cut) -> Mapping[AggregateKey, Version]:
    """Likewise of the orders of a cut."""
    if not demand.is_causal:
        return NOTHING
    return _causes_of(stored.row for stored in cut.rows.values() if stored is not None)


def _causes_of(rows: Iterable[Row | None]) -> dict[AggregateKey, Version]:
    """What the writers of the orders among these had seen, of each aggregate the newest."""
    causes: dict[AggregateKey, Version] = {}
    for order in (row for row in rows if isinstance(row, OrderRow)):
        for key, at in order.depends_on.items():
            causes[key] = max(at, causes.get(key, at))
    return causes


def broken_by(demand: Demand, answer: Answer) -> dict[AggregateKey, Version]:
    """Components that are older than an order found after them needs, with what it needs."""
    return {
        key: at
        for key, at in needed_by(demand, answer).items()
        if key in answer.components and ((shown := answer.version_of(key)) is None or shown < at)
    }


async def seen_by_writer(
    token: ConsistencyToken, roots: Sequence[Root], model: ReadModel | None
) -> dict[AggregateKey, Version]:
    """The customer and products that ``roots`` reach, at versions no older than the writer saw.

    What she saw under a floor or a mark is in the projection by now; its rows, maybe newer, stand
    for it. (One that has lost it in a failover is taken at its word: to ask all owners before each
    write would cost more than it saves.) Where nobody tells what is reached, all that she has seen
    goes along.
    """
    entries = {key: at for key, at in token.entries.items() if key.type in _CAUSES}
    if not (entries or _CAUSES & {*token.marks, *(log.type for log in token.floor)}):
        return {}
    cut = Cut() if model is None else await model.read(roots, seen=seen_places(token))
    reached = {key: stored for key, stored in cut.rows.items() if key.type in _CAUSES}
    causes = {key: stored.at for key, stored in reached.items() if stored is not None}
    for key, at in entries.items():
        if key in reached or not reached:
            causes[key] = max(at, causes.get(key, at))
    return dict(islice(causes.items(), MAX_CAUSAL_DEPS))
