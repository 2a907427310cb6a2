"""The modes of a read: what each promises, what it may cost, and how it says that it fell short.

The order service has committed a note that the projection has not heard of yet.
"""

import pytest

from projections.views import OrderRow
from tests.gateway_in_process import GatewayInProcess, open_gateway, own, pass_time, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

NOTED: OrderRow = changed(ORDER, note="Ring twice")
MISSING = {"type": "order", "id": "o-1", "version": 2, "epoch": 1}
READ = """query ($consistency: Consistency) {
  order(id: "o-1", consistency: $consistency) { note customer { name } } }"""

Mode = dict[str, object]


async def ask(bff: GatewayInProcess, mode: Mode, *, token: str | None = None) -> Answer:
    return await bff.ask(READ, {"consistency": mode}, token=token)


def at_least(bff: GatewayInProcess, **options: object) -> Mode:
    return {"atLeast": {"tokens": [bff.seal(NOTED)], **options}}


async def test_eventual_shows_what_there_is_at_once_and_says_that_it_is_old() -> None:
    """Neither a wait nor a call, and the truth about the token that came along."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await ask(bff, {"eventual": True}, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] is None
        assert answer.origin("order") == ("PROJECTION", "STALE_ALLOWED")
        assert answer.consistency["satisfied"] is False
        assert answer.consistency["missing"] == [MISSING]
        assert (answer.elapsed_s, bff.calls) == (0.0, [])


async def test_eventual_takes_the_projections_word_for_absence() -> None:
    """What is not projected is null, and nobody is asked."""
    twins = twins_of()
    async with open_gateway(twins) as bff:
        own(twins, ORDER)

        answer = await ask(bff, {"eventual": True})

        assert answer.data == {"order": None}
        assert bff.calls == []


async def test_live_asks_the_owners_of_everything_shown() -> None:
    """Each component comes from its service, and says that it was asked for."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await ask(bff, {"live": True})

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "LIVE_REQUESTED")
        assert answer.origin("order.customer") == ("LIVE", "LIVE_REQUESTED")
        assert sorted(bff.calls) == ["GET /customers?ids=c-1", "GET /orders/o-1"]


async def test_live_with_a_token_is_checked_like_any_other_answer() -> None:
    """The owner knows nothing of the demanded version: asked once more, then told."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        answer = await ask(bff, {"live": True}, token=bff.seal(NOTED))

        assert len(bff.hits_of("orders")) == 2
        assert answer.consistency["missing"] == [MISSING]


@pytest.mark.parametrize(
    ("asked_ms", "waited_s"), [(50, 0.05), (0, 0.0), (250, 0.25), (60_000, 0.25)]
)
async def test_a_client_may_shorten_the_wait_but_not_extend_it(
    asked_ms: int, waited_s: float
) -> None:
    """The wish counts up to the server's cap; with none to wait the owner is asked at once."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await ask(bff, at_least(bff, maxWaitMs=asked_ms))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.elapsed_s == waited_s


async def test_on_timeout_stale_shows_the_old_world_and_says_so() -> None:
    """After the wait no call is made, and the answer is not called satisfied."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await ask(bff, at_least(bff, onTimeout="STALE"))

        assert answer.data["order"]["note"] is None
        assert answer.origin("order") == ("PROJECTION", "STALE_ALLOWED")
        assert answer.consistency["satisfied"] is False
        assert answer.consistency["missing"] == [MISSING]
        assert (answer.elapsed_s, bff.calls) == (0.25, [])


async def test_on_timeout_error_names_what_is_missing_and_how_far_behind_the_projection_is() -> (
    None
):
    """The caller wants to hear of it: a code, the missing entries, the lag; no old data."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await pass_time(1.0)

        answer = await ask(bff, at_least(bff, onTimeout="ERROR"))

        assert answer.partial_data == {"order": None}
        assert answer.error["extensions"] == {
            "code": "CONSISTENCY_TIMEOUT",
            "missing": [MISSING],
            "lagMs": 1250,
        }
        assert answer.consistency["satisfied"] is False
        assert bff.calls == []


