"""The check that runs on every answer of every test: does the answer tell the truth of itself?

    untruths_of(answer, request, open_text, happened) == []

`extensions.consistency` is a promise to clients, so nothing of it is believed: it is compared with
the data beside it, with the tokens that were sent, and, where the test holds the whole world in its
hands, with what the store held, what owners said, and when. The checks are in `tests/truth`, and
`tests/gateway/test_answer_truth.py` forges an answer for each.

What cannot be known from outside is left out: whether a list leaves out an order that it should
have (that needs all that its owner has), what was behind a field that had an error, whether the
proofs of a source are true (a test moves the feeds by hand), and over real processes everything
that only the inside knows.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import httpx

from gateway.request import RequestHeaders
from tests.truth import face, missing, sources, tokens_kept
from tests.truth.cases import Case, Happened
from tests.truth.claims import read_claim
from tests.truth.sent import Open, Request, read_sent

Json = Any

Check = Callable[[Case], Iterator[str]]

OF_EVERY_ANSWER: Final[Sequence[Check]] = (
    face.components_are_those_of_the_data,
    face.pages_are_those_of_the_data,
    face.satisfied_is_what_the_rest_says,
    face.reasons_fit,
    face.waits_are_within_bounds,
    face.what_is_left_out_was_too_much,
    face.token_is_one,
)
WHERE_THE_TOKENS_ARE_KNOWN: Final[Sequence[Check]] = (
    missing.what_is_older_is_missing,
    missing.what_is_missing_was_demanded,
    missing.what_is_shown_is_not_missing,
    missing.what_failed_is_missing,
    missing.what_is_stale_says_so,
    tokens_kept.sent_is_kept,
    tokens_kept.shown_is_kept,
    tokens_kept.written_is_kept,
)
WHERE_THE_WORLD_IS_KNOWN: Final[Sequence[Check]] = (
    missing.stale_is_what_it_says,
    sources.components_come_from_their_source,
    sources.live_is_new_enough,
    sources.pages_come_from_their_source,
    sources.data_are_those_of_the_row,
    sources.ages_are_true,
    sources.reasons_are_true,
    tokens_kept.expired_are_counted,
)


@dataclass(frozen=True, slots=True)
class Answered:
    """The body of one answer, the token in its header, and how long (s) it took."""

    body: Json
    header_token: str | None
    elapsed_s: float


def untruths_of(
    answer: Answered, request: Request, open_text: Open, happened: Happened | None
) -> list[str]:
    """Everything that is not true in an answer; nothing, where nothing was run. Pure."""
    if "consistency" not in answer.body.get("extensions", {}):
        return []
    sent = read_sent(request, open_text)
    claim = read_claim(answer.body, sent.document)
    case = Case(claim, sent, open_text, answer.header_token, answer.elapsed_s, happened)
    checks = list(OF_EVERY_ANSWER)
    if happened is not None or not (request.is_opaque or claim.expired_count):
        checks += WHERE_THE_TOKENS_ARE_KNOWN
    if happened is not None:
        checks += WHERE_THE_WORLD_IS_KNOWN
    return [untruth for check in checks for untruth in check(case)]


class Untrue(AssertionError):
    """An answer that does not tell the truth of itself."""


@dataclass(frozen=True, slots=True)
class Examination:
    """One answer with all that is known of it. Without ``happened`` its tokens are just read."""

    answer: Answered
    request: Request
    open_text: Open
    happened: Happened | None = None

    @classmethod
    def of(
        cls,
        response: httpx.Response,
        request: Request,
        elapsed_s: float,
        open_text: Open,
        happened: Happened | None = None,
    ) -> Self:
        """The examination of an answer over HTTP; what its headers carried is read from them."""
        headers = RequestHeaders.of(response.request.headers.raw)
        cookies = [cookie.text for cookie in headers.token_cookies]
        request = replace(
            request,
            carried=[*headers.token_texts, *cookies],
            # A cookie that is not ours is dropped, and without its key nobody can tell.
            is_opaque=bool(cookies),
        )
        token = response.headers.get("X-Consistency-Token")
        return cls(Answered(response.json(), token, elapsed_s), request, open_text, happened)

    @property
    def untruths(self) -> list[str]:
        return untruths_of(self.answer, self.request, self.open_text, self.happened)

    def require_truth(self) -> None:
        """Raise `Untrue` with every untruth of the answer."""
        if untruths := self.untruths:
            lines = "\n".join(f"- it {untruth}" for untruth in untruths)
            asked = f"asked: {self.request}\nanswered: {self.answer.body}"
            raise Untrue(f"the answer is not true:\n{lines}\n{asked}")
