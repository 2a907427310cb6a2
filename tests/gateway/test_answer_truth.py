"""The check of every answer, itself checked: each kind of untruth is forged and caught."""

from dataclasses import replace

import pytest

from tests.answer_truth import Untrue
from tests.gateway import forged_answers as a
from tests.gateway.forged_answers import Forgery, Situation, both, comes_from, forged, tells
from tests.gateway_in_process import open_gateway, twins_of
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP
from tests.truth.sent import open_unchecked

pytestmark = pytest.mark.steered_time

Forged = tuple[Situation, Forgery, str]
"""A situation, what is forged into its answer, and what the check says of it."""

DATA: list[Forged] = [
    (a.plain, lambda said: said.component().update(version=2), "and tells of 2"),
    (a.plain, lambda said: said.data["order"].update(version=2), "shows order (o-1) at 2"),
    (a.plain, a.is_at(2), "which the store never held"),
    (a.live, a.is_at(2), "which no owner said"),
    (a.plain, lambda said: said.data["order"].update(note="?"), "which nobody said"),
    (a.live, lambda said: said.data["order"].update(note="?"), "which nobody said"),
    (a.plain, lambda said: said.told["components"].pop(), "tells nothing of it"),
    (a.listed, lambda said: said.told["components"].pop(0), "shows orders and tells nothing"),
    (a.plain, lambda said: said.component().update(path="o"), "which nobody asked for"),
    (a.plain, lambda said: said.component().update(id=None), "as of a page"),
    (
        a.plain,
        lambda said: said.told["components"].append(said.component()),
        "more than once",
    ),
    (a.plain, tells(componentsOmitted=1), "leaves out 1 components beside 2"),
]
SATISFACTION: list[Forged] = [
    (a.plain, tells(satisfied=False), "and not why"),
    (a.denied, tells(satisfied=True), "misses, shows or holds back"),
    (a.denied, tells(satisfied=True, missing=[]), "does not tell that 1.2 is missing"),
    (a.denied, a.misses(1), "which nobody demanded"),
    (a.failed, tells(satisfied=True, missing=[]), "could not show order:o-1"),
    (a.behind, a.misses(2), "missing, and shows it"),
    (a.plain, a.misses(2), "which nobody demanded"),
    (
        a.arrived,
        both(comes_from("PROJECTION", "STALE_ALLOWED"), tells(satisfied=False)),
        "short of nothing",
    ),
    (a.live, comes_from("PROJECTION", "DEFAULT"), "its owner was asked for"),
    (a.marked, comes_from("PROJECTION", "DEFAULT"), "the marks and floors that were sent"),
    (a.floored, comes_from("PROJECTION", "DEFAULT"), "the marks and floors that were sent"),
    (a.uncertain, comes_from("PROJECTION", "DEFAULT"), "became of its last write"),
    (a.bounded, lambda said: said.component().update(ageMs=1600), "only 1.5 s were allowed"),
    (a.plain, lambda said: said.component().update(ageMs=2600), "staleness budget"),
]
SOURCES: list[Forged] = [
    (a.plain, comes_from("LIVE", "PARKED"), "which no owner said"),
    (a.live, comes_from("LIVE", "WRITE_RESULT"), "which no owner said"),
    (a.listed, comes_from("LIVE", "BUDGET_SPENT", "orders"), "which no owner said"),
    (a.heard_before, both(a.is_at(1), a.misses(2)), "did not ask its owner itself"),
    (a.plain, lambda said: said.component().update(ageMs=999 - 2), "and it is older"),
    (a.listed, lambda said: said.component("orders").update(ageMs=900), "and it is older"),
    (a.shared, lambda said: said.component().update(ageMs=200), "0.100 s earlier than its age"),
]
STAND_INS: list[Forged] = [
    (a.stood_in, tells(satisfied=True), "shows or holds back what is too old"),
    (a.stood_in, lambda said: said.component().pop("insteadOf"), "in place of None"),
    (a.stood_in, lambda said: said.component().update(insteadOf="NOT_FOUND"), "of NOT_FOUND"),
    (a.plain, lambda said: said.component().update(insteadOf="CIRCUIT_OPEN"), "of CIRCUIT_OPEN"),
    (a.stood_in, lambda said: said.component().update(ageMs=60001), "60.001 s old"),
    (a.stood_in, lambda said: said.component().update(ageMs=2000), "and it is older"),
    (a.stood_in, comes_from("LIVE", "STALE_IF_ERROR"), "which no owner said"),
    (a.live, comes_from("LIVE", "STALE_IF_ERROR"), "for a demand of Live"),
    (a.bounded, comes_from("PROJECTION", "STALE_IF_ERROR"), "for a demand of Bounded"),
    (a.marked, comes_from("PROJECTION", "STALE_IF_ERROR"), "the marks and floors"),
]
REASONS: list[Forged] = [
    (a.plain, comes_from("LIVE", "DEFAULT"), "which cannot be"),
    (a.plain, comes_from("PROJECTION", "STALE_ALLOWED"), "for a demand of AtLeast"),
    (a.plain, comes_from("PROJECTION", "TOKEN_REACHED"), "no entry names order:o-1"),
    (a.arrived, comes_from("PROJECTION", "DEFAULT"), "an entry demanded it"),
    (
        a.arrived,
        comes_from("PROJECTION", "TOKEN_REACHED_AFTER_WAIT"),
        "and tells of no wait",
    ),
    (a.behind, comes_from("LIVE", "LIVE_REQUESTED"), "for a demand of AtLeast"),
    (a.behind, comes_from("LIVE", "TOO_STALE"), "for a demand of AtLeast"),
    (a.behind, comes_from("LIVE", "CAUSE_NOT_REACHED"), "for a demand of AtLeast"),
    (a.behind, comes_from("LIVE", "WRITE_RESULT"), "for a demand of AtLeast"),
    (a.live, comes_from("LIVE", "TOKEN_NOT_REACHED"), "for a demand of Live"),
    (a.shared, comes_from("LIVE", "TOKEN_NOT_REACHED"), "the store had all that was demanded"),
    (a.behind, comes_from("LIVE", "OUTCOME_UNKNOWN"), "nobody called it uncertain"),
    (a.behind, comes_from("LIVE", "NOT_PROJECTED"), "the store held it"),
    (a.behind, comes_from("LIVE", "PARKED"), "nothing of it was parked"),
    (a.behind, comes_from("LIVE", "BUDGET_SPENT"), "it was no older than 2.5 s"),
    (a.behind, comes_from("LIVE", "PROJECTION_BUILDING"), "had been read to its end"),
    (a.behind, comes_from("LIVE", "PROJECTION_UNAVAILABLE"), "has answered every time"),
    (a.behind, comes_from("LIVE", "PROJECTION_OFF"), "there is a projection"),
]
WAITS: list[Forged] = [
    (a.plain, tells(waitedMs=10, waits={"REACHED": 1}), "waited 0.01 s of 0.0 s"),
    (a.behind, tells(waitedMs=271), "and 0.25 s were allowed"),
    (a.live, tells(waitedMs=21, waits={"TIMED_OUT": 1}), "and 0.0 s were allowed"),
    (a.behind, lambda said: said.told.pop("waits"), "does not tell how that ended"),
    (a.behind, tells(waits={"TIMED_OUT": 1, "BORED": 1}), "waits that cannot be"),
]
TOKENS: list[Forged] = [
    (a.plain, tells(token="ct1" + "A" * 1022), "of 1025 characters"),
    (a.plain, tells(token="ct1AAAA"), "does not open for its subject"),
    (a.plain, tells(token=None), "which it shows"),
    (a.plain, a.hands_out(ORDER.key), "without order.customer"),
    (a.behind, a.hands_out(ORDER.key, CUSTOMER.key), "without order:o-1 at 1.2, which was sent"),
    (a.marked, a.hands_out(ORDER.key, CUSTOMER.key), "without the mark of orders"),
    (a.floored, a.hands_out(ORDER.key, CUSTOMER.key), "without the floor of"),
    (a.gone, a.hands_out(ORDER.key), "forgets that there is no order:o-1"),
    (a.unknown, a.hands_out(ORDER.key), "what became of updateOrder"),
    (a.written, a.hands_out(ORDER.key), "without order:o-1 at 1.2, which updateOrder"),
    (
        a.written,
        lambda said: said.data["updateOrder"].update(consistencyToken=None),
        "promises nothing",
    ),
    (
        a.written,
        lambda said: said.data["updateOrder"].update(consistencyToken=said.bff.seal(ORDER)),
        "which updateOrder has not written",
    ),
    (a.expired, lambda said: said.told.pop("expiredTokens"), "counts 0 expired tokens of 1"),
    (a.plain, tells(expiredTokens=1), "counts 1 expired tokens of 0"),
]


