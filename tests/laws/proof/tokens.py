"""Tokens: an answer's token demands all that was sent, written and shown, and is small.

A bound may be dropped only for one as strong: an entry for the floor of a log that brought it, or
for a mark; a doubted entry if there is truly no such version. Where the history tells at what
offset of which log a commit stands, the floor is held to that; so an entry that the stream never
brought cannot pass for one that it did.
"""

from collections.abc import Iterator
from typing import Final

from projections.token import ConsistencyToken, outlives
from projections.versions import AggregateType, Version
from resolvers.answer import Source
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Key, Operation, Outcome
from tests.laws.proof.owners import is_lost
from tests.laws.proof.violations import Law, Violation, broken, shown_as

MAX_LENGTH: Final = 1024
LENGTHS: Final = {1: 64, 3: 128}
"""The longest text of a token of so many entries and nothing else."""
SHORT_ID: Final = 18
SMALL_EPOCH, SMALL_NUMBER = 2**7, 2**14


def tokens_keep_promises(evidence: Evidence) -> Iterator[Violation]:
    """The token of an answer demands what its operation sent, wrote and was shown."""
    for operation in evidence.history.operations:
        answer = operation.answer
        if answer is None or not (_has_token(answer) or _tells_anything(operation, answer)):
            continue
        for loss in (
            *_lost_entries(operation, answer, evidence),
            *_lost_bounds(operation, answer),
            *_lost_sights(operation, answer, evidence),
            *_lost_writes(operation, answer, evidence),
        ):
            yield broken(Law.TOKEN, operation, f"got a token that {loss}")


def tokens_are_small(evidence: Evidence) -> Iterator[Violation]:
    """One entry takes 64 characters, three take 128, and no token takes more than 1,024."""
    for operation in evidence.history.operations:
        if operation.answer is None or operation.answer.token_text is None:
            continue
        length, most = len(operation.answer.token_text), _longest(operation.answer.got)
        if length > most:
            story = f"got a token of {length} characters instead of {most}"
            yield broken(Law.TOKEN_SIZE, operation, story)


def _longest(token: ConsistencyToken) -> int:
    is_plain = not (token.marks or token.floor or token.doubts or token.uncertain)
    is_short = all(
        len(key.id) <= SHORT_ID and at.epoch < SMALL_EPOCH and at.number < SMALL_NUMBER
        for key, at in token.entries.items()
    )
    return LENGTHS.get(len(token.entries), MAX_LENGTH) if is_plain and is_short else MAX_LENGTH


def _has_token(answer: Answer) -> bool:
    return answer.token_text is not None or not answer.got.is_empty


def _tells_anything(operation: Operation, answer: Answer) -> bool:
    """Was there anything to put into a token? A request that is refused gets none."""
    is_written = any(write.outcome is Outcome.CONFIRMED for write in operation.writes)
    return is_written or bool(answer.parts)


def demands(token: ConsistencyToken, key: Key, at: Version, evidence: Evidence) -> bool:
    """Does the token hold its holder to this version, in one way or another?"""
    entry = token.entries.get(key)
    if entry is not None and entry >= at:
        return True
    commit = evidence.owners.commit(key, at)
    marked_s = token.marks.get(key.type)
    if marked_s is not None and (commit is None or marked_s >= commit.committed_at_s):
        return True
    if not evidence.tells_places:
        return any(log.type is key.type for log in token.floor)
    told = (c.told for c in evidence.owners.commits_of(key) if c.at >= at)
    return any(
        log in token.floor and token.floor[log].offset >= offset
        for offsets in told
        for log, offset in offsets.items()
    )


def _lost_entries(operation: Operation, answer: Answer, evidence: Evidence) -> Iterator[str]:
    for key, at in operation.sent.entries.items():
        if not demands(answer.got, key, at, evidence) and not _is_refuted(
            operation, key, at, evidence
        ):
            yield f"does not demand {key} at {at}, which it sent"


def _is_refuted(operation: Operation, key: Key, at: Version, evidence: Evidence) -> bool:
    """Was the entry in doubt, and is there truly no such version?"""
    made = [
        commit
        for commit in evidence.owners.commits_of(key)
        if commit.at >= at
        and commit.committed_at_s <= operation.invoked_at_s
        and not is_lost(commit, operation.returned_at_s)
    ]
    return key in operation.sent.doubts and not made


def _lost_bounds(operation: Operation, answer: Answer) -> Iterator[str]:
    sent, got = operation.sent, answer.got
    floors = {log.type for log in got.floor}
    for of, second in sent.marks.items():
        if got.marks.get(of, 0) < second and of not in floors:
            yield f"has forgotten the mark of {of}s at {second}"
    for log, seen in sent.floor.items():
        kept = got.floor.get(log)
        is_outlived = any(other != log for other in got.floor if other.type is log.type)
        is_marked = got.marks.get(log.type, 0) >= outlives(seen)
        if (kept is None or kept.offset < seen.offset) and not (is_outlived or is_marked):
            yield f"has forgotten the floor of {log} at {seen.offset}"
    for key in sent.uncertain - got.uncertain:
        if not (_was_told(key, answer) or key.type in got.marks):
            yield f"calls {key} certain, of which no owner has told"


def _was_told(key: Key, answer: Answer) -> bool:
    """May an owner have told? A list asks for all orders that a token names."""
    if not answer.has_data:
        return True
    is_shown = any(part.key == key and part.source is Source.LIVE for part in answer.shown)
    return is_shown or (key.type is AggregateType.ORDER and bool(answer.pages))


def _lost_sights(operation: Operation, answer: Answer, evidence: Evidence) -> Iterator[str]:
    for shown in answer.shown:
        at = shown.version
        if at is not None and not demands(answer.got, shown.key, at, evidence):
            yield f"does not demand what it was shown: {shown_as(shown)}"


def _lost_writes(operation: Operation, answer: Answer, evidence: Evidence) -> Iterator[str]:
    for write in operation.writes:
        match write.outcome:
            case Outcome.CONFIRMED if write.key is not None and write.version is not None:
                if not demands(answer.got, write.key, write.version, evidence):
                    yield f"does not demand its own write of {write.key} at {write.version}"
            case Outcome.UNKNOWN if not _is_remembered(write.key, operation, answer):
                yield f"forgets that nobody knows what became of {write.key or 'its new order'}"
            case _:
                pass


def _is_remembered(key: Key | None, operation: Operation, answer: Answer) -> bool:
    if key is not None and (key in answer.got.uncertain or _was_told(key, answer)):
        return True
    of = AggregateType.ORDER if key is None else key.type
    return answer.got.marks.get(of, 0) >= operation.invoked_at_s
