"""What a completed answer comes to, for the token of whoever is shown it: one look at each part."""

from typing import Final

from msgspec import Struct, field

from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Absent, Answer, Component, Failed, Found, FoundPage, Source
from resolvers.errors import ConsistencyTimeout

_PROJECTION: Final = Source.PROJECTION


class AnswerTally(Struct):
    """``seen``: what was shown but not yet streamed: a later read must not fall behind it.

    ``told_live``: the aggregates of which an owner has told just now, be it that there is none.
    ``projected_types``: those of which the projection has shown anything, or that there is nothing.
    ``outdated_types``: those of which something is gone, and a projection that is behind still
    shows it. No version tells since when: between the last that was seen and the one at which it
    went there may be others.
    ``is_held_back``: was anything left out because all there was is older than demanded?
    ``is_stale``: does anything, shown or passed over by a list, rest on a world that is too old?
    """

    seen: dict[AggregateKey, Version] = field(default_factory=dict)
    told_live: set[AggregateKey] = field(default_factory=set)
    projected_types: set[AggregateType] = field(default_factory=set)
    outdated_types: set[AggregateType] = field(default_factory=set)
    is_held_back: bool = False
    is_stale: bool = False

    def add(self, key: AggregateKey, component: Component) -> None:
        """Reckon in a component, of which anything or nothing is shown."""
        match component:
            case Failed():
                return
            case Found(row=row, is_streamed=is_streamed):
                if not is_streamed:
                    self.seen[key] = row.at
            case Absent(at_least=at_least, may_come_back=may_come_back):
                if at_least is not None:
                    self.seen[key] = at_least
                if may_come_back:
                    self.outdated_types.add(key.type)
        provenance = component.provenance
        if provenance.source is _PROJECTION:
            self.projected_types.add(key.type)
        elif provenance.instead_of is None:
            self.told_live.add(key)

    def add_page(self, page: FoundPage) -> None:
        """Reckon in a page: what holds for it holds for orders."""
        if page.lacks_listed:
            self.outdated_types.add(AggregateType.ORDER)
        if page.provenance.source is Source.PROJECTION:
            self.projected_types.add(AggregateType.ORDER)

    def use(self, part: Component | FoundPage) -> None:
        """Reckon in that it is shown, or that a list has looked at it."""
        if not isinstance(part, Failed):
            self.is_stale |= part.provenance.is_stale
        elif isinstance(part.error, ConsistencyTimeout):
            self.is_held_back = True


def tally_of(answer: Answer) -> AnswerTally:
    """What it comes to. Pure."""
    tally = AnswerTally()
    for key, component in answer.components.items():
        tally.add(key, component)
        if key not in answer.unshown:
            tally.use(component)
    for page in answer.pages.values():
        tally.use(page)
        if isinstance(page, FoundPage):
            tally.add_page(page)
    return tally
