"""The token that is handed out: it demands all that was sent, written and shown.

A bound may go only where one as strong stays: an entry in a floor of the log that brought it, or in
a mark for a later second than its commit; a floor or a mark in a floor of a world that was proven
current after it. Over real processes nobody tells where in its log a version stands, so there any
floor of its type will do.
"""

from collections.abc import Iterator

from projections.token import ConsistencyToken, is_proven, outlives
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Source
from tests.truth.cases import Case, Part
from tests.truth.shapes import Field, value_of


def expired_are_counted(case: Case) -> Iterator[str]:
    """That tokens demanded nothing any more is told."""
    told, true = case.claim.expired_count, case.sent.expired_count
    if bool(told) != bool(true):
        yield f"counts {told} expired tokens of {true}"


def sent_is_kept(case: Case) -> Iterator[str]:
    """Entries, marks, floors and uncertain writes of the sent tokens are demanded again."""
    sent, got = case.joined, case.got
    for key, at in sent.entries.items():
        if not (_covers(case, key, at) or _is_refuted(case, key)):
            yield f"hands out a token without {key} at {at}, which was sent"
    for of, second in sent.marks.items():
        if got.marks.get(of, 0) < second and not _is_outlived(case, of, second):
            yield f"hands out a token without the mark of {of}s at {second}"
    for log, seen in sent.floor.items():
        kept = got.floor.get(log)
        is_marked = got.marks.get(log.type, 0) >= outlives(seen)
        is_moved = is_marked or _is_outlived(case, log.type, outlives(seen))
        if (kept is None or kept.offset < seen.offset) and not is_moved:
            yield f"hands out a token without the floor of {log} at {seen.offset}"
    for key in sent.uncertain - got.uncertain:
        if not (_is_told_live(case, key) or key.type in got.marks):
            yield f"hands out a token that calls {key} certain, of which no owner told"


def shown_is_kept(case: Case) -> Iterator[str]:
    """Everything that was shown is demanded, be it that there is nothing."""
    for part in case.parts:
        if part.at is not None and not _covers(case, part.key, part.at):
            yield f"hands out a token without {part}, which it shows"
        if part.component.source is Source.LIVE and part.component.number is None:
            yield from _lost_absence(case, part)


def _lost_absence(case: Case, part: Part) -> Iterator[str]:
    """Of what there had been until now, it is demanded that it is gone."""
    if case.happened is None or not case.happened.world.has_projection:
        return
    before, after = case.happened.glances
    known = before.version_of(part.key)
    if known is None or known != after.version_of(part.key):
        return
    stored = case.happened.world.stored(part.key, case.happened.stretch)
    if any(one is not None and one.row is None for one in stored):
        return
    if not _covers(case, part.key, known.successor):
        yield f"hands out a token that forgets that there is no {part.key} any more"


def written_is_kept(case: Case) -> Iterator[str]:
    """Every confirmed write is promised; one of which nothing is known is not forgotten."""
    for name, root in case.sent.document.roots.items():
        if not case.sent.document.is_mutation:
            return
        payload = case.claim.payloads.get(name) or {}
        yield from _broken_promises(case, name, root, payload)
        for error in case.errors_at(name):
            if error.extensions.get("outcome") == "UNKNOWN":
                yield from _forgotten(case, root)


def _broken_promises(
    case: Case, name: str, root: Field, payload: dict[str, object]
) -> Iterator[str]:
    fields = {field.name: payload.get(key) for key, field in root.below.items()}
    text = fields.get("consistencyToken")
    if text is None:
        is_shown = any(fields.get(of.value) is not None for of in AggregateType)
        if is_shown and "consistencyToken" in fields:
            yield f"shows what {name} has written, and promises nothing"
        return
    promise = case.open_text(str(text))
    if not isinstance(promise, ConsistencyToken) or len(promise.entries) != 1:
        yield f"promises nothing by the token of {name}"
        return
    [(key, at)] = promise.entries.items()
    if not _covers(case, key, at):
        yield f"hands out a token without {key} at {at}, which {name} has written"
    if case.happened is not None and not _was_written(case, key, at):
        yield f"promises {key} at {at}, which {name} has not written"


def _was_written(case: Case, key: AggregateKey, at: Version) -> bool:
    assert case.happened is not None
    words = case.happened.world.words_in(case.happened.stretch, shared=False)
    return any(
        word.is_unread or any(row.key == key and row.at == at for row in word.rows)
        for word in words
        if word.is_write
    )


def _forgotten(case: Case, root: Field) -> Iterator[str]:
    of = next(of for of in AggregateType if of.value in root.name.lower())
    given = value_of(root.arguments["input"], case.sent.variables) or {}
    key = AggregateKey(of, str(given.get("id")))
    is_remembered = key in case.got.uncertain or of in case.got.marks
    if not (is_remembered or _is_told_live(case, key)):
        yield f"hands out a token that forgets that nobody knows what became of {root.name}"


def _covers(case: Case, key: AggregateKey, at: Version) -> bool:
    """Does the token that was handed out hold its holder to this version?"""
    entry = case.got.entries.get(key)
    if entry is not None and entry >= at:
        return True
    marked = case.got.marks.get(key.type, 0)
    if case.happened is None:
        return bool(marked) or any(log.type is key.type for log in case.got.floor)
    if marked >= case.happened.world.wall_s(case.happened.stretch.began):
        return True
    return any(
        stands_at >= at and log in case.got.floor and case.got.floor[log].offset >= offset
        for stands_at, log, offset in case.happened.world.places.get(key, ())
    )


def _is_refuted(case: Case, key: AggregateKey) -> bool:
    return case.is_refuted(case.joined, key)


def _is_outlived(case: Case, of: AggregateType, second: int) -> bool:
    """Is a floor in its place, of a world proven current after it?"""
    if not any(log.type is of for log in case.got.floor):
        return False
    return case.happened is None or any(is_proven(g, of, second) for g in case.happened.glances)


def _is_told_live(case: Case, key: AggregateKey) -> bool:
    """Was its owner asked? A list asks for all orders that a token names, even if it fails then."""
    is_shown = any(part.key == key and part.component.source is Source.LIVE for part in case.parts)
    is_listed = key.type is AggregateType.ORDER and (bool(case.claim.pages) or _has_lost_list(case))
    return is_shown or is_listed or bool(case.claim.omitted_count)


def _has_lost_list(case: Case) -> bool:
    above = (error.path.rpartition(".")[0] for error in case.claim.errors)
    fields = map(case.sent.document.field_at, above)
    return any(field is not None and field.name == "orders" for field in fields)
