"""A history made ready to be judged, and the question that most judges ask of it."""

from dataclasses import dataclass
from functools import cached_property

from projections.versions import Version
from resolvers.answer import Source
from resolvers.demand import AtLeast, Demand, Eventual, OnTimeout
from tests.laws.proof.history import History, Key, Listed, Operation, Shown
from tests.laws.proof.listings import why_gone
from tests.laws.proof.owners import Owners


@dataclass(frozen=True)
class Evidence:
    """A history and the truth about it."""

    history: History

    @cached_property
    def owners(self) -> Owners:
        return Owners(self.history.commits)

    @cached_property
    def tells_places(self) -> bool:
        """Does the history tell where in which log its commits stand?"""
        return any(commit.told for commit in self.history.commits)

    def is_broken_by(
        self, operation: Operation, part: Shown | Listed, key: Key, owed: Version
    ) -> bool:
        """Is this part older than the version that it owes of the aggregate, without saying so?"""
        return not self.is_owned_up(operation, part) and self.is_behind(operation, part, key, owed)

    def is_owned_up(self, operation: Operation, part: Shown | Listed) -> bool:
        """Might this part be older than it ought to be, and does the answer say that it may be?

        Either the client allowed it, or the owner itself was asked and answered from behind.
        """
        if operation.answer is None or operation.answer.is_satisfied:
            return False
        if may_be_stale(operation):
            return True
        return self.history.owners_may_lag and part.source is Source.LIVE

    def is_behind(
        self, operation: Operation, part: Shown | Listed, key: Key, owed: Version
    ) -> bool:
        """Is this part older than that version of the aggregate?

        Of one that a restored service has lost only what it kept is owed. An absence is newer if a
        deletion explains it, and from a page also by a commit that took the order off it.
        """
        by_s = operation.returned_at_s
        kept = self.owners.surviving(key, owed, by_s)
        if kept is None:
            return False
        if isinstance(part, Listed):
            return why_gone(key, kept, self.owners, by_s, page=part) is None
        if part.version is not None:
            return part.version < kept
        return part.is_absent and why_gone(key, kept, self.owners, by_s) is None


def may_be_stale(operation: Operation) -> bool:
    """Did the client allow an answer that is older than its tokens?"""
    return Demand(operation.mode).on_timeout is OnTimeout.STALE


def may_be_stood_in(operation: Operation) -> bool:
    """May something at hand be shown to the client where an owner fails?"""
    is_refusal_wanted = Demand(operation.mode).on_timeout is OnTimeout.ERROR
    return isinstance(operation.mode, AtLeast | Eventual) and not is_refusal_wanted
