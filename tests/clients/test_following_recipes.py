"""The recipes that follow an order, run by Node: each state once, over lost connections."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.house import House
from tests.e2e.processes import PATIENCE_S
from tests.e2e.shopper import order_input

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@dataclass(frozen=True)
class Follower:
    """A Node process that follows an order."""

    process: "subprocess.Popen[str]"

    def next(self) -> Any:
        """The next state that it is shown. Waits for it; the test's own time limit is the limit."""
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def cut(self) -> None:
        """Cut its connection off."""
        assert self.process.stdin is not None
        self.process.stdin.write("cut\n")
        self.process.stdin.flush()


@contextmanager
def following(project: Path, transport: str, address: str, order_id: str) -> Iterator[Follower]:
    process = subprocess.Popen(
        ("node", "follow.js", transport, address, order_id),
        cwd=project,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Follower(process)
        finally:
            process.kill()
            process.wait(PATIENCE_S)


@pytest.mark.parametrize("transport", ["ws", "sse"])
def test_a_recipe_follows_an_order_over_a_lost_connection(
    node_project: Path, house: House, transport: str
) -> None:
    """How it is, then each change, also one that was made while nobody was connected."""
    with house.shopper() as shopper:
        placed = shopper.mutate("placeOrder", order_input()).data["placeOrder"]["order"]["id"]

        with following(node_project, transport, house.started.address, placed) as follower:
            first = follower.next()
            shopper.mutate("updateOrder", {"id": placed, "note": "one"})
            second = follower.next()
            follower.cut()
            shopper.mutate("updateOrder", {"id": placed, "note": "two"})
            third = follower.next()

    assert [state["version"] for state in (first, second, third)] == [1, 2, 3]
    assert [second["note"], third["note"]] == ["one", "two"]
