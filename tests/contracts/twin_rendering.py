"""How a twin puts rows and refusals on the wire: the spelling of the contract, to the letter."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import msgspec

from projections.views import Row

TITLES: Mapping[str, str] = {
    "idempotency-key-reused": "The idempotency key belongs to another request",
    "method-not-allowed": "The resource has no such method",
    "not-found": "There is no such resource",
    "too-late-to-cancel": "The order can no longer be cancelled",
    "unknown-customer": "There is no such customer",
    "unknown-product": "There is no such product",
    "version-behind": "This service has not reached the demanded version",
    "version-conflict": "The resource has another version by now",
}


class Problem(Exception):
    """A refusal: one of the codes above, and the members that the contract adds to it."""

    def __init__(self, status: int, code: str, **members: str | int) -> None:
        super().__init__(code)
        self.status = status
        self.members: Mapping[str, str | int] = {
            "type": f"urn:problem:{code}",
            "title": TITLES[code],
            "status": status,
            "detail": TITLES[code],
            "code": code,
            **members,
        }

    def answer(self) -> httpx.Response:
        headers = {"Content-Type": "application/problem+json"}
        return httpx.Response(self.status, json=dict(self.members), headers=headers)


def rendered(answer: object, status: int = 200) -> httpx.Response:
    """Answer any JSON, money with two places and times with milliseconds."""
    return httpx.Response(status, json=wire_of(answer))


def rendered_row(row: Row, status: int = 200) -> httpx.Response:
    """Answer a row, with its version as `ETag`."""
    return httpx.Response(status, json=wire_of(row), headers={"ETag": f'"{row.version}"'})


def wire_of(value: object) -> object:
    match value:
        case Decimal():
            return f"{value:.2f}"
        case datetime():
            return render_time(value)
        case msgspec.Struct():
            return wire_of(msgspec.to_builtins(value, builtin_types=(Decimal, datetime)))
        case dict():
            return {name: wire_of(part) for name, part in value.items()}
        case list() | tuple():
            return [wire_of(part) for part in value]
        case _:
            return value


def render_time(at: datetime) -> str:
    """Spell a time as services do: UTC, milliseconds always, microseconds only if it has some."""
    timespec = "milliseconds" if at.microsecond % 1000 == 0 else "microseconds"
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec)}Z"
