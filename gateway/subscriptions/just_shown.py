"""What was shown a moment ago, for the next who follows the same order in the same words.

A thousand who follow one order have seen the same of it, too: then the answer and its token are the
same to the byte. The rule: it is given again only to a viewer who was the same, had seen the same,
and while the store holds the same rows at the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.execution.document import Document
from projections.store import Cut
from projections.token import ConsistencyToken
from projections.versions import Version
from resolvers.viewer import Viewer

MOMENT_S: Final = 0.01
"""Seconds for which it may be shown: what it says of its age is no more wrong than that."""

KEPT_LIMIT: Final = 64
"""Kinds of followers whose answers are kept; beyond it all are forgotten."""

Variables = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer, its token and version; ``before`` and ``after``: what its follower had seen."""

    body: bytes
    token: str | None
    at: Version | None
    cut: Cut
    variables: Variables
    before: ConsistencyToken
    after: ConsistencyToken
    made_at_s: float


class JustShown:
    """The last answer to each kind of follower."""

    def __init__(self) -> None:
        self._shown: dict[tuple[Document, Viewer], Shown] = {}

    def find(
        self,
        document: Document,
        viewer: Viewer,
        variables: Variables,
        seen: ConsistencyToken,
        now_s: float,
    ) -> Shown | None:
        """What may be shown to her, if the store has not moved."""
        shown = self._shown.get((document, viewer))
        if shown is None or shown.before != seen or now_s - shown.made_at_s > MOMENT_S:
            return None
        return shown if shown.variables == variables else None

    def keep(self, document: Document, viewer: Viewer, shown: Shown) -> None:
        """Remember what she was shown."""
        if len(self._shown) >= KEPT_LIMIT:
            self._shown.clear()
        self._shown[document, viewer] = shown
