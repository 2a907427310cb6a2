"""Documents that are cheap to send and dear to read: nested, repeated, circular, endless."""

from collections.abc import Iterator

from tests.attacks.corpus.attack import (
    BAD_USER_INPUT,
    OK,
    PARSE,
    TOO_LARGE,
    VALIDATION,
    Attack,
    asked,
)

ORDER = 'order(id: "o-1")'


def documents() -> Iterator[Attack]:
    """All of them."""
    yield from _nested()
    yield from _repeated()
    yield from _fragments()
    yield from _literals()
    yield from _misspelt()
    yield from _introspecting()
    yield from _malformed()
    yield from _pages()


def _nested() -> Iterator[Attack]:
    deep = "orders { edges { node { customer { " * 40 + "id" + " } } } }" * 40
    yield asked("nested a hundred levels", f'{{ customer(id: "c-1") {{ {deep} }} }}', TOO_LARGE)
    braces = "{ a " * 450 + "}" * 450
    yield asked("nested to the end of the tokens", braces, TOO_LARGE)
    yield asked("nested a hundred thousand levels", "{a" * 100_000, TOO_LARGE, PARSE)
    inline = "... { " * 300 + "id" + " }" * 300
    yield asked("inline fragments in one another", f"{{ {ORDER} {{ {inline} }} }}", TOO_LARGE, OK)
    lists = "[" * 400 + "]" * 400
    yield asked("a list in a list in a list", f"{{ order(id: {lists}) {{ id }} }}", TOO_LARGE)
    objects = "{a:" * 300 + "1" + "}" * 300
    yield asked(
        "an object in an object", f"{{ order(id: {objects}) {{ id }} }}", VALIDATION, TOO_LARGE
    )
    types = "[" * 450 + "Int" + "]" * 450
    yield asked("a type of lists of lists", f"query($a: {types}) {{ {ORDER} {{ id }} }}", TOO_LARGE)


def _repeated() -> Iterator[Attack]:
    aliases = " ".join(f"a{i}: id" for i in range(300))
    yield asked("three hundred aliases", f"{{ {ORDER} {{ {aliases} }} }}", TOO_LARGE, OK)
    roots = " ".join(f"a{i}: {ORDER} {{ id }}" for i in range(90))
    yield asked("ninety roots", f"{{ {roots} }}", TOO_LARGE)
    yield asked("one field nine hundred times", f"{{ {ORDER} {{ {'id ' * 900} }} }}", TOO_LARGE)
    nodes = f"{ORDER} {{ id }} " * 120
    yield asked("one root a hundred times", f"{{ {nodes} }}", TOO_LARGE)
    conflicting = " ".join(f'order(id: "o-{i}") {{ id }}' for i in range(110))
    yield asked("a hundred conflicting arguments", f"{{ {conflicting} }}", TOO_LARGE, VALIDATION)
    crossed = " ".join(f"x: {name}" for name in ("id", "note", "total", "status") * 60)
    yield asked("one alias of many fields", f"{{ {ORDER} {{ {crossed} }} }}", TOO_LARGE, VALIDATION)
    directives = "@include(if: true) " * 150
    yield asked(
        "one directive many times", f"{{ {ORDER} {{ id {directives} }} }}", TOO_LARGE, VALIDATION
    )
    unknown = " ".join(f"@d{i}" for i in range(300))
    yield asked("unknown directives", f"{{ {ORDER} {{ id {unknown} }} }}", TOO_LARGE, VALIDATION)
    operations = " ".join(f"query q{i} {{ {ORDER} {{ id }} }}" for i in range(80))
    yield asked("eighty operations", operations, TOO_LARGE, VALIDATION)
    anonymous = f"{{ {ORDER} {{ id }} }} " * 80
    yield asked("eighty operations without names", anonymous, TOO_LARGE, VALIDATION)


