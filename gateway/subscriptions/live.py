"""All parts of live updates, wired: made with the gateway, opened and closed with it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from gateway.entry import Entry
from gateway.execution.standing import StandingQueries
from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import LiveCounts
from gateway.subscriptions.connections import Connections
from gateway.subscriptions.following import FollowingDesk
from gateway.subscriptions.hub import Hub
from gateway.subscriptions.looks import Looks
from gateway.subscriptions.operating import LiveOperations
from gateway.subscriptions.sockets import LiveSockets
from gateway.subscriptions.streams import EventStreams
from projections.store import Store
from resolvers.read_model import ReadModel


class Live:
    """Sockets and event streams of one gateway. Without ``model`` nothing can be followed."""

    def __init__(
        self,
        entry: Entry,
        standing: StandingQueries,
        options: LiveOptions,
        store: Store,
        model: ReadModel | None,
    ) -> None:
        operations = entry.operations
        self.counts = counts = LiveCounts()
        self.connections = Connections(options, counts)
        self._hub = None if model is None else Hub(store, options, counts)
        self._looks = None if model is None else Looks(operations, model, options)
        desk = FollowingDesk(operations, standing, self._hub, self._looks)
        self._live = LiveOperations(entry, desk)
        shared = (self._live, self.connections, options, counts)
        self.sockets = LiveSockets(*shared)
        self.streams = EventStreams(*shared)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hear of changes while the context is open; whoever is still connected then must go."""
        async with AsyncExitStack() as stack:
            if self._hub is not None and self._looks is not None:
                await stack.enter_async_context(self._looks.open())
                await stack.enter_async_context(self._hub.open())
            await stack.enter_async_context(self._live.open())
            try:
                yield
            finally:
                self.connections.end_all()