async def test_on_timeout_error_is_about_the_component_that_is_too_old() -> None:
    """The order is new enough and shown; its customer is not, and is null with the error."""
    renamed = changed(CUSTOMER, name="Ada Lovelace")
    async with open_gateway(twins_of(*SHOP)) as bff:
        demand = {"tokens": [bff.seal(renamed)], "onTimeout": "ERROR"}

        answer = await ask(bff, {"atLeast": demand})

        assert answer.partial_data == {"order": {"note": None, "customer": None}}
        assert answer.codes == {"order.customer": "CONSISTENCY_TIMEOUT"}


async def test_a_projection_proven_within_the_bound_is_used() -> None:
    """At exactly the bound it is still young enough."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await pass_time(2.0)

        answer = await ask(bff, {"bounded": {"maxStalenessMs": 2000}})

        assert answer.origin("order") == ("PROJECTION", "DEFAULT")
        assert answer.component("order")["ageMs"] == 2000
        assert bff.calls == []


async def test_a_projection_beyond_the_bound_is_passed_by() -> None:
    """Every component too old for the bound is asked of its owner, at once."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        await pass_time(2.001)

        answer = await ask(bff, {"bounded": {"maxStalenessMs": 2000}})

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "TOO_STALE")
        assert answer.origin("order.customer") == ("LIVE", "TOO_STALE")
        assert answer.elapsed_s == 0.0


async def test_beyond_the_bound_stale_is_shown_and_told() -> None:
    """With onTimeout STALE the bound is a wish; that it was missed is said."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await pass_time(2.001)

        answer = await ask(bff, {"bounded": {"maxStalenessMs": 2000, "onTimeout": "STALE"}})

        assert answer.origin("order") == ("PROJECTION", "STALE_ALLOWED")
        assert answer.consistency["satisfied"] is False
        assert bff.calls == []


async def test_beyond_the_bound_error_shows_nothing_and_is_not_satisfied() -> None:
    """What was held back for its age was demanded all the same."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await pass_time(2.001)

        answer = await ask(bff, {"bounded": {"maxStalenessMs": 2000, "onTimeout": "ERROR"}})

        assert answer.partial_data == {"order": None}
        assert answer.error["extensions"]["code"] == "CONSISTENCY_TIMEOUT"
        assert answer.error["extensions"]["lagMs"] == 2001
        assert answer.consistency["satisfied"] is False


async def test_a_bound_holds_beside_the_tokens() -> None:
    """A young projection is not enough for a token that it has not reached."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)

        answer = await ask(bff, {"bounded": {"maxStalenessMs": 60_000}}, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.origin("order") == ("LIVE", "TOKEN_NOT_REACHED")


@pytest.mark.parametrize(
    ("mode", "field"),
    [
        ({"eventual": False}, "consistency"),
        ({"live": False}, "consistency"),
        ({"atLeast": {"tokens": [], "maxWaitMs": -1}}, "consistency.atLeast.maxWaitMs"),
        ({"atLeast": {"tokens": [], "maxWaitMs": 60_001}}, "consistency.atLeast.maxWaitMs"),
        ({"bounded": {"maxStalenessMs": -1}}, "consistency.bounded.maxStalenessMs"),
        ({"bounded": {"maxStalenessMs": 60_001}}, "consistency.bounded.maxStalenessMs"),
    ],
)
async def test_a_mode_that_can_never_be_meant_is_refused_by_name(mode: Mode, field: str) -> None:
    """The error names the argument, and nobody is asked."""
    async with open_gateway(twins_of()) as bff:
        answer = await ask(bff, mode)

        assert answer.partial_data == {"order": None}
        assert answer.error["extensions"] == {"code": "BAD_USER_INPUT", "field": field}
        assert bff.calls == []


@pytest.mark.parametrize(
    "mode", [{}, {"eventual": True, "live": True}, {"eventual": None}, {"never": True}]
)
async def test_exactly_one_mode_can_be_chosen(mode: Mode) -> None:
    """None, two, or an unknown one is refused before anything runs."""
    async with open_gateway(twins_of()) as bff:
        answer = await ask(bff, mode)

        assert answer.partial_data is None
        assert len(answer.errors) == 1
        assert bff.calls == []
