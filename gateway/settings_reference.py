"""The settings as people read them: `bff settings`, and the table in `docs/settings.md`."""

from collections.abc import Iterator
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import HttpUrl, RedisDsn, SecretStr
from pydantic.fields import FieldInfo

from gateway.numbers_reference import render_numbers
from gateway.settings import Settings, unit_of, variable_name

MASK = "********"

HEADING = """# Settings

Every setting is an environment variable. A name with our prefix that does not exist stops the
start. This page is what `bff settings --markdown` prints.

| name | default | unit | range | meaning |
| --- | --- | --- | --- | --- |
"""


def render_reference() -> str:
    """The page `docs/settings.md`."""
    rows = "".join(
        f"| `{variable_name(name)}` | {_default(field)} | {unit_of(field)} | {_range(field)} "
        f"| {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return HEADING + rows + render_numbers()


def rows_of(given: Settings) -> Iterator[tuple[str, str, str]]:
    """By setting: its name, its value now (secrets masked), and all there is to know of it."""
    for name, field in Settings.model_fields.items():
        about = [f"default {_default(field)}", _range(field), unit_of(field)]
        told = ", ".join(part for part in about if part)
        yield variable_name(name), _shown(getattr(given, name)), f"{field.description} ({told})"


def _shown(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case SecretStr():
            return MASK
        case HttpUrl(password=str(password)) | RedisDsn(password=str(password)):
            return str(value).replace(f":{password}@", f":{MASK}@")
        case _:
            return str(value)


def _default(field: FieldInfo) -> str:
    return _shown(field.default)


def _range(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return " or ".join(str(value) for value in get_args(field.annotation))
    if field.annotation is bool:
        return "true or false"
    bounds = {type(limit): limit for limit in field.metadata}
    lowest, highest = bounds.get(Ge), bounds.get(Le)
    if isinstance(lowest, Ge) and isinstance(highest, Le):
        return f"{lowest.ge} to {highest.le}"
    return ""
