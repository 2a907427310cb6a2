"""The REST contract of `X-Causal-Deps`: an order carries what its writers had seen."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.rest_implementations import (
    IMPLEMENTATIONS,
    WHEN_ASKED_PROPERLY,
    Implementation,
    Json,
    having_seen,
    place,
    problem_of,
)
from tests.upstream_stubs.in_process import Services

GREATEST = 2**53 - 1


@pytest.fixture(params=list(WHEN_ASKED_PROPERLY.values()), ids=list(WHEN_ASKED_PROPERLY))
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Services]:
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
async def strict_services(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[Services]:
    """Services that check what they are sent, and tell their events."""
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


async def read(services: Services, order: Json) -> Json:
    found: Json = (await services.orders.get(f"/orders/{order['id']}")).json()
    return found


async def note(services: Services, order: Json, text: str, *, saw: str | None = None) -> Json:
    path = f"/orders/{order['id']}"
    response = await services.orders.patch(path, json={"note": text}, headers=having_seen(saw))
    noted: Json = response.json()
    return noted


async def events_of(services: Services, order: Json) -> list[Json]:
    page = (await services.orders.get("/events", params={"limit": "1000"})).json()
    return [event for event in page["events"] if event["subject"] == order["id"]]


class TestCarrying:
    async def test_placed_order_carries_what_its_writer_saw(self, services: Services) -> None:
        """What was seen of the order's customer and products is part of the order, sorted."""
        order = await place(services, "key-1", saw="product:p-1@1.9, customer:c-1@1.3")

        listed = (await services.orders.get("/orders", params={"limit": "1"})).json()["items"]
        assert order["causalDeps"] == ["customer:c-1@1.3", "product:p-1@1.9"]
        assert listed == [order]
        assert await read(services, order) == order

    async def test_order_of_a_writer_who_says_nothing_carries_nothing(
        self, services: Services
    ) -> None:
        """Without the header the list is there, and empty."""
        order = await place(services, "key-1")

        assert order["causalDeps"] == []

    async def test_what_was_seen_of_others_is_left_out(self, services: Services) -> None:
        """Another customer and a product that is not ordered say nothing about this order."""
        order = await place(
            services, "key-1", saw="customer:c-2@1.3, product:p-1@1.4, product:p-2@1.9"
        )

        assert order["causalDeps"] == ["product:p-1@1.4"]

    async def test_of_two_versions_of_one_aggregate_the_greater_one_is_carried(
        self, services: Services
    ) -> None:
        """A writer may say what she has seen twice; numbers are compared, not their digits."""
        order = await place(
            services, "key-1", saw="product:p-1@1.9, product:p-1@1.10, customer:c-1@2.1"
        )

        assert order["causalDeps"] == ["customer:c-1@2.1", "product:p-1@1.10"]

    async def test_cancelled_order_carries_what_its_writer_saw(self, services: Services) -> None:
        """Cancelling is a write like any other."""
        order = await place(services, "key-1")

        cancelled = await services.orders.post(
            f"/orders/{order['id']}/cancel", json={}, headers=having_seen("customer:c-1@1.2")
        )

        assert cancelled.json()["causalDeps"] == ["customer:c-1@1.2"]


class TestJoining:
    async def test_later_write_joins_what_its_writer_saw(self, services: Services) -> None:
        """Of each aggregate the greatest version stays, the epoch before the number."""
        order = await place(services, "key-1", saw="customer:c-1@2.1, product:p-1@1.9")

        noted = await note(
            services, order, "once", saw="customer:c-1@1.7, product:p-1@1.10, product:p-2@1.1"
        )

        assert noted["causalDeps"] == ["customer:c-1@2.1", "product:p-1@1.10"]
        assert noted["version"] == 2

    async def test_later_write_without_the_header_keeps_what_was_seen(
        self, services: Services
    ) -> None:
        """A writer who says nothing takes nothing back."""
        order = await place(services, "key-1", saw="customer:c-1@1.3")

        noted = await note(services, order, "once")

        assert (noted["causalDeps"], noted["version"]) == (["customer:c-1@1.3"], 2)

    async def test_write_that_changes_nothing_leaves_nothing_behind(
        self, services: Services
    ) -> None:
        """What was seen is no change of its own: the order keeps its version and its list."""
        order = await place(services, "key-1", note="once", saw="customer:c-1@1.3")

        again = await note(services, order, "once", saw="customer:c-1@1.4")

        assert again == order
        assert await read(services, order) == order

    async def test_repeat_is_answered_as_the_first_time_whatever_was_seen_since(
        self, services: Services
    ) -> None:
        """The header is no part of what the key names: a repeat that saw more is still a repeat."""
        order = await place(services, "key-1", saw="customer:c-1@1.3")

        again = await place(services, "key-1", saw="customer:c-1@1.4, product:p-1@1.2")
        unsaid = await place(services, "key-1")

        assert again == unsaid == order
        assert await read(services, order) == order


