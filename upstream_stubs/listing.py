"""The list of orders: newest first, in pages.

The rule: orders are listed by (placedAt, id), both descending, and a page's cursor is
``<placedAt>_<id>`` of the last order seen. Its format is public, because a reader that holds a row
can make one; and since neither part ever changes, a page never repeats or skips an order that was
there when the first page was read.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from upstream_stubs.database import Database
from upstream_stubs.problems import ProblemError, invalid
from upstream_stubs.resources import ID_PATTERN, OrderStatus, render_time

INDEXES: Final = (
    "CREATE INDEX order_by_time ON state (json_extract(resource, '$.placedAt'), id)",
    (
        "CREATE INDEX order_by_customer ON state (json_extract(resource, '$.customerId'),"
        " json_extract(resource, '$.placedAt'), id)"
    ),
)

CURSOR_PATTERN: Final = re.compile(
    rf"([0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9:]{{8}}(?:\.[0-9]{{1,6}})?Z)_({ID_PATTERN.strip('^$')})"
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The last order of the page before: the next page begins after it."""

    placed_at: str
    id: str

    @property
    def cursor(self) -> str:
        return f"{self.placed_at}_{self.id}"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which orders are asked for; None asks for all."""

    customer_id: str | None
    status: OrderStatus | None
    after: Seen | None

    def conditions(self) -> dict[str, tuple[object, ...]]:
        """The SQL conditions that select these orders, each with its values."""
        found: dict[str, tuple[object, ...]] = {}
        if self.customer_id is not None:
            found["json_extract(resource, '$.customerId') = ?"] = (self.customer_id,)
        if self.status is not None:
            found["json_extract(resource, '$.status') = ?"] = (self.status.value,)
        if self.after is not None:
            place = "(json_extract(resource, '$.placedAt'), id) < (?, ?)"
            found[place] = (self.after.placed_at, self.after.id)
        return found


def parse_cursor(cursor: str) -> Seen:
    """The order that a cursor names, its time in our spelling. Raises ProblemError."""
    match = CURSOR_PATTERN.fullmatch(cursor)
    if match is None:
        raise malformed_cursor()
    try:
        placed_at = datetime.fromisoformat(match[1])
    except ValueError as error:
        raise malformed_cursor() from error
    return Seen(render_time(placed_at), match[2])


def malformed_cursor() -> ProblemError:
    """The problem of a cursor that nobody can have made from an order."""
    return invalid("cursor", "must be <placedAt>_<id> of the last order seen")


def read_page(database: Database, selection: Selection, order_count: int) -> str:
    """``{"items": […], "nextCursor": …}``; the cursor is null on the last page."""
    conditions = selection.conditions()
    where = " AND ".join(conditions) or "TRUE"
    values = [value for part in conditions.values() for value in part]
    sql = (
        "SELECT resource, json_extract(resource, '$.placedAt') AS placed_at, id"  # noqa: S608 - every part is a constant of this module
        f" FROM state WHERE {where} ORDER BY placed_at DESC, id DESC LIMIT ?"
    )
    # One more than asked for tells whether there is a next page.
    rows = database.rows(sql, *values, order_count + 1)
    page = rows[:order_count]
    items = ",".join(resource for resource, _, _ in page)
    has_more = len(rows) > order_count
    next_cursor = f'"{Seen(*page[-1][1:]).cursor}"' if has_more else "null"
    return f'{{"items":[{items}],"nextCursor":{next_cursor}}}'
