"""What can go wrong on the event side.

ProjectionError
├── SourceUnavailable   the source did not answer: back off and ask again
├── SourceBroken        the source answered what no feed may answer: stop, show it, ask again
└── CursorUnknown       the position belongs to another log: start this source anew
"""


class ProjectionError(Exception):
    """Something stopped a projection; ``source`` says which one."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SourceUnavailable(ProjectionError):
    """The source did not answer in time or at all. The consumer backs off and asks again."""


class SourceBroken(ProjectionError):
    """The source answered something that is not a feed. Nothing is applied or skipped."""


class CursorUnknown(ProjectionError):
    """The source does not know our position: its log was made anew. The consumer starts it over."""
