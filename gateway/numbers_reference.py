"""The numbers that are no settings, as people read them: value, default, unit, range and reason.

The rule: nothing is said twice. A number, its range and its reason stand in its options class
alone; they are read from there, the reason from the words below it.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from gateway.garbage import GarbageOptions
from gateway.settings import Settings
from gateway.workers.options import RestartOptions
from resolvers.guess_budget import GuessOptions
from resolvers.upstream.ranges import ranges_of

UNITS = {
    "_s": "s",
    "_bytes": "bytes",
    "_ratio": "ratio",
    "_weight": "ratio",
    "_factor": "times",
    "_count": "count",
    "_limit": "count",
}
"""The unit that a name ends with."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number, or switch. ``name`` tells where it lives: ``upstream.breaker.window_s``."""

    name: str
    value: str
    default: str
    unit: str
    range: str
    reason: str


HEADING = """
## Numbers that are no settings

Nothing outside changes these; they are told so that nobody has to guess. Those that follow from
settings stand here as they are by default.

| name | value | unit | range | meaning |
| --- | --- | --- | --- | --- |
"""


def render_numbers() -> str:
    """Their part of the page `docs/settings.md`."""
    rows = (
        f"| `{of.name}` | {of.value} | {of.unit} | {of.range} | {of.reason} |\n"
        for of in numbers_of(Settings())
    )
    return HEADING + "".join(rows)


def rows_of_numbers(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """By number: its name, its value now, and all there is to know of it."""
    for of in numbers_of(settings):
        told = ", ".join(part for part in (f"default {of.default}", of.range, of.unit) if part)
        yield of.name, of.value, f"{of.reason} ({told})"


def numbers_of(settings: Settings) -> Iterator[Number]:
    """All of them, as they are with these settings."""
    a_service = next(iter(settings.service_urls.values()))
    rooms = {
        "admission": settings.admission_options(),
        "connections": settings.connection_options(),
        "documents": settings.document_options(),
        "batch": settings.batch_options(),
        "compression": settings.compression_options(),
        "upstream": settings.upstream_options(a_service),
        "sharing": settings.sharing_options(),
        "reads": settings.read_options(),
        "guesses": GuessOptions(),
        "garbage": GarbageOptions(),
        "clients": settings.client_limits().budgets.options,
        "workers": RestartOptions(),
    }
    for room, options in rooms.items():
        yield from _numbers_in(room, options)


@cache
def reasons_of(options: type) -> Mapping[str, str]:
    """The words below each field of a class."""
    source = ast.parse(inspect.getsource(options))
    return {
        field.target.id: " ".join(words.split())
        for told in source.body
        if isinstance(told, ast.ClassDef)
        for field, below in pairwise(told.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(words := below.value.value, str)
    }


def unit_of_name(name: str) -> str:
    """The unit that a name tells; what is called ``calls_per_retry`` is a count of calls."""
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "count")


def _numbers_in(room: str, options: Any) -> Iterator[Number]:
    for field in fields(options):
        value, name = getattr(options, field.name), f"{room}.{field.name}"
        if is_dataclass(value):
            yield from _numbers_in(name, value)
        elif isinstance(value, bool | int | float):
            yield _number(name, value, field, type(options))


def _number(name: str, value: float, field: Field[Any], options: type) -> Number:
    is_switch = isinstance(value, bool)
    return Number(
        name=name,
        value=_told(value),
        default="-" if field.default is MISSING else _told(field.default),
        unit="" if is_switch else unit_of_name(field.name),
        range="true or false" if is_switch else str(ranges_of(options).get(field.name, "")),
        reason=reasons_of(options).get(field.name, ""),
    )


def _told(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:.12g}"
