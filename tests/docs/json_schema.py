"""The part of JSON Schema that our AsyncAPI document uses, so that it can be tried on events.

A keyword it does not know is an error: a rule that nobody checks would only look like one.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

Json = Any

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "boolean": bool,
    "null": type(None),
}
_HOLDS: dict[str, Callable[[Json, Json], bool]] = {
    "type": lambda rule, value: any(isinstance(value, _TYPES[name]) for name in _listed(rule)),
    "required": lambda rule, value: isinstance(value, dict) and set(rule) <= value.keys(),
    "const": lambda rule, value: bool(value == rule),
    "enum": lambda rule, value: value in rule,
    "pattern": lambda rule, value: not isinstance(value, str) or bool(re.search(rule, value)),
    "minimum": lambda rule, value: value is None or value >= rule,
    "maxLength": lambda rule, value: value is None or len(value) <= rule,
    **dict.fromkeys(
        ("description", "examples", "title", "format", "default"), lambda _rule, _value: True
    ),
}


def problems(schema: Json, value: Json, document: Json, at: str = "$") -> Iterator[str]:
    """What of ``value`` does not fit ``schema``, a part of ``document``."""
    for keyword, rule in schema.items():
        if keyword == "oneOf":
            fitting = [part for part in rule if not list(problems(part, value, document, at))]
            if len(fitting) != 1:
                yield f"{at} fits {len(fitting)} of {len(rule)} shapes"
        elif keyword in _HOLDS:
            if not _HOLDS[keyword](rule, value):
                yield f"{at} is {value!r}: {keyword} {rule}"
        else:
            for part, below, name in _parts(keyword, rule, value, document):
                yield from problems(part, below, document, at + name)


def _parts(
    keyword: str, rule: Json, value: Json, document: Json
) -> Iterator[tuple[Json, Json, str]]:
    """The schemas below a keyword, each with the value it is about and that value's name."""
    match keyword:
        case "$ref":
            yield _resolve(rule, document), value, ""
        case "allOf":
            yield from ((part, value, "") for part in rule)
        case "properties":
            known = (name for name in rule if isinstance(value, dict) and name in value)
            yield from ((rule[name], value[name], f".{name}") for name in known)
        case "items":
            yield from ((rule, item, f".{index}") for index, item in enumerate(value))
        case _:
            raise AssertionError(f"unknown keyword {keyword}")


def names(schema: Json, document: Json) -> set[str]:
    """Every property that the schema names for an object, those of its parts included."""
    below = [_resolve(schema["$ref"], document)] if "$ref" in schema else schema.get("allOf", [])
    return {*schema.get("properties", {}), *(n for part in below for n in names(part, document))}


def _listed(rule: Json) -> list[str]:
    return [rule] if isinstance(rule, str) else rule


def _resolve(reference: str, document: Json) -> Json:
    found = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found
