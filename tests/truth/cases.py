"""One answer under examination: what was asked, what is said, and what is known to have happened.

`Part` is a component with what is known of it. In a test's own process the world knows which row it
is; over real processes only its number is told, and its epoch is that of all the tokens around it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from projections.token import EMPTY_TOKEN, ConsistencyToken, demand_for_keys, is_refuted, merge
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import Row
from resolvers.answer import Reason, Source
from resolvers.demand import Demand, Live
from resolvers.read_request import ReadOptions
from tests.truth.claims import Claim, Component, FieldError
from tests.truth.sent import Open, Sent
from tests.truth.world import Glance, Stretch, Word, World

SLACK_S = 0.001
"""Milliseconds are told whole."""
NOT_RUN = frozenset({"BAD_USER_INPUT", "INVALID_CONSISTENCY_TOKEN", "INTERNAL_ERROR"})
"""Errors of root fields that have demanded nothing."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What is known of an operation: the world around it, and when it ran."""

    world: World
    stretch: Stretch

    @property
    def glances(self) -> tuple[Glance, Glance]:
        """The store before and after."""
        began, ended = self.stretch
        return Glance(self.world, began.tick), Glance(self.world, ended.tick)


@dataclass(frozen=True, slots=True)
class Part:
    """A component of a row, with what it turns out to be.

    ``at``: its version, None if it is absent or not known. ``rows``: the states it may show.
    ``is_found``: the world knows of it; always, where there is no world to ask.
    """

    component: Component
    key: AggregateKey
    demand: Demand
    at: Version | None
    rows: Sequence[Row] = ()
    is_found: bool = True

    def __str__(self) -> str:
        return str(self.component)


@dataclass(frozen=True)
class Case:
    """One answer. ``header_token`` is the token in its header; ``happened`` may be unknown."""

    claim: Claim
    sent: Sent
    open_text: Open
    header_token: str | None
    elapsed_s: float
    happened: Happened | None

    @cached_property
    def got(self) -> ConsistencyToken:
        """The token that was handed out; empty where there is none, or none of ours."""
        opened = None if self.claim.token is None else self.open_text(self.claim.token)
        return opened if isinstance(opened, ConsistencyToken) else EMPTY_TOKEN

    @cached_property
    def promised(self) -> ConsistencyToken:
        """What the payloads promise: each write of this operation that was confirmed."""
        texts = (
            (self.claim.payloads.get(name) or {}).get(key)
            for name, root in self.sent.document.roots.items()
            for key, field in root.below.items()
            if field.name == "consistencyToken"
        )
        opened = [self.open_text(str(text)) for text in texts if text is not None]
        return merge(EMPTY_TOKEN, *(one for one in opened if isinstance(one, ConsistencyToken)))

    @cached_property
    def ran(self) -> Mapping[str, Demand]:
        """The demands of the root fields that have run."""
        return {k: d for k, d in self.sent.demands.items() if k not in self._not_run}

    @cached_property
    def joined(self) -> ConsistencyToken:
        """All that was demanded."""
        tokens = [demand.token for demand in self.ran.values()]
        return merge(*tokens) if tokens else EMPTY_TOKEN

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The components that are rows."""
        return [_part(self, one, one.key) for one in self.claim.components if one.key is not None]

    @property
    def pages(self) -> Iterator[Component]:
        return (c for c in self.claim.components if c.key is None and c.path in self.claim.pages)

    @property
    def is_chained(self) -> bool:
        """Has it several writes? Each is read with what those before it have seen, and settled."""
        return self.sent.document.is_mutation and len(self.sent.document.roots) > 1

    def may_demand(self, path: str) -> ConsistencyToken:
        """At most what the root field of a path demanded: a write joins its own."""
        demanded = self.sent.demand_at(path).token
        if not self.sent.document.is_mutation:
            return demanded
        live = (part for part in self.parts if part.component.source is Source.LIVE)
        entries = {part.key: part.at for part in live if part.at is not None}
        return merge(demanded, self.got, ConsistencyToken(entries))

    def is_refuted(self, token: ConsistencyToken, key: AggregateKey) -> bool:
        """May the token's entry be known to be of nothing?"""
        if self.happened is None:
            return key in token.doubts
        return any(is_refuted(glance, token, key) for glance in self.happened.glances)

    def words(self, component: Component, demand: Demand) -> Iterator[Word]:
        """What owners said that this component, one of a row, may show."""
        assert self.happened is not None
        assert component.key is not None
        shared = _may_share(demand, component.key)
        kept_s = ReadOptions().stale_if_error_s if component.is_stand_in else 0.0
        stretch = self.happened.stretch
        return self.happened.world.words_in(stretch, shared=shared, kept_s=kept_s)

    @cached_property
    def _not_run(self) -> frozenset[str]:
        return frozenset(e.path for e in self.claim.errors if e.code in NOT_RUN)

    def errors_at(self, path: str) -> Iterator[FieldError]:
        return (error for error in self.claim.errors if error.path == path)


def _part(case: Case, component: Component, key: AggregateKey) -> Part:
    demand = case.sent.demand_at(component.path)
    if case.happened is None:
        return Part(component, key, demand, _number_as_version(case, component.number))
    told = _told(case, component, key, demand)
    found = [(at, row) for at, row in told if (at.number if at else None) == component.number]
    versions = [at for at, _ in found if at is not None]
    rows = [row for _, row in found if row is not None]
    return Part(component, key, demand, max(versions, default=None), rows, bool(found))


def _told(
    case: Case, component: Component, key: AggregateKey, demand: Demand
) -> Iterator[tuple[Version | None, Row | None]]:
    """The versions and states that the source of a component had for it."""
    assert case.happened is not None
    if component.source is Source.PROJECTION:
        for stored in case.happened.world.stored(key, case.happened.stretch):
            yield (None, None) if stored is None else (stored.at, stored.row)
        return
    for word in case.words(component, demand):
        if component.reason is Reason.WRITE_RESULT and not word.is_write:
            continue
        yield from ((row.at, row) for row in word.rows if row.key == key)
        if key in word.absent:
            yield None, None
        if word.is_unread and component.number is not None:
            yield Version(1, component.number), None


def _may_share(demand: Demand, key: AggregateKey) -> bool:
    own = demand_for_keys(demand.token, [key])
    return not (own.marks or own.floor or own.uncertain or isinstance(demand.mode, Live))


def _number_as_version(case: Case, number: int | None) -> Version | None:
    epochs = {at.epoch for token in (case.joined, case.got) for at in token.entries.values()}
    if number is None or len(epochs) > 1:
        return None
    return Version(next(iter(epochs), 1), number)


def types_of(token: ConsistencyToken, of: AggregateType) -> ConsistencyToken:
    """What the token demands of a type as such: its marks and floors."""
    return demand_for_keys(token, (), types=(of,))
