"""What one operation demanded, waited for, wrote and showed: the truth of `extensions.consistency`.

The joined token is made here: everything the caller had already seen, everything she wrote, and
every row she was shown that the event stream does not hold yet. A caller that always sends the last
joined token is never shown an older version of anything she has seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from projections.selection import PageKey
from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.versions import AggregateKey, Version
from projections.views import Row
from resolvers.answer import Answer, Provenance, Reason

MAX_SHOWN = 100
"""Components told of one by one; a page of orders with all their products would be a thousand."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One component as the client sees it: response path without list indexes, and provenance."""

    path: str
    key: AggregateKey | PageKey
    version: Version | None
    provenance: Provenance


@dataclass(slots=True)
class ConsistencyReport:
    """Collects while the operation runs; read once at its end."""

    token: ConsistencyToken = EMPTY_TOKEN
    waited_s: float = 0.0
    missing: dict[AggregateKey, Version] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    omitted_count: int = 0
    is_stale_shown: bool = False
    is_held_back: bool = False
    _paths: set[tuple[str, AggregateKey | PageKey]] = field(default_factory=set)

    @property
    def is_satisfied(self) -> bool:
        """Was nothing shown, and nothing held back, that is older than demanded?"""
        return not (self.missing or self.is_stale_shown or self.is_held_back)

    def demand(self, token: ConsistencyToken) -> None:
        """Join what a field demands: the caller has seen that world already."""
        self.token = merge(self.token, token)

    def write(self, row: Row) -> None:
        """Join a write that its owner has confirmed."""
        self.demand(ConsistencyToken({row.key: row.at}))

    def add(self, answer: Answer, missing: Mapping[AggregateKey, Version]) -> None:
        """Join one completed root field and what it could not show new enough."""
        self.demand(ConsistencyToken(dict(answer.unproven())))
        self.missing.update(missing)
        self.is_held_back |= answer.is_held_back

    def show(
        self,
        path: str,
        provenance: Provenance,
        key: AggregateKey | PageKey,
        version: Version | None,
    ) -> None:
        """Note that a component or a page is shown at ``path``; told once for each path."""
        self.is_stale_shown |= provenance.reason is Reason.STALE_ALLOWED
        if (path, key) in self._paths:
            return
        self._paths.add((path, key))
        if len(self.shown) < MAX_SHOWN:
            self.shown.append(Shown(path, key, version, provenance))
        else:
            self.omitted_count += 1
