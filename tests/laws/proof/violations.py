"""What a checker finds: which law was broken, told so that a person can see it happen."""

from dataclasses import dataclass
from enum import StrEnum

from projections.versions import Version
from tests.laws.proof.history import Listed, Operation, Shown


class Law(StrEnum):
    """The promises that a history can break."""

    READ_YOUR_WRITES = "read your writes"
    MONOTONIC_READS = "monotonic reads"
    PAGES_GO_ON = "a page is never older than the one before"
    MONOTONIC_WRITES = "monotonic writes"
    WRITES_FOLLOW_READS = "writes follow reads"
    NO_FABRICATION = "nothing is fabricated"
    ONE_CUT = "one answer is one world"
    LISTS = "a list is a list"
    TRUTH = "the answer tells the truth"
    NO_SECRET_STALENESS = "nothing is older than demanded"
    FRESHNESS = "nothing is older than it says"
    CONVERGENCE = "the projection becomes what its owners say"
    LIVENESS = "nobody waits for ever"
    TOKEN = "the token keeps every promise"
    TOKEN_SIZE = "the token is small"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise; ``number`` is that of the operation that shows it, where there is one."""

    law: Law
    story: str
    number: int | None = None

    def __str__(self) -> str:
        return f"{self.law}: {self.story}"


def broken(law: Law, operation: Operation, story: str) -> Violation:
    """The violation, told of this operation."""
    return Violation(law, f"{name_of(operation)} {story}", operation.number)


def name_of(operation: Operation) -> str:
    """Who did it and where: ``session s-1 (operation 7 at gateway a)``."""
    return f"session {operation.session} (operation {operation.number} at {operation.gateway})"


def shown_as(part: Shown | Listed) -> str:
    """What was seen of a component, or of a page, and where that came from."""
    came_from = f"{part.source.value}, {part.reason.value}"
    if isinstance(part, Listed):
        return f"the {part.status or 'whole'} list of {part.customer_id} ({came_from})"
    if part.is_absent:
        return f"no {part.key} ({came_from})"
    return f"{part.key} at {version_text(part.version)} ({came_from})"


def version_text(at: Version | None) -> str:
    """The version as people write it."""
    return "no version" if at is None else str(at)