@pytest.mark.parametrize(
    ("situation", "forge", "untruth"),
    [
        pytest.param(*forgery, id=f"{forgery[0].__name__}: {forgery[2]}")
        for forgery in (*DATA, *SATISFACTION, *SOURCES, *STAND_INS, *REASONS, *WAITS, *TOKENS)
    ],
)
async def test_a_forged_answer_is_caught(
    situation: Situation, forge: Forgery, untruth: str
) -> None:
    """The answer as it was is true; as it is forged it is not, and the check says why."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await situation(bff)

        untruths = forged(bff, forge).untruths

        assert bff.examined.untruths == []
        assert any(untruth in one for one in untruths), untruths


async def test_an_owner_is_called_certain_only_when_it_was_asked() -> None:
    """A token may forget a doubtful write only with the owner's word."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await a.uncertain(bff)

        untruths = forged(bff, comes_from("PROJECTION", "STALE_ALLOWED")).untruths

        assert "hands out a token that calls order:o-1 certain, of which no owner told" in untruths


async def test_a_header_and_a_body_hand_out_one_token() -> None:
    """The token is told twice, and both times the same."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await a.plain(bff)
        examined = bff.examined
        answer = replace(examined.answer, header_token=None)

        untruths = replace(examined, answer=answer).untruths

        assert untruths == ["hands out one token in the header and another in the body"]


async def test_a_test_with_an_untrue_answer_fails_and_says_why() -> None:
    """The failure names every untruth, what was asked and what was answered."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await a.plain(bff)

        with pytest.raises(Untrue) as failure:
            forged(bff, tells(satisfied=False)).require_truth()

        said = str(failure.value)
        assert "- it says it is not satisfied, and not why\nasked: " in said
        assert a.PLAIN in said


async def test_without_the_world_the_answer_and_its_tokens_still_tell() -> None:
    """Over real processes the check knows the answer and both tokens, and no more."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await a.denied(bff)
        examined = forged(bff, tells(satisfied=True, missing=[]))

        untruths = replace(examined, happened=None, open_text=open_unchecked).untruths

        assert replace(bff.examined, happened=None, open_text=open_unchecked).untruths == []
        [untruth] = untruths
        assert untruth.endswith("and does not tell that 1.2 is missing")


async def test_a_refused_request_claims_nothing() -> None:
    """An answer without the extension has said nothing that could be untrue."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await bff.ask("{ nonsense }")

        assert "extensions" not in answer.body
        assert bff.examined.untruths == []
