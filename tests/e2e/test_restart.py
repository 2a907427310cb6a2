"""The house is stopped and started again: the same answers, the same tokens, nobody left behind."""

import re
import signal
from dataclasses import dataclass

import pytest

from tests.e2e.house import House
from tests.e2e.processes import services_over
from tests.e2e.shopper import Answer, Json, Shopper
from tests.e2e.starting import running_house

pytestmark = pytest.mark.e2e

PAGES = """{
  order(id: "o-77") { id version note total customer { name } items { quantity product { name } } }
  orders(customerId: "c-1", first: 100) { edges { node { id version status total } } }
  customer(id: "c-1") { name email version }
  product(id: "p-1") { name price stock version }
}"""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the house answered, published, said, and left behind."""

    pages: Json
    event_counts: dict[str, int]
    by_token: Answer
    said: str
    exit_code: int
    left: dict[int, list[str]]


@dataclass(frozen=True, slots=True)
class TwoRuns:
    """The same data, twice; ``token`` promises a write of the first run."""

    token: str
    first: Run
    second: Run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> TwoRuns:
    """A house that is changed and stopped by SIGINT; started again and stopped by SIGTERM."""
    folder = tmp_path_factory.mktemp("restarted")
    with running_house(folder) as house, house.shopper() as shopper:
        token = change_everything(shopper)
        first = observed(house, shopper, token, signal.SIGINT)
    with running_house(folder) as house, house.shopper() as shopper:
        second = observed(house, shopper, token, signal.SIGTERM)
    return TwoRuns(token, first, second)


def change_everything(shopper: Shopper) -> str:
    """One write to each service; the joined token of all."""
    shopper.place("c-1")
    token = shopper.write("updateOrder", {"id": "o-77", "note": "after"}).token
    token = shopper.write("updateCustomer", {"id": "c-1", "name": "Ada"}, token=token).answer.token
    return shopper.write("updateProduct", {"id": "p-1", "stock": 7}, token=token).answer.token


def observed(house: House, shopper: Shopper, token: str, number: signal.Signals) -> Run:
    """Look at everything, then end the house by this signal."""
    by_token = shopper.ask(PAGES, token=token)
    counts = house.event_counts()
    exit_code = house.started.end(number)
    left = services_over(house.started.data_dir)
    return Run(by_token.data, counts, by_token, house.started.said, exit_code, left)


def test_answers_are_the_same_after_a_restart(runs: TwoRuns) -> None:
    """What was shown before the restart, writes included, is shown after it."""
    assert runs.second.pages == runs.first.pages
    assert runs.first.pages["order"]["note"] == "after"
    assert runs.first.pages["customer"]["name"] == "Ada"
    assert runs.first.pages["product"]["stock"] == 7


def test_old_token_is_still_valid_after_a_restart(runs: TwoRuns) -> None:
    """`bff dev` keeps its key, and the projection made anew from the feeds meets the old token."""
    answer = runs.second.by_token

    assert answer.errors == []
    assert answer.shown("customer")[0] == "PROJECTION"
    assert answer.consistency["satisfied"] is True


def test_token_of_another_house_is_refused(house: House, runs: TwoRuns) -> None:
    """Keys are made, not built in: a token of one house is a forgery in another."""
    with house.shopper() as shopper:
        answer = shopper.order("o-77", token=runs.token)

    assert answer.codes == {"": "INVALID_CONSISTENCY_TOKEN"}


def test_second_start_loads_no_demo_data_again(runs: TwoRuns) -> None:
    """Demo data is for empty databases; afterwards the services go on with what they have."""
    assert len(re.findall("demo data: ", runs.first.said)) == 3
    assert "demo data" not in runs.second.said
    assert runs.second.event_counts == runs.first.event_counts


@pytest.mark.parametrize("run", ["first", "second"], ids=["SIGINT", "SIGTERM"])
def test_house_that_is_asked_to_end_leaves_nobody(runs: TwoRuns, run: str) -> None:
    """When the gateway has ended, by either signal, its services have ended too, and in peace."""
    ended: Run = getattr(runs, run)

    assert ended.left == {}
    assert ended.exit_code == 0
    assert "Traceback" not in ended.said
    assert "source_failed" not in ended.said