class TestStrictServices:
    async def test_events_carry_what_the_writers_saw(self, strict_services: Services) -> None:
        """Each event tells the list as it was after its change."""
        order = await place(strict_services, "key-1", saw="customer:c-1@1.3")
        noted = await note(strict_services, order, "once", saw="product:p-1@1.9")

        told = [event["data"] for event in await events_of(strict_services, order)]

        assert told == [order, noted]
        assert noted["causalDeps"] == ["customer:c-1@1.3", "product:p-1@1.9"]

    async def test_header_on_many_lines_is_one_list(self, strict_services: Services) -> None:
        """HTTP lets a list be sent line by line, with white space around its commas."""
        order = await place(strict_services, "key-1")
        lines = [
            ("X-Causal-Deps", "customer:c-1@1.3"),
            ("X-Causal-Deps", "product:p-1@1.9 ,\tproduct:p-2@1.1"),
        ]

        path = f"/orders/{order['id']}"
        noted = await strict_services.orders.patch(path, json={"note": "x"}, headers=lines)

        assert noted.json()["causalDeps"] == ["customer:c-1@1.3", "product:p-1@1.9"]

    async def test_greatest_version_and_longest_id_are_carried(
        self, strict_services: Services
    ) -> None:
        """Everything below 2^53 is a version, and the first epoch is 0; ids have 64 characters."""
        seen = f"customer:c-1@0.1, product:p-1@{GREATEST}.{GREATEST}, product:{'p' * 64}@1.1"

        order = await place(strict_services, "key-1", saw=seen)

        assert order["causalDeps"] == seen.split(", ")[:2]

    @pytest.mark.parametrize(
        "header",
        [
            "",
            ",",
            "customer:c-1@1.3,",
            "customer:c-1",
            "customer:c-1@3",
            "customer:c-1@1.0",
            "customer:c-1@01.3",
            "customer:c-1@1.-3",
            "customer:c-1@1.3.1",
            f"customer:c-1@1.{GREATEST + 1}",
            f"customer:c-1@{'9' * 5000}.1",
            "customer:c-1@1.3; product:p-1@1.9",
            "customer: c-1@1.3",
            "customer:@1.3",
            "customer:-c@1.3",
            f"customer:{'c' * 65}@1.3",
            "order:o-1@1.3",
            "Customer:c-1@1.3",
            "c-1@1.3",
            "customer:c-1@1.3\xa0",
            "customer:c-1@1.\xb3",
        ],
        ids=lambda header: repr(header[:24]),
    )
    async def test_malformed_header_is_refused_and_nothing_is_written(
        self, strict_services: Services, header: str
    ) -> None:
        """What cannot be read is never ignored: the writer would believe it was kept."""
        order = await place(strict_services, "key-1")
        sent = [(b"X-Causal-Deps", header.encode("latin-1"))]
        body = {"customerId": "c-1", "items": [{"productId": "p-1", "quantity": 1}]}
        path, orders = f"/orders/{order['id']}", strict_services.orders

        answers = [
            await orders.post("/orders", json=body, headers=[(b"Idempotency-Key", b"2"), *sent]),
            await orders.patch(path, json={"note": "x"}, headers=sent),
            await orders.post(f"{path}/cancel", json={}, headers=sent),
        ]

        for answer in answers:
            problem = problem_of(answer)
            assert (answer.status_code, problem["code"]) == (422, "invalid-request")
            assert problem["field"] == "X-Causal-Deps"
        assert (await orders.get("/orders", params={"limit": "1"})).json()["items"] == [order]

    async def test_at_most_51_versions_are_taken(self, strict_services: Services) -> None:
        """A customer and fifty products are as many as an order can have; one more is refused."""
        order = await place(strict_services, "key-1")
        seen = [f"product:p-{number}@1.1" for number in range(52)]
        path, orders = f"/orders/{order['id']}", strict_services.orders

        refused = await orders.patch(path, json={"note": "x"}, headers=having_seen(", ".join(seen)))
        taken = await note(strict_services, order, "x", saw=", ".join(seen[:51]))

        assert (refused.status_code, problem_of(refused)["field"]) == (422, "X-Causal-Deps")
        assert (taken["causalDeps"], taken["version"]) == (["product:p-1@1.1"], 2)