def _fragments() -> Iterator[Attack]:
    doubling = " ".join(f"fragment f{i} on Order {{ ...f{i + 1} ...f{i + 1} }}" for i in range(25))
    last = "fragment f25 on Order { id }"
    yield asked(
        "fragments that double", f"{{ {ORDER} {{ ...f0 }} }} {doubling} {last}", TOO_LARGE, OK
    )
    growing = " ".join(
        f"fragment f{i} on Customer {{ a{i}: orders {{ edges {{ node {{ customer {{ ...f{i + 1} "
        f"...f{i + 1} }} }} }} }} }}"
        for i in range(20)
    )
    yield asked(
        "fragments that double and nest",
        f'{{ customer(id: "c-1") {{ ...f0 }} }} {growing} fragment f20 on Customer {{ id }}',
        TOO_LARGE,
    )
    yield asked(
        "a fragment of itself",
        f"{{ {ORDER} {{ ...f }} }} fragment f on Order {{ ...f }}",
        VALIDATION,
        TOO_LARGE,
    )
    circle = " ".join(f"fragment f{i} on Order {{ id ...f{(i + 1) % 60} }}" for i in range(60))
    yield asked("a circle of sixty", f"{{ {ORDER} {{ ...f0 }} }} {circle}", VALIDATION, TOO_LARGE)
    crossed = " ".join(
        f"fragment f{i} on Order {{ {' '.join(f'...f{j}' for j in range(20) if j != i)} }}"
        for i in range(20)
    )
    yield asked("all of one another", f"{{ {ORDER} {{ ...f0 }} }} {crossed}", VALIDATION, TOO_LARGE)
    unused = " ".join(f"fragment f{i} on Order {{ id }}" for i in range(130))
    yield asked("unused fragments", f"{{ {ORDER} {{ id }} }} {unused}", VALIDATION, TOO_LARGE)
    twins = "fragment f on Order { id } " * 130
    yield asked("fragments of one name", f"{{ {ORDER} {{ ...f }} }} {twins}", VALIDATION, TOO_LARGE)
    spread = "...f " * 300
    yield asked(
        "one fragment three hundred times",
        f"{{ {ORDER} {{ {spread} }} }} fragment f on Order {{ id note total }}",
        TOO_LARGE,
        OK,
    )
    conflicting = " ".join(
        f"fragment f{i} on Order {{ x: {n} }}" for i, n in enumerate(["id", "note"] * 50)
    )
    spreads = " ".join(f"...f{i}" for i in range(100))
    yield asked(
        "conflicting fragments",
        f"{{ {ORDER} {{ {spreads} }} }} {conflicting}",
        VALIDATION,
        TOO_LARGE,
    )


def _literals() -> Iterator[Attack]:
    yield asked(
        "a number of 4,000 digits", f"{{ order(id: {'9' * 4000}) {{ id }} }}", BAD_USER_INPUT
    )
    yield asked(
        "a page of 4,000 digits",
        f'{{ orders(customerId: "c-1", first: {"9" * 4000}) {{ edges {{ cursor }} }} }}',
        VALIDATION,
        TOO_LARGE,
    )
    yield asked(
        "a price without end",
        f'mutation {{ updateProduct(input: {{id: "p-1", price: "1e{"9" * 300}"}}) '
        "{ userErrors { code } } }",
        VALIDATION,
        BAD_USER_INPUT,
        OK,
    )
    yield asked(
        "an id of a hundred thousand letters",
        f'{{ order(id: "{"x" * 100_000}") {{ id }} }}',
        TOO_LARGE,
    )
    yield asked(
        "a block of a hundred thousand lines",
        '{ order(id: """' + "\n" * 100_000 + '""") { id } }',
        TOO_LARGE,
    )
    escapes = "\\u0041" * 5_000
    yield asked("a text of escapes", f'{{ order(id: "{escapes}") {{ id }} }}', BAD_USER_INPUT)
    fields = " ".join(f"f{i}: 1" for i in range(250))
    yield asked(
        "an input of unknown fields",
        f"mutation {{ updateOrder(input: {{ {fields} }}) {{ userErrors {{ code }} }} }}",
        VALIDATION,
        TOO_LARGE,
    )
    enums = " ".join(
        f'a{i}: orders(customerId: "c", status: X{i}) {{ edges {{ cursor }} }}' for i in range(30)
    )
    yield asked("unknown words", f"{{ {enums} }}", VALIDATION)


