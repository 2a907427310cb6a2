"""A task group that lets go of everything at its end, also when it is cancelled.

In Python's own, until 3.13, a cancellation is raised out of a frame that holds it; and the group
holds its task, which holds the cancellation. Each is a circle which keeps all frames on its way,
the whole operation, for the garbage collector: for every client that leaves.
"""

import asyncio
from traceback import clear_frames
from types import TracebackType


class TaskGroup(asyncio.TaskGroup):
    """`asyncio.TaskGroup` for what is cancelled day by day: the parts of one operation."""

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Obey `asyncio.TaskGroup`; what is raised keeps its way, and nothing that lay on it."""
        try:
            await super().__aexit__(kind, error, trace)
        except BaseException as raised:
            clear_frames(raised.__traceback__)
            raise
        finally:
            self._parent_task = None
            del error, trace  # or this frame would hold the cancellation in its turn
