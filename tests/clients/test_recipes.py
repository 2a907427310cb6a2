"""The recipes of docs/clients.md, run by Node against a house whose customers' feed stands still.

Nothing but a token can show a new name there. Each client tells of one session; see session.js.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clients.recipes import recipes
from tests.e2e.house import HELD, House
from tests.e2e.processes import PATIENCE_S

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CLIENTS: Final = ("plain-fetch", "urql", "urql-post", "apollo", "apollo-get")
CUSTOMERS_EACH: Final = 40
FAILING_WRITES: Final = {"path": "/products", "methods": ["PATCH"], "errorRate": 1}

Told = dict[str, Any]
"""What a session says of itself."""


@pytest.fixture(scope="module")
def held_house(house: House) -> Iterator[House]:
    """Commits go on, the projection sees no customer change; changes of products fail."""
    with house.with_faults("customers", HELD), house.with_faults("products", FAILING_WRITES):
        yield house


@pytest.fixture(scope="module", params=CLIENTS)
def told(request: pytest.FixtureRequest, held_house: House, node_project: Path) -> Told:
    """One session of the client, with customers of its own."""
    first = 1 + CUSTOMERS_EACH * CLIENTS.index(request.param)
    ran = subprocess.run(
        ("node", "session.js", request.param, held_house.started.address, str(first)),
        cwd=node_project,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    said: Told = json.loads(ran.stdout.splitlines()[-1])
    return said | {"client": request.param}


def test_a_client_is_shown_its_own_write(told: Told) -> None:
    """Written and read at once through one client, the new name is there, as it had to be."""
    assert told["own"]["shown"] == "Own"
    assert told["own"]["satisfied"]


def test_without_a_jar_it_is_shown_the_old_state(told: Told) -> None:
    """The control: the same client and the same query, without the tokens."""
    assert told["ownWithoutJar"]["shown"] != "Own"


def test_reads_travel_as_the_client_sends_them(told: Told) -> None:
    """The jar is below the client and leaves its requests as they are: POST or GET."""
    by_get = {"urql", "apollo-get"}

    assert told["own"]["method"] == ("GET" if told["client"] in by_get else "POST")


def test_twenty_writes_at_once_are_all_shown(told: Told) -> None:
    """Answers that know nothing of each other take nothing out of the jar but what they cover."""
    assert told["manyOfTwenty"] == 20


def test_keeping_the_last_token_forgets(told: Told) -> None:
    """The control: of twenty writes at once, the last token promises one."""
    assert told["manyOfTwentyKeepingLast"] < 20


def test_more_writes_at_once_than_a_request_takes_tokens(told: Told) -> None:
    """Beyond 32 tokens the jar has them joined, so none is refused and none forgotten."""
    assert told["manyOfForty"] == 40


def test_a_failed_mutation_promises_what_it_has_written(told: Told) -> None:
    """A mutation whose second field fails has written by its first, and that is shown."""
    assert told["failed"] == {"failed": True, "shown": "Before it failed"}


def test_a_refused_token_is_dropped_and_the_request_sent_once_more(told: Told) -> None:
    """Refused before anything was run, a mutation is sent again, and written once."""
    bad = told["bad"]

    assert bad["statuses"] == [400, 200]
    assert bad["timesWritten"] == 1
    assert len(bad["tokens"]) == 1
    assert bad["tokens"][0].startswith("ct1")


def test_no_answer_from_before_a_write_comes_after_it(told: Told) -> None:
    """A query overtaken by a write is asked again, also for whoever shares it in flight."""
    late = told["late"]

    assert late["onTheWire"] != "Meanwhile"
    assert late["shown"] == ["Meanwhile", "Meanwhile"]


def test_the_page_has_a_recipe_for_each_client() -> None:
    """Four files stand on the page, and each but the jar takes its tokens from the jar.

    Who follows orders has a token of her own.
    """
    written = {name: code for name, code in recipes().items() if not name.startswith("follow")}
    jar = written.pop("token-jar.js")

    assert set(written) == {"plain-fetch.js", "urql.js", "apollo.js"}
    assert all('from "./token-jar.js"' in code for code in written.values())
    assert len(re.findall(r"^export class", jar, re.MULTILINE)) == 1
