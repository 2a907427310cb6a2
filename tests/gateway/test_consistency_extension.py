import pytest

from gateway.consistency_extension import render_consistency
from projections.selection import PageKey
from projections.versions import AggregateKey, AggregateType, Version
from projections.waiters import WaitEnd
from resolvers.answer import Provenance, Reason, Source
from resolvers.report import MAX_SHOWN, ConsistencyReport
from tests.gateway.front_door import A_QUERY, Json, a_token, open_door

ORDER = AggregateKey(AggregateType.ORDER, "o-1")
PROJECTED = Provenance(Source.PROJECTION, Reason.DEFAULT, 0.0417)


def rendered(report: ConsistencyReport, token: str | None = None) -> Json:
    return render_consistency(report, token, expired_count=0)


def test_an_empty_report_is_a_satisfied_one() -> None:
    """Nothing demanded and nothing shown: satisfied, without a wait and without a token."""
    assert rendered(ConsistencyReport()) == {
        "token": None,
        "satisfied": True,
        "waitedMs": 0,
        "missing": [],
        "components": [],
    }


def test_a_component_tells_where_it_comes_from() -> None:
    """Each component has its path, id, source, version, age in milliseconds and reason."""
    report = ConsistencyReport()
    report.show("order", PROJECTED, ORDER, Version(1, 7))

    assert rendered(report)["components"] == [
        {
            "path": "order",
            "id": "o-1",
            "source": PROJECTED.source.value,
            "version": 7,
            "ageMs": 42,
            "reason": PROJECTED.reason.value,
        }
    ]


def test_a_list_is_a_component_without_an_id() -> None:
    """A page has no id and no version of its own, and says so with null."""
    report = ConsistencyReport()
    report.show("orders", PROJECTED, PageKey("c-1", None, 20, None), None)

    [component] = rendered(report)["components"]
    assert (component["id"], component["version"]) == (None, None)


def test_what_is_missing_is_named_and_not_satisfied() -> None:
    """An entry that was demanded and not reached is told with its version and epoch."""
    report = ConsistencyReport(missing={ORDER: Version(2, 9)}, waited_s=0.25)

    extension = rendered(report, "ct1x")

    assert extension["token"] == "ct1x"
    assert extension["satisfied"] is False
    assert extension["waitedMs"] == 250
    assert extension["missing"] == [{"type": "order", "id": "o-1", "version": 9, "epoch": 2}]


def test_more_components_than_can_be_told_are_counted() -> None:
    """A page of a thousand components names the first ones and counts the rest."""
    report = ConsistencyReport()
    for n in range(MAX_SHOWN + 3):
        report.show(f"a{n}", PROJECTED, ORDER, Version(1, 1))

    extension = rendered(report)

    assert len(extension["components"]) == MAX_SHOWN
    assert extension["componentsOmitted"] == 3


def test_expired_tokens_are_counted_only_where_there_were_some() -> None:
    """The member appears with its first case."""
    with_expired = render_consistency(ConsistencyReport(), None, expired_count=2)

    assert with_expired["expiredTokens"] == 2
    assert "expiredTokens" not in rendered(ConsistencyReport())


def test_how_waits_ended_is_counted_by_the_public_words() -> None:
    """Each end of a wait, or of none, is told with its count, in the order of the words."""
    waits = [WaitEnd.REACHED, WaitEnd.TIMED_OUT, WaitEnd.REACHED]
    report = ConsistencyReport(waits=waits)

    assert list(rendered(report)["waits"].items()) == [("REACHED", 2), ("TIMED_OUT", 1)]


@pytest.mark.steered_time
async def test_an_answer_says_where_its_order_came_from() -> None:
    """Without a projection an order is read live, at its version, and the extension says so."""
    async with open_door() as door:
        response = await door.ask(A_QUERY)

    [component] = response.json()["extensions"]["consistency"]["components"]
    assert component["path"] == "order"
    assert component["source"] == "LIVE"
    assert component["version"] == 1


@pytest.mark.steered_time
async def test_an_unreachable_demand_is_told_as_unsatisfied() -> None:
    """A version that not even its owner has is shown as missing, not waited for again and again."""
    async with open_door() as door:
        response = await door.ask(A_QUERY, headers={"x-consistency-token": a_token(version=99)})

    consistency = response.json()["extensions"]["consistency"]
    assert consistency["satisfied"] is False
    assert [(missing["id"], missing["version"]) for missing in consistency["missing"]] == [
        ("o-1", 99)
    ]
