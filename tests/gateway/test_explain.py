"""`bff explain`: what a query would ask, told without asking."""

import re

import pytest

from gateway.operating.explain import ExplainCommand
from gateway.settings import Settings
from projections.token import ConsistencyToken
from projections.token_codec import TokenCodec
from projections.versions import AggregateKey, AggregateType, Version
from tests.docs.pages import read
from tests.gateway.operating import Ended, run_command
from tests.gateway_in_process import KEYS

PAGE = '{ order(id: "o-1") { total customer { name } items { product { name } } } }'
LOST = "null with an error that says why, if nobody can tell"
LIVE = "live its owner is asked"
HELD = "projection proven current within 2.5 s"
STALE = "stale the projected row within its age limit, if its owner fails"


def bff_explain(*arguments: str, answer: str = "", **settings: object) -> Ended:
    command = ExplainCommand(lambda: Settings.model_validate(settings))
    return run_command(command.run, *arguments, answer=answer)


def waves_of(told: str) -> list[tuple[str, list[str]]]:
    """The tree read back: by wave, what is asked of whom."""
    waves: list[tuple[str, list[str]]] = []
    for line in told.splitlines():
        if wave := re.search(r"wave (\d+)$", line):
            waves.append((wave[1], []))
        elif part := re.search(r"─ (\S+)  (\S+)  (GET .*?)(  \(.*)?$", line):
            waves[-1][1].append(f"{part[1]}: {part[3]}")
    return waves


def ladder_of(told: str, path: str) -> list[str]:
    """The rungs below a part, without their numbers."""
    lines = iter(told.splitlines())
    next(line for line in lines if f"─ {path}  " in line)
    rungs = []
    for line in lines:
        rung = re.search(r"─ \d+\. (\S+) +(.*)$", line)
        if rung is None:
            break
        rungs.append(f"{rung[1]} {rung[2]}")
    return rungs


def test_the_page_shows_what_the_command_says() -> None:
    """The example of the documentation is what is printed for it."""
    shown = re.search(r"^```text\n(.*?)^```$", read("docs/explain.md"), re.MULTILINE | re.DOTALL)
    assert shown is not None

    told = bff_explain(PAGE).out

    assert [line.rstrip() for line in told.splitlines()] == shown[1].splitlines()


@pytest.mark.parametrize(
    ("query", "waves"),
    [
        ('{ product(id: "p-1") { name } }', [("1", ["product: GET /products?ids=p-1"])]),
        (
            '{ orders(customerId: "c-1", first: 5) { edges { node { customer { name } } } } }',
            [
                ("1", ["orders: GET /orders?customerId=c-1&limit=5, its orders included"]),
                ("2", ["orders.edges.node.customer: GET /customers?ids=c-1"]),
            ],
        ),
        (
            (
                '{ me: customer(id: "c-1")'
                " { orders { edges { node { items { product { name } } } } } } }"
            ),
            [
                (
                    "1",
                    [
                        "me: GET /customers?ids=c-1",
                        "me.orders: GET /orders?customerId=c-1&limit=20, its orders included",
                    ],
                ),
                (
                    "2",
                    [
                        (
                            "me.orders.edges.node.items.product: "
                            "GET /products?ids=<products of the orders>, 100 ids a call"
                        )
                    ],
                ),
            ],
        ),
    ],
    ids=["a product", "a list", "a customer and her list"],
)
def test_waves_follow_from_the_query(query: str, waves: list[tuple[str, list[str]]]) -> None:
    """What is known from the query is asked first; what an order leads to, one wave later."""
    assert waves_of(bff_explain(query).out) == waves


