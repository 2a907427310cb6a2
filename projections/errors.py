"""What can go wrong on the event side.

ProjectionError
├── SourceError
│   ├── SourceUnavailable   the source did not answer: back off and ask again
│   │   └── TopicMissing    its topic is not there: create it
│   ├── SourceBroken        the source brought what no log may hold: stop, show it, ask again
│   │   └── PoisonFlood     too many events cannot be read: mend the reader rather than park them
│   ├── SourceRefused       the source does not let us in: nothing changes until somebody acts
│   └── CursorUnknown       the position belongs to another log: start this source anew
│       ├── LogReplaced     what lies at the position is not what was read there
│       ├── LogTruncated    the log ends before the position
│       └── LogExpired      the log begins after the position
├── StoreError
│   ├── StoreUnavailable    the store did not answer in time: back off, or do without it
│   ├── PositionMoved       the batch does not follow what is stored: read the position again
│   └── GenerationMissing   there is no such making of the rows: build it first
└── RebuildError
    ├── RebuildRunning      one at a time: try again when it has ended
    ├── LeaseLost           out of touch with the store for too long: nothing has changed
    └── OutOfReach          the logs do not lead as far as what serves: nothing has changed
"""

from projections.positions import Partition


class ProjectionError(Exception):
    """Something stopped a projection."""


class SourceError(ProjectionError):
    """Something is wrong with a source; ``source`` says which one."""

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(f"{source}: {reason}")
        self.source = source
        self.reason = reason


class SourceUnavailable(SourceError):
    """The source did not answer in time or at all. The consumer backs off and asks again."""


class TopicMissing(SourceUnavailable):
    """The source's topic is not there, or not to be seen by us. We make none: create it."""

    def __init__(self, source: str, topic: str) -> None:
        super().__init__(source, f"there is no topic {topic}, or we may not see it: create it")
        self.topic = topic


class SourceBroken(SourceError):
    """The source brought something that is no event. Nothing is applied or skipped."""


class PoisonFlood(SourceBroken):
    """So many events cannot be read that the reader must be at fault. Nothing is set aside."""


class SourceRefused(SourceError):
    """The source denies us access or speaks another protocol. Asking again changes nothing."""


class CursorUnknown(SourceError):
    """The source does not know our position: its log was made anew. The consumer starts it over."""


class LogReplaced(CursorUnknown):
    """Another record lies where the last one was read: the log was deleted and made again."""


class LogTruncated(CursorUnknown):
    """The log ends before our position: it was made again, or lost its last records."""


class LogExpired(CursorUnknown):
    """The log begins after our position: records were deleted before they were read."""


class StoreError(ProjectionError):
    """Something is wrong with the store of the read models."""


class StoreUnavailable(StoreError):
    """The store did not answer in time or at all. What was written may have arrived."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"store: {reason}")
        self.reason = reason


class PositionMoved(StoreError):
    """A batch does not follow what is stored; nothing was written. Read the position again."""

    def __init__(self, partition: Partition) -> None:
        super().__init__(f"{partition}: the position was moved by somebody else")
        self.partition = partition


class GenerationMissing(StoreError):
    """There is no such generation of a source: it was not built as far as needed, or is dropped."""

    def __init__(self, source: str) -> None:
        super().__init__(f"{source}: there is no such generation")
        self.source = source


class RebuildError(ProjectionError):
    """A rebuild cannot begin or go on. What serves is as it was."""


class RebuildRunning(RebuildError):
    """Somebody else holds the lease; one that died holds it for its remaining seconds."""

    def __init__(self, lease_s: float) -> None:
        super().__init__(
            f"another rebuild is running, or has died less than {lease_s:g} s ago: try again then"
        )


class LeaseLost(RebuildError):
    """The lease was not renewed in time. What was being built is dropped; nothing has changed."""

    def __init__(self) -> None:
        super().__init__("the rebuild lost touch with the store for too long and has stopped")


class OutOfReach(RebuildError):
    """What is built did not get as far as what serves; nothing has changed."""

    def __init__(self, timeout_s: float) -> None:
        super().__init__(f"the logs do not lead to where the projection stands ({timeout_s:g} s)")
