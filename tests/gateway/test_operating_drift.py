import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from httpx import Response

from gateway.operating.drift import DriftCommand, code_of, describe, remedies
from gateway.operating.running import ExitCode
from projections.views import CustomerRow
from resolvers.drift import Ahead, Behind, Different, DriftReport, Missing, Same, Unchecked
from resolvers.drift_check import DriftCheck, DriftOptions, RowsCompared
from resolvers.loaders import Clients
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key, customer_row
from tests.gateway.operating import Ended, now, run_command
from tests.resolvers.upstream.clients import clients_of
from tests.sampled_store import SampledMemoryStore

NO_GRACE = DriftOptions(lag_grace_s=0.0)


class House:
    """Customers in a store, and what their owner says of them."""

    def __init__(self, rows: Iterable[CustomerRow], live: Iterable[CustomerRow]) -> None:
        self.store = SampledMemoryStore()
        self.live = list(live)
        self.owner_answers: Response | None = None
        for row in rows:
            now(apply_next(self.store, batch(change(row), source="customers")))

    @asynccontextmanager
    async def open_check(
        self, observe: Callable[[RowsCompared], None]
    ) -> AsyncIterator[DriftCheck]:
        async with clients_of(customers=self.live) as owners:
            if self.owner_answers is not None:
                owners.twins.customers.mock(return_value=self.owner_answers)
            clients = Clients(owners.orders, owners.customers, owners.products)
            yield DriftCheck(self.store, clients, NO_GRACE, observe)

    def bff_drift(self, *arguments: str) -> Ended:
        return run_command(DriftCommand(self.open_check).run, *arguments)


SAME = [customer_row("c-1"), customer_row("c-2")]


def test_projection_that_has_not_drifted_is_one_line() -> None:
    """All the same is exit code 0 and a count."""
    ended = House(SAME, SAME).bff_drift()

    assert ended == Ended(0, "2 rows: 2 the same, 0 drifted\n", "")


def test_drift_is_listed_with_what_to_do() -> None:
    """Each row that drifted is named with both versions, and each kind has its remedy."""
    live = [customer_row("c-1", 2), customer_row("c-2", name="Eve")]

    ended = House([*SAME, customer_row("c-3")], live).bff_drift()

    assert ended.code == 1
    assert "customer:c-1  behind     row at 1.1, owner at 1.2" in ended.out
    assert "customer:c-2  different  both at 1.1, not the same: name" in ended.out
    assert "customer:c-3  missing    row at 1.1, owner has none" in ended.out
    assert "3 rows: 0 the same, 3 drifted" in ended.out
    assert "behind: `bff drift --repair` heals these rows" in ended.out
    assert "different: cannot be repaired" in ended.out


def test_repair_tells_what_it_healed() -> None:
    """What was behind is healed, counted, and no drift the next time."""
    house = House(SAME, [customer_row("c-1", 2), SAME[1]])

    repaired = house.bff_drift("--repair")
    again = house.bff_drift()

    assert repaired.code == 1
    assert "healed: 1 row\n" in repaired.out
    assert "--repair" not in repaired.out
    assert again.code == 0


def test_owner_that_does_not_answer_leaves_the_question_open() -> None:
    """Rows that could not be compared make the exit code 2, and are named with the reason."""
    house = House(SAME, SAME)
    house.owner_answers = Response(503)

    ended = house.bff_drift()

    assert ended.code == 2
    assert "customer:c-1  not compared  customers is unavailable" in ended.out
    assert "2 rows: 0 the same, 0 drifted, 2 not compared" in ended.out


def test_empty_projection_proves_nothing() -> None:
    """Without rows there is no answer, and exit code 0 would be one."""
    assert House([], []).bff_drift() == Ended(2, "", "There are no rows to compare.\n")


def test_sample_and_sources_can_be_chosen() -> None:
    """So many rows of each named source are compared, and no others."""
    house = House(SAME, SAME)

    assert "1 row: 1 the same" in house.bff_drift("--sample", "1").out
    assert house.bff_drift("--source", "orders").code == 2
    assert house.bff_drift("--source", "customers").code == 0
    assert "'invoices' is not one of" in house.bff_drift("--source", "invoices").err


def test_machines_get_json() -> None:
    """With --json only rows that need a look are told, with counts of all."""
    told = json.loads(House(SAME, [customer_row("c-1", 2), SAME[1]]).bff_drift("--json").out)

    assert told == {
        "comparedCount": 2,
        "healedCount": None,
        "rows": [{"key": "customer:c-1", "verdict": "behind", "what": "row at 1.1, owner at 1.2"}],
    }


KEY, AT = customer_key(), customer_row().at
LIVE = customer_row(version=2)


@pytest.mark.parametrize(
    ("verdict", "told", "remedy"),
    [
        (Same(KEY), "", None),
        (Behind(KEY, None, LIVE, is_suspect=False), "no row, owner at 1.2", "behind"),
        (
            Behind(KEY, AT, LIVE, is_suspect=True),
            "row at 1.1, owner at 1.2: its event was parked, see `bff dead-letters list`",
            "behind",
        ),
        (Different(KEY, AT, ("name", "email")), "both at 1.1, not the same: name, email", "differ"),
        (Missing(KEY, AT), "row at 1.1, owner has none", "missing"),
        (Ahead(KEY, LIVE.at, AT), "row at 1.2, owner at 1.1", "ahead"),
        (Unchecked(KEY, "customers is unavailable"), "customers is unavailable", None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_verdict_has_words_and_every_drift_a_remedy(
    verdict: Same, told: str, remedy: str | None
) -> None:
    """A tired person is told what was found and what to do about it."""
    report = DriftReport((verdict,))

    assert describe(verdict) == told
    assert [line[: len(remedy or "")] for line in remedies(report, is_healed=False)] == (
        [remedy] if remedy else []
    )


def test_drift_outweighs_what_could_not_be_compared() -> None:
    """Some drift found is drift, whatever is left open."""
    report = DriftReport((Missing(KEY, AT), Unchecked(KEY, "gone")))

    assert code_of(report) is ExitCode.FOUND
