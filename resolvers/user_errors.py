"""What the user can mend: refusals of an owning service, and input no service need be asked about.

Anything else (an outage, a timeout) is an error of the operation, never a user error.
"""

from enum import Enum, unique

import strawberry

from resolvers.upstream.errors import Rejected


@strawberry.enum(description="What is wrong with the input of a mutation.")
@unique
class UserErrorCode(Enum):
    INVALID_INPUT = "INVALID_INPUT"
    NOT_FOUND = "NOT_FOUND"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    TOO_LATE_TO_CANCEL = "TOO_LATE_TO_CANCEL"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    REJECTED = "REJECTED"


CODES = {
    "invalid-request": UserErrorCode.INVALID_INPUT,
    "not-found": UserErrorCode.NOT_FOUND,
    "unknown-customer": UserErrorCode.UNKNOWN_CUSTOMER,
    "unknown-product": UserErrorCode.UNKNOWN_PRODUCT,
    "version-conflict": UserErrorCode.VERSION_CONFLICT,
    "too-late-to-cancel": UserErrorCode.TOO_LATE_TO_CANCEL,
    "idempotency-key-reused": UserErrorCode.IDEMPOTENCY_KEY_REUSED,
}
"""Problem code of the REST contract → code for the user; any other refusal is `REJECTED`."""

MESSAGES = {
    UserErrorCode.INVALID_INPUT: "This value is not accepted.",
    UserErrorCode.NOT_FOUND: "There is nothing with this id.",
    UserErrorCode.UNKNOWN_CUSTOMER: "There is no such customer.",
    UserErrorCode.UNKNOWN_PRODUCT: "There is no such product.",
    UserErrorCode.VERSION_CONFLICT: "It was changed meanwhile: read it again, then decide.",
    UserErrorCode.TOO_LATE_TO_CANCEL: "It is too late to cancel this order.",
    UserErrorCode.IDEMPOTENCY_KEY_REUSED: "This key was used with another input: take a new one.",
    UserErrorCode.REJECTED: "The service refused this change.",
}

FIELDS = {
    UserErrorCode.NOT_FOUND: ("id",),
    UserErrorCode.VERSION_CONFLICT: ("expectedVersion",),
    UserErrorCode.TOO_LATE_TO_CANCEL: ("id",),
    UserErrorCode.IDEMPOTENCY_KEY_REUSED: ("idempotencyKey",),
}
"""The input to blame where the service means the id in its path, or a header of ours."""


@strawberry.type(description="Something the user can mend. Nothing was written.")
class UserError:
    code: UserErrorCode
    message: str
    field: list[str] | None = strawberry.field(
        description="Path from the mutation's arguments, as in input.items.0.quantity."
    )
    current_version: int | None = strawberry.field(
        default=None, description="With VERSION_CONFLICT: the version there is now, if known."
    )


def user_error(code: UserErrorCode, *field: str, message: str | None = None) -> UserError:
    """A user error about ``input.<field>``, in the standing words for its code."""
    path = ["input", *field] if field else None
    return UserError(code=code, message=message or MESSAGES[code], field=path)


def from_rejection(rejected: Rejected) -> UserError:
    """The service's refusal in our words; of its own words only the field's name is passed on."""
    code = CODES.get(rejected.problem_code, UserErrorCode.REJECTED)
    told = rejected.field.split(".") if rejected.field else ()
    named = FIELDS.get(code) or told
    error = user_error(code, *named)
    error.current_version = rejected.current_version
    return error
