"""Documents written by hand, one for each thing that is easily got wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tests.laws.plans import desk

CURSOR: Final = desk.PLAIN_CURSORS[0]
SEALED: Final = desk.GOOD_CURSORS[2]
EXPIRED: Final = desk.GOOD_CURSORS[4]
TOKEN: Final = desk.GOOD_TOKENS[0]
PAGE: Final = "edges { cursor node { id } } pageInfo { endCursor hasNextPage }"
LINES: Final = '{ order(id: "o-1") { items { __typename } } }'


@dataclass(frozen=True, slots=True)
class OddDocument:
    """One request; ``name`` says what is odd about it."""

    name: str
    text: str
    variables: Mapping[str, object] = field(default_factory=dict)
    operation_name: str | None = None


ODD_DOCUMENTS: Final = (
    OddDocument(
        "a field merged from three places",
        """{ order(id: "o-1") { customer { name } ...A customer { id ... { email } } } }
        fragment A on Order { customer { version id } total }""",
    ),
    OddDocument(
        "merged fields whose keys come in another order",
        '{ order(id: "o-1") { b: total a: note } order(id: "o-1") { a: note c: id b: total } }',
    ),
    OddDocument(
        "a merged list of orders, asked for different fields",
        """{ customer(id: "c-1") { orders(first: 2) { edges { node { items { product { id } } } } }
        orders(first: 2) { edges { node { customer { name } } } } } }""",
    ),
    OddDocument(
        "fields that wear each other's names",
        '{ order(id: "o-1") { total: note note: total id: currency currency: id } }',
    ),
    OddDocument(
        "roots that wear each other's names",
        '{ product: order(id: "o-1") { id } order: product(id: "p-1") { id } }',
    ),
    OddDocument(
        "one field under many keys",
        '{ order(id: "o-1") { a: customer { id } b: customer { id } customer { id } } }',
    ),
    OddDocument(
        "one row under many roots",
        '{ a: order(id: "o-1") { id } b: order(id: "o-1") { total } o: order(id: "o-2") { id } }',
    ),
    OddDocument(
        "fragments on fragments",
        """{ ...Q } fragment Q on Query { order(id: "o-2") { ...O } }
        fragment O on Order { ...P customer { ...C } } fragment P on Order { total }
        fragment C on Customer { name ... on Customer { email } ...D }
        fragment D on Customer { id name }""",
    ),
    OddDocument(
        "a fragment spread twice, once under a condition",
        """query ($c1: Boolean!) { order(id: "o-1") { ...F @include(if: $c1) id ...F } }
        fragment F on Order { total note }""",
        {"c1": False},
    ),
    OddDocument(
        "inline fragments without a type",
        """query ($c1: Boolean!) {
        ... { order(id: "o-1") { ... @skip(if: $c1) { id ... { note } } } }
        ... @include(if: $c1) { product(id: "p-1") { name } } }""",
        {"c1": True},
    ),
    OddDocument(
        "skipped and included at once",
        """query ($c1: Boolean!) { order(id: "o-1") {
        id @skip(if: $c1) @include(if: $c1) note @skip(if: false) @include(if: true)
        total @skip(if: true) @include(if: true)
        __typename @include(if: $c1) @skip(if: false) } }""",
        {"c1": True},
    ),
    OddDocument(
        "everything skipped",
        'query ($c1: Boolean!) { order(id: "o-1") @skip(if: $c1) { id } }',
        {"c1": True},
    ),
    OddDocument(
        "an object of which everything is skipped",
        'query ($c1: Boolean!) { order(id: "o-1") { customer { id @skip(if: $c1) } } }',
        {"c1": True},
    ),
    OddDocument(
        "a condition by default",
        'query ($c1: Boolean = false) { order(id: "o-1") { id @include(if: $c1) note } }',
    ),
    OddDocument(
        "a condition against its default",
        'query ($c1: Boolean! = true) { order(id: "o-1") { id @skip(if: $c1) note } }',
        {"c1": False},
    ),
    OddDocument(
        "a condition that is null against its default",
        'query ($c1: Boolean = true) { order(id: "o-1") { id @skip(if: $c1) note } }',
        {"c1": None},
    ),
    OddDocument(
        "a condition that is missing",
        'query ($c1: Boolean!) { order(id: "o-1") { id @skip(if: $c1) note } }',
    ),
    OddDocument(
        "a condition that is one, and no boolean",
        'query ($c1: Boolean!) { order(id: "o-1") { id @skip(if: $c1) note } }',
        {"c1": 1},
    ),
    OddDocument(
        "a condition that cannot be a key",
        'query ($c1: Boolean!) { order(id: "o-1") { id @skip(if: $c1) note } }',
        {"c1": [True]},
    ),
    OddDocument(
        "names of types everywhere",
        """{ __typename q: __typename order(id: "o-1") { __typename customer { __typename
        orders { __typename edges { __typename node { __typename } } pageInfo { __typename } } }
        items { __typename product { __typename } } } }""",
    ),
    OddDocument("lines of which nothing is shown", LINES),
    OddDocument("nothing but the name of the root", "{ __typename }"),
    OddDocument(
        "a list within a list",
        """{ orders(customerId: "c-1") { edges { node { items { quantity product { name stock } }
        customer { orders(first: 3) { edges { node { items { product { price } } } } } } } } } }""",
    ),
    OddDocument(
        "pages by literal, variable, default and null",
        f"""query ($n: Int, $m: Int = 3, $a: String = "{CURSOR}") {{ customer(id: "c-1") {{
        p: orders(first: 2) {{ {PAGE} }} q: orders(first: $n) {{ {PAGE} }} r: orders {{ {PAGE} }}
        s: orders(first: $m, after: $a) {{ {PAGE} }} t: orders(first: null) {{ {PAGE} }} }} }}""",
        {"n": None},
    ),
    OddDocument(
        "a good page beside bad ones",
        f"""{{ customer(id: "c-1") {{ p: orders {{ {PAGE} }} q: orders(first: 0) {{ {PAGE} }}
        r: orders(first: 101) {{ {PAGE} }} s: orders(after: "?") {{ {PAGE} }} }} }}""",
    ),
    OddDocument(
        "bad pages below a list",
        f"""query ($n: Int) {{ orders(customerId: "c-1") {{ edges {{ node {{ customer {{
        orders(first: $n) {{ {PAGE} }} }} }} }} }} }}""",
        {"n": 1000},
    ),
    OddDocument("a bad page at the root", f'{{ orders(customerId: "c", first: 0) {{ {PAGE} }} }}'),
    OddDocument(
        "cursors that know what was seen",
        f"""query ($a: String) {{ orders(customerId: "c-1", after: $a) {{ {PAGE} }}
        customer(id: "c-1") {{ orders(after: "{SEALED}") {{ {PAGE} }} }} }}""",
        {"a": SEALED},
    ),
    OddDocument(
        "a cursor that has expired",
        f'{{ orders(customerId: "c-1", after: "{EXPIRED}") {{ edges {{ node {{ total }} }} }} }}',
    ),
    OddDocument(
        "the same expired cursor twice",
        f"""{{ orders(customerId: "c-1", after: "{EXPIRED}") {{ {PAGE} }}
        o: orders(customerId: "c-2", after: "{EXPIRED}") {{ edges {{ node {{ version }} }} }} }}""",
    ),
    OddDocument("a page after nothing", f'{{ orders(customerId: "c-1", after: "") {{ {PAGE} }} }}'),
    OddDocument(
        "a page of one status",
        f"""query ($s: OrderStatus) {{ orders(customerId: "c-1", status: $s) {{ {PAGE} }}
        o: orders(customerId: "c-1", status: SHIPPED) {{ {PAGE} }} }}""",
        {"s": "PLACED"},
    ),
    OddDocument(
        "an id that is a number",
        "query ($i: ID!) { order(id: $i) { id } product(id: 7) { id } }",
        {"i": 7},
    ),
    OddDocument(
        "an id that cannot be one", '{ order(id: "o/1") { id } product(id: "p-1") { id } }'
    ),
    OddDocument(
        "a required argument that is null by its variable",
        'query ($i: ID = "o-1") { order(id: $i) { id } product(id: "p-1") { id } }',
        {"i": None},
    ),
    OddDocument(
        "a variable of no use for the operation",
        'query A($i: ID!) { order(id: $i) { id } } query B { product(id: "p-1") { id } }',
        {"i": "o-1", "more": 5},
        "B",
    ),
    OddDocument("no operation of that name", "query A { __typename }", {}, "B"),
    OddDocument(
        "several operations and none named", "query A { __typename } query B { __typename }"
    ),
    OddDocument(
        "conditions of another operation",
        """query A($c1: Boolean!) { ...F @include(if: $c1) __typename } query B { ...F }
        fragment F on Query { order(id: "o-1") { id } }""",
        {},
        "B",
    ),
    OddDocument(
        "one condition with two defaults",
        """query A($c1: Boolean = true) { ...F } query B($c1: Boolean = false) { ...F }
        fragment F on Query { __typename order(id: "o-1") @skip(if: $c1) { id } }""",
        {},
        "A",
    ),
    *(
        OddDocument(
            f"consistency: {mode}",
            f"""query ($t: ConsistencyToken! = "{TOKEN}", $ms: Int = 5, $o: OnTimeout = ERROR) {{
            order(id: "o-1", consistency: {{{mode}}}) {{ id customer {{ name }} }}
            product(id: "p-2", consistency: {{atLeast: {{tokens: [$t], maxWaitMs: $ms,
            onTimeout: $o}}}}) {{ id }} }}""",
        )
        for mode in (
            "eventual: true",
            "eventual: false",
            "live: true",
            "bounded: {maxStalenessMs: 500, onTimeout: $o}",
            "bounded: {maxStalenessMs: -1}",
            "atLeast: {tokens: []}",
            'atLeast: {tokens: ["?"]}',
            "atLeast: {tokens: [$t], maxWaitMs: $ms}",
            "causal: {}",
            "causal: {tokens: [$t], onTimeout: null}",
            "live: true, eventual: true",
            "",
        )
    ),
    OddDocument(
        "a consistency that is a variable",
        """query ($k: Consistency) { order(id: "o-1", consistency: $k) { id }
        o: orders(customerId: "c-1", consistency: $k) { edges { cursor } } }""",
        {"k": {"causal": {"tokens": [TOKEN], "maxWaitMs": 20}}},
    ),
    OddDocument(
        "a demand beside a root that ends it all",
        f"""query ($b: Boolean!) {{
        order(id: "o-1", consistency: {{atLeast: {{tokens: ["{TOKEN}"]}}}}) {{ id }}
        orders(customerId: "c-1", consistency: {{live: true, eventual: $b}}) {{ __typename }} }}""",
        {"b": True},
    ),
    OddDocument(
        "the schema beside rows",
        '{ __type(name: "Order") { name } order(id: "o-1") { id } }',
    ),
    OddDocument("a mutation", "mutation { __typename }"),
    OddDocument(
        "quotes and braces in literals",
        '{ order(id: "}\\"\\\\") { id } product(id: """p-1""") { id }'
        ' o: product(id: "\'") { id } }',
    ),
    OddDocument(
        "keys that are words of Python",
        '{ class: order(id: "o-1") { def: id None: note r: total row: id at: version } }',
    ),
    OddDocument(
        "more fields than a plan has",
        '{ order(id: "o-1") { ' + " ".join(f"a{n}: id" for n in range(2_100)) + " } }",
    ),
)
