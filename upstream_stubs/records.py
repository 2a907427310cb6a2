"""What every service offers of its aggregates: read one, read a batch, change one.

The rule: a change that changes nothing commits nothing and answers the present version; any other
change commits exactly one version and one event.
"""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from fastapi import Response

from upstream_stubs.idempotency import Answer, AnswerBook, Attempt
from upstream_stubs.outbox import Outbox
from upstream_stubs.problems import ProblemError, Refusal
from upstream_stubs.resources import Resource

JSON: Final = "application/json"

R = TypeVar("R", bound=Resource)


def refuse_stale(resource: Resource, expected: int | None) -> None:
    """Raise unless the client means to change the present version (None: whichever it is)."""
    if expected is not None and expected != resource.version:
        raise ProblemError(
            Refusal.VERSION_CONFLICT,
            f"{resource.id} is at version {resource.version}, not {expected}",
            field="If-Match",
            current_version=resource.version,
        )


def refuse_behind(resource: Resource, demanded: int) -> None:
    """Raise when this service has not reached the version that the reader has already seen."""
    if resource.version < demanded:
        raise ProblemError(
            Refusal.VERSION_BEHIND,
            f"{resource.id} is at version {resource.version} here, before {demanded}",
            current_version=resource.version,
        )


class Records(Generic[R]):
    """One service's aggregates as its REST resources."""

    def __init__(self, outbox: Outbox[R], answers: AnswerBook) -> None:
        self._outbox = outbox
        self._answers = answers

    def read(self, id_: str, demanded: int) -> Response:
        """The resource at ``demanded`` or later."""
        resource = self._existing(id_)
        refuse_behind(resource, demanded)
        return Answer(200, resource.version, resource.render()).render()

    def read_batch(self, ids: Sequence[str]) -> Response:
        """``{"items": […]}`` in the order asked, unknown ids left out."""
        items = ",".join(self._outbox.read_json(ids))
        return Response(f'{{"items":[{items}]}}', media_type=JSON)

    def change(
        self,
        id_: str,
        attempt: Attempt,
        *,
        expected: int | None,
        event_type: str,
        change: Callable[[R], R],
    ) -> Response:
        """The resource after ``change``, which is a function of the present state.

        Runs in one transaction, and at most once for each idempotency key.
        """

        def act() -> Answer:
            present = self._existing(id_)
            refuse_stale(present, expected)
            reached = self._commit(present, change(present), event_type)
            return Answer(200, reached.version, reached.render())

        return self._answers.once(attempt, act).render()

    def _existing(self, id_: str) -> R:
        resource = self._outbox.read(id_)
        if resource is None:
            raise ProblemError(Refusal.NOT_FOUND, f"nothing here has the id {id_}", field="id")
        return resource

    def _commit(self, present: R, changed: R, event_type: str) -> R:
        if changed == present:
            return present
        version, epoch = present.version + 1, self._outbox.database.epoch
        reached = changed.model_copy(update={"version": version, "epoch": epoch})
        self._outbox.commit(reached, event_type)
        return reached
