"""Plans are made no faster than leaves time for answers, kept with their document, and bounded."""

from dataclasses import dataclass

import pytest

from gateway.admission.limits import DocumentLimits
from gateway.execution.document import Document
from gateway.execution.documents import MAX_PLANS, Documents
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.execution.plans import PLANS_PER_S, PlanCounts, PlanMaker, PutOff
from resolvers.schema import build_schema

SCHEMA = build_schema()
LIMITS = DocumentLimits(depth_limit=15, cost_limit=7_500)
ORDER = '{ order(id: "o-1") { id } }'


@dataclass
class Clock:
    """A clock that a test sets."""

    now_s: float = 100.0

    def __call__(self) -> float:
        return self.now_s


def some_documents(clock: Clock | None = None) -> tuple[Documents, PlanMaker]:
    maker = PlanMaker(SCHEMA, clock or Clock())
    core = graphql_schema_of(SCHEMA)
    documents = Documents(
        core, token_limit=4_000, limits=LIMITS, is_introspection_on=True, maker=maker
    )
    return documents, maker


def text(number: int) -> str:
    return f'{{ a{number}: product(id: "p-1") {{ id }} }}'


def make(maker: PlanMaker, query: str) -> None:
    document = some_documents()[0].read(query, {})
    operation = document.operation(None)
    assert operation is not None
    maker.make(document.node, operation, {})


class TestPace:
    """`PlanMaker`."""

    def test_after_a_rest_a_second_of_plans_may_be_made_at_once(self) -> None:
        """As many as a second may bring, and not one more."""
        _, maker = some_documents()
        for _ in range(int(PLANS_PER_S)):
            make(maker, ORDER)

        with pytest.raises(PutOff):
            make(maker, ORDER)

        assert maker.counts == PlanCounts(made=int(PLANS_PER_S), put_off=1)

    def test_time_brings_others(self) -> None:
        """After half a second, half of them."""
        clock = Clock()
        _, maker = some_documents(clock)
        for _ in range(int(PLANS_PER_S)):
            make(maker, ORDER)
        clock.now_s += 0.5

        for _ in range(int(PLANS_PER_S / 2)):
            make(maker, ORDER)

        with pytest.raises(PutOff):
            make(maker, ORDER)

    def test_what_is_impossible_costs_as_much(self) -> None:
        """Looking in vain is work, too: it is counted, and taken from the same second."""
        _, maker = some_documents()
        for _ in range(int(PLANS_PER_S)):
            make(maker, "{ __schema { description } }")

        with pytest.raises(PutOff):
            make(maker, ORDER)

        assert maker.counts.impossible == PLANS_PER_S


