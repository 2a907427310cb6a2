"""Who comes to follow something: let in, or told why not; then shown one update after the other."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from gateway.caller import Caller
from gateway.errors import ErrorCode, RequestRefused
from gateway.execution.document import Document
from gateway.execution.standing import StandingQueries, refused
from gateway.operation import Operations
from gateway.request import GraphQLRequest
from gateway.subscriptions.follower import Follower
from gateway.subscriptions.hub import Hub
from gateway.subscriptions.looks import Looks, Update, Watch
from gateway.subscriptions.permission import require_may_follow
from projections.token import merge
from projections.versions import AggregateType
from resolvers.errors import ResolverError
from resolvers.query import check_id
from resolvers.tokens import TokenDesk


@dataclass(frozen=True, slots=True)
class Following:
    """One subscription that was let in: wait for news, then take what there is to show."""

    watch: Watch
    _looks: Looks

    async def wait(self) -> None:
        """Wait until there may be something to show."""
        await self.watch.follower.wait()

    async def next(self) -> Update | None:
        """The next update; None when there is none for now."""
        return await self._looks.next_of(self.watch)


class FollowingDesk:
    """Lets followers in. ``hub`` and ``looks`` are None where there is no projection."""

    def __init__(
        self,
        operations: Operations,
        standing: StandingQueries,
        hub: Hub | None,
        looks: Looks | None,
    ) -> None:
        self._operations = operations
        self._standing = standing
        self._hub = hub
        self._looks = looks

    @asynccontextmanager
    async def following(
        self,
        document: Document,
        request: GraphQLRequest,
        caller: Caller,
        last_event_ids: Sequence[str] = (),
    ) -> AsyncIterator[Following]:
        """Follow what a subscription asks for while the context is open.

        ``last_event_ids`` join its argument ``after``. Raises `RequestRefused`, or
        `DocumentRefused` for what is wrong with its variables.
        """
        if self._hub is None or self._looks is None:
            raise RequestRefused(
                HTTPStatus.NOT_IMPLEMENTED,
                ErrorCode.SUBSCRIPTIONS_OFF,
                "this gateway has no projection (BFF_EVENTS=none), so it hears of no changes",
            )
        try:
            watch = self._watch(document, request, caller, last_event_ids)
        except ResolverError as error:
            raise refused(error) from error
        with self._hub.following(watch.follower):
            yield Following(watch, self._looks)

    def _watch(
        self,
        document: Document,
        request: GraphQLRequest,
        caller: Caller,
        last_event_ids: Sequence[str],
    ) -> Watch:
        """What is asked, and from where on. Costs no I/O."""
        standing = self._standing.of(document, request.operation_name, request.variables)
        followed = standing.followed
        for name, value in (("id", followed.order_id), ("customerId", followed.customer_id)):
            if value is not None:
                check_id(name, value)
        require_may_follow(caller.viewer, followed.order_id, followed.customer_id)
        tokens = TokenDesk(self._operations.codec, caller.subject, self._operations.wall_clock)
        given = [] if followed.after is None else [followed.after]
        after = tokens.open_all([*given, *last_event_ids], "after")
        follower = Follower(followed.order_id, followed.customer_id)
        if followed.customer_id is not None and (given or last_event_ids):
            follower.scan_all()
        for key, at in after.entries.items():
            if key.type is AggregateType.ORDER:
                follower.tell(key.id, at)
        beside = tokens.open_all(caller.token_texts, "X-Consistency-Token")
        return Watch(standing, caller, follower, merge(after, beside))
