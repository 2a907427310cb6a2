"""`extensions.consistency`: what the report of an operation looks like to a client."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, Self

import orjson
from msgspec import Struct

from gateway.errors import UPSTREAM_CODES, Json, missing_as_json
from projections.versions import AggregateKey, AggregateType
from resolvers.report import ConsistencyReport, Shown

AGE: Final = "ageMs"

_TO_BE_TOLD: Final = -987_654_321
_AGE_TO_BE_TOLD: Final = f'"{AGE}":{_TO_BE_TOLD}'.encode()


class ReadyConsistency(Struct, frozen=True):
    """The extension of an answer that shows rows of current sources and nothing else.

    It lacks what depends on the moment: the token, and the age of the source of each that is shown,
    whose types are ``types``.
    """

    components: bytes
    types: tuple[AggregateType, ...]

    @classmethod
    def of(cls, shown: Sequence[Shown], omitted_count: int = 0) -> Self:
        """Of an answer that shows these, and so many more, and demanded no more than it shows."""
        rendered = [render_component(one) for one in shown]
        for component in rendered:
            component[AGE] = _TO_BE_TOLD
        text = orjson.dumps(rendered).replace(b"%", b"%%")
        components = text.replace(_AGE_TO_BE_TOLD, b'"ageMs":%d')
        if omitted_count:
            components += b',"componentsOmitted":%d' % omitted_count
        return cls(components, tuple(one.aggregate_type for one in shown))

    def at(self, token: str, ages_s: dict[AggregateType, float]) -> bytes:
        """The whole, with this token, where the sources are so old (s)."""
        ages_ms = {of: round(age_s * 1000) for of, age_s in ages_s.items()}
        return b'{"token":"%b","satisfied":true,"waitedMs":0,"missing":[],"components":%b}' % (
            token.encode(),
            self.components % tuple([ages_ms[of] for of in self.types]),
        )


def render_consistency(report: ConsistencyReport, token: str | None, *, expired_count: int) -> Json:
    """The extension of one answer; ``token`` is the sealed joined token."""
    rendered: Json = {
        "token": token,
        "satisfied": report.is_satisfied,
        "waitedMs": _ms(report.waited_s),
    }
    if report.waits:
        counts = Counter(report.waits)
        rendered["waits"] = {end.value: counts[end] for end in sorted(counts)}
    rendered["missing"] = missing_as_json(report.missing)
    rendered["components"] = [render_component(shown) for shown in report.shown]
    if report.omitted_count:
        rendered["componentsOmitted"] = report.omitted_count
    if expired_count:
        rendered["expiredTokens"] = expired_count
    return rendered


def render_component(shown: Shown) -> Json:
    """One component as the client is told of it."""
    key, provenance = shown.key, shown.provenance
    rendered: Json = {
        "path": shown.path,
        "id": key.id if isinstance(key, AggregateKey) else None,
        "source": provenance.source,
        "version": None if shown.version is None else shown.version.number,
        AGE: _ms(provenance.age_s),
        "reason": provenance.reason,
    }
    if (failure := provenance.instead_of) is not None:
        rendered["insteadOf"] = UPSTREAM_CODES[type(failure)].value
    return rendered


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
