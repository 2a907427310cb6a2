"""Sessions: read your writes, monotonic reads, pages that go on, monotonic writes.

The guarantees of Terry et al., *Session Guarantees for Weakly Consistent Replicated Data* (1994),
with what they leave out: absence. A thing that was there is absent only if a deletion explains it,
and an order leaves a list only by a commit that took it away. What a restored service has lost is
no longer owed; what a client allowed to be stale is, unless the answer says so.
"""

from collections.abc import Iterator

from projections.versions import Version
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Key, Listed, Operation, Outcome, Shown
from tests.laws.proof.listings import left_out
from tests.laws.proof.pasts import Past, Sight, Sights, lives, raise_to, written_by
from tests.laws.proof.violations import Law, Violation, broken, shown_as


def sessions_never_go_back(evidence: Evidence) -> Iterator[Violation]:
    """Nothing that was written or seen is undone by a later answer."""
    for operation, past in lives(evidence.history, evidence.owners):
        if operation.answer is not None:
            for key, part in _looks(operation.answer, past, evidence):
                yield from _judged(evidence, operation, past, key, part)


def _looks(answer: Answer, past: Past, evidence: Evidence) -> Iterator[tuple[Key, Shown | Listed]]:
    """Every aggregate that the answer tells something of, and where."""
    for shown in answer.shown:
        yield shown.key, shown
    for page in answer.pages:
        for key in left_out(page, past.knows, evidence.owners):
            yield key, page


def _judged(
    evidence: Evidence, operation: Operation, past: Past, key: Key, part: Shown | Listed
) -> Iterator[Violation]:
    """The laws that this part breaks, each by a greater version than the one before."""
    told: Version | None = None
    for law, sight, how in _owed(operation, past, key):
        if sight is None or (told is not None and sight.at <= told):
            continue
        if evidence.is_broken_by(operation, part, key, sight.at):
            told = sight.at
            yield broken(law, operation, _story(part, key, sight, how))


def _owed(operation: Operation, past: Past, key: Key) -> Iterator[tuple[Law, Sight | None, str]]:
    """What is known of the aggregate, the operation's own write too.

    That only if there is but one: of several nobody knows which a part of the answer follows.
    """
    if len(operation.writes) == 1:
        yield Law.READ_YOUR_WRITES, written_by(operation).get(key), "has written it"
    yield Law.READ_YOUR_WRITES, past.written.get(key), "had written it"
    yield Law.MONOTONIC_READS, past.seen.get(key), "had seen it"
    yield Law.PAGES_GO_ON, past.paged.get(key), "had shown it on the page before"


def _story(part: Shown | Listed, key: Key, sight: Sight, how: str) -> str:
    verb = f"did not find {key} in" if isinstance(part, Listed) else "was shown"
    return f"{verb} {shown_as(part)}, although operation {sight.number} {how} at {sight.at}"


def writes_go_on(evidence: Evidence) -> Iterator[Violation]:
    """Each write of a session comes after all that it had written and seen of that aggregate.

    One that changes nothing is confirmed at the version that was there.
    """
    for operation, past in lives(evidence.history, evidence.owners):
        own: Sights = {}
        for write in operation.writes:
            if write.outcome is not Outcome.CONFIRMED or not write.key or not write.version:
                continue
            sights = (own.get(write.key, past.written.get(write.key)), past.seen.get(write.key))
            if not write.is_repeated:
                yield from _judged_write(evidence, operation, write.key, write.version, *sights)
            raise_to(own, {write.key: Sight(write.version, operation.number)})


def _judged_write(
    evidence: Evidence,
    operation: Operation,
    key: Key,
    at: Version,
    written: Sight | None,
    seen: Sight | None,
) -> Iterator[Violation]:
    for law, sight, how in (
        (Law.MONOTONIC_WRITES, written, "had written"),
        (Law.WRITES_FOLLOW_READS, seen, "had seen"),
    ):
        if sight is None:
            continue
        kept = evidence.owners.surviving(key, sight.at, operation.returned_at_s)
        if kept is not None and at < kept:
            story = f"wrote {key} as {at}, although operation {sight.number} {how} {sight.at}"
            yield broken(law, operation, story)
            return
