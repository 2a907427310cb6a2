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
STALE = "stale what is at hand, less than 60 s old, if its owner fails"
UNTRUSTED = "live only what it does not hold or trust"


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
                STALE,
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
                UNTRUSTED,
                LOST,
            ],
        ),
        (
            "{atLeast: {tokens: [], onTimeout: STALE}}",
            [
                HELD,
                "stale what the projection holds, and satisfied is false",
                UNTRUSTED,
                STALE,
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


@pytest.mark.parametrize(
    ("consistency", "wait"),
    [
        ("{atLeast: {tokens: []}}", ["wait up to 0.25 s, if that version is on its way"]),
        ("{bounded: {maxStalenessMs: 2500}}", ["wait up to 0.25 s, if that version is on its way"]),
        ("{atLeast: {tokens: [], maxWaitMs: 0}}", []),
    ],
)
def test_a_token_adds_the_version_and_the_wait(consistency: str, wait: list[str]) -> None:
    """What the caller has seen of this very order is demanded, and waited for within the cap."""
    seen = ConsistencyToken({AggregateKey(AggregateType.ORDER, "o-1"): Version(1, 3)})
    sealed = TokenCodec(KEYS).seal(seen, "anonymous", 1)
    query = f'{{ order(id: "o-1", consistency: {consistency}) {{ id }} }}'

    told = bff_explain(query, "--token", sealed).out

    assert ladder_of(told, "order")[: 2 + len(wait)] == [
        "projection proven current within 2.5 s, at version 1.3 or later",
        *wait,
        "live its owner is asked, at version 1.3 or later",
    ]


def test_without_a_projection_owners_are_all_there_is() -> None:
    """With BFF_EVENTS=none a row is live, or what its owner has told before; a list is live."""
    query = '{ customer(id: "c-1") { orders { edges { node { id } } } } }'

    told = bff_explain(query, events="none").out

    assert told.startswith("the projection is not asked:")
    assert ladder_of(told, "customer") == [LIVE, STALE, LOST]
    assert ladder_of(told, "customer.orders") == [LIVE, LOST]


def test_where_nothing_may_stand_in_nothing_is_told_of_it() -> None:
    """With BFF_STALE_IF_ERROR_S=0 a failure is a failure."""
    told = bff_explain('{ order(id: "o-1") { id } }', stale_if_error_s=0).out

    assert ladder_of(told, "order") == [HELD, LIVE, LOST]


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
        (["{ order", "--code"], "Syntax Error"),
        (["query A { __typename } query B { __typename }", "--code"], "--operation NAME"),
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


def test_the_code_of_a_query_is_shown() -> None:
    """With --code, what is written for the query is printed, as it is run."""
    query = "query ($all: Boolean = true) { product(id: 7) { name stock @include(if: $all) } }"

    told = bff_explain(query, "--code").out
    without = bff_explain(query, "--code", "--variables", '{"all": false}').out

    assert "def data(roots):" in told
    assert "row.stock" in told
    assert "row.stock" not in without
    compile(told, "told", "exec")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["{ __schema { types { name } } }"], "of the root field __schema nothing is known"),
        (["mutation { __typename }"], "only queries are planned"),
        (
            ["query ($c: Boolean!) { a: __typename @skip(if: $c) }"],
            "a directive whose condition is no boolean",
        ),
    ],
    ids=["introspection", "a mutation", "a condition that is not given"],
)
def test_what_has_no_code_says_why(arguments: list[str], reason: str) -> None:
    """What no code is written for is told with the reason, and that it is run all the same."""
    ended = bff_explain(*arguments, "--code")

    assert ended.code == 0
    assert ended.out.strip() == f"graphql-core runs it: {reason}"


def test_help_tells_every_option() -> None:
    """`bff explain --help` is enough to use it."""
    told = bff_explain("--help").out

    for word in ("--variables", "--token", "--operation", "--code", "Exit code"):
        assert word in told
