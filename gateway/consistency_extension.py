"""`extensions.consistency`: what the report of an operation looks like to a client."""

from gateway.errors import UPSTREAM_CODES, Json, missing_as_json
from projections.versions import AggregateKey
from resolvers.report import ConsistencyReport, Shown


def render_consistency(report: ConsistencyReport, token: str | None, *, expired_count: int) -> Json:
    """The extension of one answer; ``token`` is the sealed joined token."""
    rendered: Json = {
        "token": token,
        "satisfied": report.is_satisfied,
        "waitedMs": _ms(report.waited_s),
    }
    if report.waits:
        rendered["waits"] = {end.value: report.waits[end] for end in sorted(report.waits)}
    rendered["missing"] = missing_as_json(report.missing)
    rendered["components"] = [_component(shown) for shown in report.shown]
    if report.omitted_count:
        rendered["componentsOmitted"] = report.omitted_count
    if expired_count:
        rendered["expiredTokens"] = expired_count
    return rendered


def _component(shown: Shown) -> Json:
    rendered: Json = {
        "path": shown.path,
        "id": shown.key.id if isinstance(shown.key, AggregateKey) else None,
        "source": shown.provenance.source.value,
        "version": None if shown.version is None else shown.version.number,
        "ageMs": _ms(shown.provenance.age_s),
        "reason": shown.provenance.reason.value,
    }
    if (failure := shown.provenance.instead_of) is not None:
        rendered["insteadOf"] = UPSTREAM_CODES[type(failure)].value
    return rendered


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
