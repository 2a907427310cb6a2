"""Causal dependencies as orders carry them: what their writers had seen of customers and products.

On the wire each is ``customer:c-1@1.3``: type, id, epoch and number. What cannot be read is refused
and never left out, because a promise would be left out with it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from projections.versions import AggregateKey, AggregateType, Version
from projections.views.aggregate import ID_PATTERN

MAX_CAUSAL_DEPS: Final = 51
"""The customer, and the products of the longest order."""

_NUMBER_LIMIT: Final = 2**53
_ID: Final = ID_PATTERN.removeprefix("^").removesuffix(r"\Z")
_dep = re.compile(rf"(customer|product):({_ID})@(0|[1-9][0-9]{{0,15}})\.([1-9][0-9]{{0,15}})")


def parse_causal_deps(deps: Iterable[str]) -> dict[AggregateKey, Version]:
    """Read each dependency, of each aggregate the greatest version. Raises `ValueError`.

    >>> parse_causal_deps(["product:p-7@1.9"])
    {AggregateKey(type=<AggregateType.PRODUCT: 'product'>, id='p-7'): Version(epoch=1, number=9)}
    """
    versions: dict[AggregateKey, Version] = {}
    for dep in deps:
        key, at = _parse(dep)
        versions[key] = max(at, versions.get(key, at))
    return versions


def render_causal_deps(versions: Mapping[AggregateKey, Version]) -> tuple[str, ...]:
    """Spell these as on the wire, sorted as text.

    >>> render_causal_deps({AggregateKey(AggregateType.CUSTOMER, "c-1"): Version(1, 3)})
    ('customer:c-1@1.3',)
    """
    return tuple(sorted(f"{key}@{at}" for key, at in versions.items()))


def _parse(dep: str) -> tuple[AggregateKey, Version]:
    match = _dep.fullmatch(dep)
    if match is None:
        raise ValueError(f"not a causal dependency: {dep[:64]!r}")
    at = Version(int(match[3]), int(match[4]))
    if max(at.epoch, at.number) >= _NUMBER_LIMIT:
        raise ValueError(f"no version is as great as {at}")
    return AggregateKey(AggregateType(match[1]), match[2]), at