class TestKeeping:
    """`Documents.plan`."""

    def test_a_plan_is_made_once(self) -> None:
        """The second request finds the plan of the first."""
        documents, maker = some_documents()
        document = documents.read(ORDER, {})

        first = documents.plan(document, None, {})

        assert first is not None
        assert documents.plan(documents.read(ORDER, {}), None, {}) is first
        assert maker.counts.made == 1

    def test_what_is_impossible_is_remembered(self) -> None:
        """Nobody looks again for a plan that cannot be."""
        documents, maker = some_documents()
        document = documents.read("{ __schema { description } }", {})

        assert [documents.plan(document, None, {}) for _ in range(3)] == [None] * 3

        assert maker.counts.impossible == 1

    def test_who_is_put_off_asks_again(self) -> None:
        """A plan that there was no time for is made later."""
        clock = Clock()
        documents, maker = some_documents(clock)
        for number in range(int(PLANS_PER_S)):
            documents.plan(documents.read(text(number), {}), None, {})
        document = documents.read(ORDER, {})

        assert documents.plan(document, None, {}) is None
        clock.now_s += 1.0

        assert documents.plan(document, None, {}) is not None
        assert maker.counts.put_off == 1

    def test_each_operation_and_each_condition_has_its_plan(self) -> None:
        """What is left out by a condition is not in the code at all."""
        documents, _ = some_documents()
        query = """query A($c: Boolean = true) { ...F } query B($c: Boolean = false) { ...F }
            fragment F on Query { order(id: "o-1") { note @include(if: $c) id } }"""
        document = documents.read(query, {})

        assert is_note_in(documents, document, "A")
        assert not is_note_in(documents, document, "B")
        assert not is_note_in(documents, document, "A", c=False)
        assert is_note_in(documents, document, "B", c=True)
        assert len(document.plans) == 4

    @pytest.mark.parametrize("value", [None, "yes", 2, [True], {}], ids=str)
    def test_a_condition_that_is_no_boolean_has_none(self, value: object) -> None:
        """Such a request is graphql-core's to refuse, and nothing is kept of it."""
        documents, _ = some_documents()
        query = "query ($c: Boolean = true) { __typename a: __typename @skip(if: $c) }"
        document = documents.read(query, {})

        assert documents.plan(document, None, {"c": value}) is None
        assert document.plans == {}

    def test_a_document_has_so_many_plans_at_most(self) -> None:
        """Conditions multiply; beyond the limit graphql-core answers."""
        documents, _ = some_documents()
        count = MAX_PLANS.bit_length()
        names = [f"c{number}" for number in range(count)]
        defined = ", ".join(f"${name}: Boolean!" for name in names)
        fields = " ".join(f"{name}: __typename @skip(if: ${name})" for name in names)
        document = documents.read(f"query ({defined}) {{ __typename {fields} }}", {})

        plans = [
            documents.plan(document, None, {n: bool(bits >> at & 1) for at, n in enumerate(names)})
            for bits in range(2**count)
        ]

        assert sum(plan is not None for plan in plans) == MAX_PLANS
        assert len(document.plans) == MAX_PLANS

    def test_without_a_maker_there_are_no_plans(self) -> None:
        """Whoever only reads documents pays for no code."""
        core = graphql_schema_of(SCHEMA)
        documents = Documents(core, token_limit=4_000, limits=LIMITS, is_introspection_on=True)

        assert documents.plan(documents.read(ORDER, {}), None, {}) is None

    def test_what_is_kept_is_bounded_with_its_plans(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Plans weigh as much as their code, and the oldest documents make room for them."""
        limit = 3_000
        monkeypatch.setattr("gateway.execution.documents.MAX_KEPT_CHARACTERS", limit)
        documents, _ = some_documents()

        for number in range(20):
            document = documents.read(text(number), {})
            assert documents.plan(document, None, {}) is not None
            assert kept_weight(documents) <= limit
            assert documents._kept_characters == kept_weight(documents)

        assert documents.find(text(0)) is None
        assert documents.find(text(19)) is not None

    def test_a_document_that_is_not_kept_is_not_counted(self) -> None:
        """A plan for a text too long to be kept goes with its request."""
        documents, _ = some_documents()
        document = documents.read(ORDER + " " * 20_000, {})

        assert documents.plan(document, None, {}) is not None

        assert documents._kept_characters == 0


def is_note_in(documents: Documents, document: Document, name: str, **variables: bool) -> bool:
    plan = documents.plan(document, name, variables)
    assert plan is not None
    return "row.note" in plan.source


def kept_weight(documents: Documents) -> int:
    return sum(document.weight for document in documents._kept.values())


def test_requests_are_told_apart_by_little() -> None:
    """What is kept under a request is bounded: no long text, and not the plan itself."""
    documents, _ = some_documents()
    document = documents.read("query ($id: ID!) { order(id: $id) { note } }", {"id": "o-1"})
    plan = documents.plan(document, None, {"id": "o-1"})

    assert plan is not None
    assert plan.identity({"id": "o-1"}) == (plan.number, ("id", "o-1"))
    assert plan.identity({"id": "x" * 65}) is None