def _misspelt() -> Iterator[Attack]:
    fields = " ".join(f"unknown{i}" for i in range(400))
    yield asked(
        "four hundred unknown fields", f"{{ {ORDER} {{ {fields} }} }}", VALIDATION, TOO_LARGE
    )
    arguments = " ".join(f"a{i}: 1" for i in range(250))
    yield asked("unknown arguments", f"{{ order({arguments}) {{ id }} }}", VALIDATION, TOO_LARGE)
    variables = " ".join(f"$v{i}: Int" for i in range(200))
    yield asked(
        "unused variables", f"query({variables}) {{ {ORDER} {{ id }} }}", VALIDATION, TOO_LARGE
    )
    missing = " ".join(f"a{i}: order(id: $v{i}) {{ id }}" for i in range(30))
    yield asked("variables of nowhere", f"{{ {missing} }}", VALIDATION)
    same = "$v: Int " * 200
    yield asked(
        "one variable often", f"query({same}) {{ {ORDER} {{ id }} }}", VALIDATION, TOO_LARGE
    )
    types = " ".join(f"... on T{i} {{ id }}" for i in range(150))
    yield asked("fragments on unknown types", f"{{ {ORDER} {{ {types} }} }}", VALIDATION, TOO_LARGE)
    scalars = " ".join(f"a{i}: id {{ x }}" for i in range(150))
    yield asked("fields of what has none", f"{{ {ORDER} {{ {scalars} }} }}", VALIDATION, TOO_LARGE)


def _introspecting() -> Iterator[Attack]:
    yield asked("the whole schema", "{ __schema { types { name fields { name } } } }", VALIDATION)
    of_type = "ofType { " * 60 + "name" + " }" * 60
    yield asked(
        "types of types of types",
        f"{{ __schema {{ types {{ fields {{ type {{ {of_type} }} }} }} }} }}",
        VALIDATION,
        TOO_LARGE,
    )
    names = " ".join(f't{i}: __type(name: "Order") {{ name }}' for i in range(60))
    yield asked("one type sixty times", f"{{ {names} }}", VALIDATION, TOO_LARGE)


def _malformed() -> Iterator[Attack]:
    yield asked(
        "a comment of 200,000 letters", f"# {'x' * 200_000}\n{{ {ORDER} {{ id }} }}", TOO_LARGE, OK
    )
    yield asked("a hundred thousand comments", "#\n" * 60_000, TOO_LARGE, PARSE)
    yield asked("nothing but commas", "," * 200_000, TOO_LARGE, PARSE)
    yield asked("a NUL in the document", "{ order\x00 }", PARSE)
    yield asked("half a surrogate", '{ order(id: "\\ud800") { id } }', PARSE)
    yield asked("a character beyond all", '{ order(id: "\\u{110000}") { id } }', PARSE)
    yield asked("a text without end", '{ order(id: "' + "x" * 1_000, PARSE)
    yield asked("a block without end", '{ order(id: """' + "x\n" * 1_000, PARSE)
    yield asked("no braces", "query", PARSE)
    yield asked("empty braces", "{}", PARSE, OK)
    yield asked("only spaces", "   ", "BAD_REQUEST")
    yield asked("another language", "SELECT * FROM orders; DROP TABLE orders", PARSE)
    yield asked("parts of answers later", f"{{ {ORDER} {{ ... @defer {{ id }} }} }}", VALIDATION)
    yield asked("a definition of a type", "type Order { secret: String }", VALIDATION)
    yield asked("an extension of the schema", "extend schema { mutation: Query }", VALIDATION)


def _pages() -> Iterator[Attack]:
    wide = "orders(first: 100) { edges { node { customer { "
    yield asked(
        "pages of pages of pages",
        '{ customer(id: "c-1") { ' + wide * 3 + "id" + " } } } }" * 3 + " } }",
        TOO_LARGE,
    )
    for size in (-1, 0, 2_147_483_647):
        yield asked(
            f"a page of {size}",
            f'{{ orders(customerId: "c-1", first: {size}) {{ edges {{ cursor }} }} }}',
            BAD_USER_INPUT,
        )
    yield asked(
        "a page of a variable",
        'query($n: Int) { orders(customerId: "c-1", first: $n) { edges { node { items '
        "{ product { id name price currency stock version } } } } } }",
        TOO_LARGE,
        BAD_USER_INPUT,
        variables={"n": 10**9},
    )
    yield asked(
        "a cursor of garbage",
        '{ orders(customerId: "c-1", after: "' + "A" * 30_000 + '") { edges { cursor } } }',
        BAD_USER_INPUT,
    )