@pytest.mark.parametrize(
    ("consistency", "ladder"),
    [
        ("", [HELD, LIVE, STALE, LOST]),
        ("{live: true}", [LIVE, LOST]),
        (
            "{eventual: true}",
            [
                "projection what it holds, however old, its word taken for absence",
                "live only while it is parked, building or out of reach",
                LOST,
            ],
        ),
        (
            "{bounded: {maxStalenessMs: 500}}",
            ["projection proven current within 0.5 s", LIVE, LOST],
        ),
        (
            "{bounded: {maxStalenessMs: 500, onTimeout: ERROR}}",
            [
                "projection proven current within 0.5 s",
                "refused CONSISTENCY_TIMEOUT, with what is missing",
            ],
        ),
        (
            "{atLeast: {tokens: [], onTimeout: STALE}}",
            [
                HELD,
                "stale what the projection holds, and satisfied is false",
                "live only what it does not hold or trust",
                LOST,
            ],
        ),
    ],
)
def test_the_ladder_follows_from_the_mode(consistency: str, ladder: list[str]) -> None:
    """Each mode has its own order of projection, owner, stale row and null."""
    argument = f", consistency: {consistency}" if consistency else ""

    told = bff_explain(f'{{ order(id: "o-1"{argument}) {{ id }} }}').out

    assert ladder_of(told, "order") == ladder


def test_a_token_adds_the_version_and_the_wait() -> None:
    """What the caller has seen of this very order is demanded, and waited for within the cap."""
    seen = ConsistencyToken({AggregateKey(AggregateType.ORDER, "o-1"): Version(1, 3)})
    sealed = TokenCodec(KEYS).seal(seen, "anonymous", 1)

    told = bff_explain('{ order(id: "o-1") { id } }', "--token", sealed).out

    assert ladder_of(told, "order")[:3] == [
        "projection proven current within 2.5 s, at version 1.3 or later",
        "wait up to 0.25 s, if that version is on its way",
        "live its owner is asked, at version 1.3 or later",
    ]


def test_without_a_projection_owners_are_all_there_is() -> None:
    """With BFF_EVENTS=none every part is live or null."""
    told = bff_explain(PAGE, events="none").out

    assert told.startswith("the projection is not asked:")
    assert ladder_of(told, "order.customer") == [LIVE, LOST]


def test_what_may_be_guessed_says_so_only_where_is_guessed() -> None:
    """With guessing off the second wave is a second wave."""
    assert "if guessed" in bff_explain(PAGE).out
    assert "if guessed" not in bff_explain(PAGE, guess_ahead=False).out


def test_variables_and_standard_input_are_read() -> None:
    """A query from a file, with its variables, is told like one on the command line."""
    query = "query Page($id: ID!) { order(id: $id) { id } }"

    told = bff_explain("-", "--variables", '{"id": "o-7"}', answer=query).out

    assert waves_of(told) == [("1", ["order: GET /orders/o-7"])]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["{ order"], "Syntax Error"),
        (['{ order(id: "o-1") { idd } }'], "line 1, column 22: Cannot query field 'idd'"),
        (['{ product(id: "p/1") { id } }'], "id: must be"),
        (["{ " + "a { " * 16 + "b" + " }" * 17], "nested deeper than 15 levels"),
        (["query A { __typename } query B { __typename }"], "--operation NAME"),
        (['mutation { cancelOrder(input: {id: "o-1"}) { order { id } } }'], "only queries"),
        (["{ __typename }", "--variables", "{"], "--variables is no JSON"),
        (["{ __typename }", "--variables", "[]"], "must be a JSON object"),
        (["{ __typename }", "--token", "?"], "--token: not a consistency token"),
    ],
)
def test_what_cannot_be_run_is_refused_in_words(arguments: list[str], problem: str) -> None:
    """A query that the door would refuse is refused here, with exit code 2 and no stack."""
    ended = bff_explain(*arguments)

    assert ended.code == 2
    assert problem in ended.err
    assert "Traceback" not in ended.err + ended.out


def test_a_query_that_reads_nothing_says_so() -> None:
    """The schema's own fields cost no call."""
    assert bff_explain("{ __typename }").out.strip() == "nothing is read"


def test_help_tells_every_option() -> None:
    """`bff explain --help` is enough to use it."""
    told = bff_explain("--help").out

    for word in ("--variables", "--token", "--operation", "Exit code"):
        assert word in told
