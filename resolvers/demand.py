"""What one field demands of the world it is shown: a mode, and the tokens of its caller.

Tokens from the argument, the header and the cookie are merged and never override each other; the
mode says only what to do with them.
"""

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from projections.token import EMPTY_TOKEN, ConsistencyToken, View, is_refuted
from projections.versions import AggregateKey, AggregateType, Version


class OnTimeout(StrEnum):
    """What to do with a component that is too old when the wait is over."""

    LIVE = "LIVE"
    STALE = "STALE"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Eventual:
    """What the projection holds, at once, absence included; says so if the tokens ask for more."""


@dataclass(frozen=True, slots=True)
class AtLeast:
    """No older than the tokens. ``max_wait_s`` (s, ≥ 0) shortens the wait; None: the cap.

    ``is_causal``: and no order with a customer or product older than its writer had seen.
    """

    max_wait_s: float | None = None
    on_timeout: OnTimeout = OnTimeout.LIVE
    is_causal: bool = False


@dataclass(frozen=True, slots=True)
class Bounded:
    """A projection proven current within ``max_staleness_s`` (s, ≥ 0), and no older than tokens."""

    max_staleness_s: float
    on_timeout: OnTimeout = OnTimeout.LIVE


@dataclass(frozen=True, slots=True)
class Live:
    """The owning services' own answers."""


Mode = Eventual | AtLeast | Bounded | Live


class Demand(Struct, frozen=True, eq=False):
    """The mode of a field and the merged tokens that hold for it."""

    mode: Mode = AtLeast()
    token: ConsistencyToken = EMPTY_TOKEN

    @property
    def orders(self) -> list[AggregateKey]:
        """The orders that the tokens name, whatever for: any list may have to show them."""
        named = dict.fromkeys((*self.token.entries, *sorted(self.token.uncertain)))
        return [key for key in named if key.type is AggregateType.ORDER]

    def at_least(self, key: AggregateKey, view: View) -> Version | None:
        """The version demanded of an aggregate; None where any will do.

        An entry that ``view`` refutes demands nothing: there is no such version.
        """
        at = self.token.entries.get(key)
        return None if at is None or is_refuted(view, self.token, key) else at

    @property
    def is_causal(self) -> bool:
        """Is no order to be shown with an older world than its writer had seen?"""
        return isinstance(self.mode, AtLeast) and self.mode.is_causal

    @property
    def on_timeout(self) -> OnTimeout:
        match self.mode:
            case AtLeast(on_timeout=on_timeout) | Bounded(on_timeout=on_timeout):
                return on_timeout
            case Eventual():
                return OnTimeout.STALE
            case Live():
                return OnTimeout.LIVE
