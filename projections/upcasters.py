"""Old event versions become new ones on read: a pure chain (type, n) → n + 1.

The rule: a published event is never edited, so every version ever published stays readable. Each
step has a golden file in `tests/projections/golden/`. All types are at version 1 today, so the
chain holds no step; a version from the future is refused (`LookupError`), never guessed at.
"""

from collections.abc import Callable

from msgspec import Raw

from projections.versions import AggregateType

Upcaster = Callable[[Raw], Raw]

CURRENT_VERSIONS: dict[AggregateType, int] = dict.fromkeys(AggregateType, 1)
STEPS: dict[tuple[AggregateType, int], Upcaster] = {}


def upcast(aggregate_type: AggregateType, schema_version: int, state: Raw) -> Raw:
    """Bring ``state`` to the version the row structs read. Raises `LookupError` if no step does."""
    current = CURRENT_VERSIONS[aggregate_type]
    if schema_version > current:
        message = f"schema version {schema_version} is newer than {current}"
        raise LookupError(message)
    for version in range(schema_version, current):
        state = STEPS[aggregate_type, version](state)
    return state
