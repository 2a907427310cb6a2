"""The REST border, inwards: ids, headers and bodies become values, or a problem naming them.

The rule: whatever bytes arrive, a parser here answers a value or raises ProblemError; so bad input
is never a 500. Bodies are parsed by pydantic's own JSON reader, which refuses broken UTF-8, lone
surrogates and bottomless nesting without a stack of ours. Every dependency is a coroutine, because
FastAPI would run a plain function in a thread.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, TypeVar

from fastapi import Depends, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError

from upstream_stubs.causality import CausalDeps, parse_causal_deps
from upstream_stubs.problems import invalid, invalid_by
from upstream_stubs.resources import ID_PATTERN, Shape

BATCH_ID_COUNT: Final = 100
WHOLE_ID: Final = re.compile(ID_PATTERN.strip("^$"))
VERSION_PATTERN: Final = re.compile(r"[0-9]{1,15}")
IF_MATCH_PATTERN: Final = re.compile(r'"([0-9]{1,15})"')
IDEMPOTENCY_KEY_PATTERN: Final = re.compile(r"[\x21-\x7e]{1,255}")

B = TypeVar("B", bound=BaseModel)


class Body(Shape):
    """A request body: strict types (a number is not a string), unknown fields refused."""

    model_config = ConfigDict(strict=True)

    def render(self) -> str:
        """What the client sent, in one canonical spelling."""
        return self.model_dump_json(exclude_unset=True)

    def changes(self) -> dict[str, object]:
        """The fields that the client sent; an absent field is not a change."""
        return {name: getattr(self, name) for name in sorted(self.model_fields_set)}


def refuse_nul(text: str) -> str:
    """Text that any database can keep."""
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


NO_NUL: Final = AfterValidator(refuse_nul)
"""The last word on a text: it has to see it after every other rule."""

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), NO_NUL
]
"""What people call a customer or a product."""


def body_of(shape: type[B]) -> Callable[[Request], Awaitable[B]]:
    """A dependency that reads the request's JSON body as ``shape``."""

    async def read_body(request: Request) -> B:
        try:
            return shape.model_validate_json(await request.body())
        except ValidationError as error:
            raise invalid_by(error, root="body") from error

    return read_body


def refuse_malformed_id(field: str, id_: str) -> None:
    """Raise when no resource can have this id."""
    if not WHOLE_ID.fullmatch(id_):
        raise invalid(field, f"not an id: {id_[:64]!r}")


async def path_id(request: Request) -> str:
    """The id in the request's path."""
    id_: str = request.path_params["id"]
    refuse_malformed_id("id", id_)
    return id_


async def parse_ids(ids: Annotated[str, Query()]) -> list[str]:
    """The ids of a batch read, each once, in the order asked."""
    asked = list(dict.fromkeys(ids.split(",")))
    if len(asked) > BATCH_ID_COUNT:
        raise invalid("ids", f"at most {BATCH_ID_COUNT} ids in one batch")
    for id_ in asked:
        refuse_malformed_id("ids", id_)
    return asked


async def demanded_version(request: Request) -> int:
    """The least version that the answer must show (``Min-Version``); 0 demands nothing."""
    header = request.headers.get("Min-Version")
    if header is None:
        return 0
    if not VERSION_PATTERN.fullmatch(header):
        raise invalid("Min-Version", "must be a version, such as 3")
    return int(header)


async def expected_version(request: Request) -> int | None:
    """The version that the client means to change (``If-Match``), None when any will do."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    match = IF_MATCH_PATTERN.fullmatch(header)
    if match is None:
        raise invalid("If-Match", 'must be one quoted version, such as "3"')
    return int(match[1])


async def causal_deps(request: Request) -> CausalDeps:
    """What the writer had seen (``X-Causal-Deps``), of each aggregate the greatest version."""
    lines = request.headers.getlist("X-Causal-Deps")
    if not lines:
        return {}
    try:
        return parse_causal_deps(",".join(lines))
    except ValueError as error:
        raise invalid("X-Causal-Deps", str(error)) from error


async def idempotency_key(request: Request) -> str | None:
    """The client's name for this attempt, None when she gave none."""
    header = request.headers.get("Idempotency-Key")
    if header is not None and not IDEMPOTENCY_KEY_PATTERN.fullmatch(header):
        raise invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters")
    return header


async def required_idempotency_key(request: Request) -> str:
    """The client's name for this attempt, without which a repeat could not be told from a wish."""
    key = await idempotency_key(request)
    if key is None:
        raise invalid("Idempotency-Key", "this header is required")
    return key


PathId = Annotated[str, Depends(path_id)]
BatchIds = Annotated[list[str], Depends(parse_ids)]
DemandedVersion = Annotated[int, Depends(demanded_version)]
ExpectedVersion = Annotated[int | None, Depends(expected_version)]
WriterSaw = Annotated[CausalDeps, Depends(causal_deps)]
IdempotencyKey = Annotated[str | None, Depends(idempotency_key)]
RequiredIdempotencyKey = Annotated[str, Depends(required_idempotency_key)]
