"""The checker of causes: an order is shown with the world that its writer had seen."""

from dataclasses import replace

from resolvers.answer import Reason
from resolvers.demand import AtLeast, OnTimeout
from tests.laws.proof.causality import orders_bring_their_causes
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Outcome, Shown, Write
from tests.laws.proof.tale import Tale, at, customer, order, product, seen
from tests.laws.proof.violations import Law

CAUSAL = AtLeast(is_causal=True)


def renamed_then_placed() -> Tale:
    """Somebody sees the second name of a customer and places an order for her."""
    tale = Tale()
    for key in (product(), customer(), customer()):
        tale.commit(key)
    tale.read("writer", seen(customer(), 2))
    tale.write("writer", order())
    return tale


def beside(key_shown: Shown) -> Shown:
    """The component as part of the order."""
    return replace(key_shown, path=f"order.{key_shown.key.type.value}")


def stories_of(tale: Tale) -> list[str]:
    """What the checker tells."""
    return [str(found) for found in orders_bring_their_causes(Evidence(tale.history()))]


def test_a_customer_older_than_the_writer_saw_is_caught_and_told() -> None:
    """A stranger's causal read must not show the order with the name from before."""
    tale = renamed_then_placed()
    tale.read("stranger", seen(order(), 1), beside(seen(customer(), 1)), mode=CAUSAL)

    [story] = stories_of(tale)

    assert story == (
        "writes follow reads: session stranger (operation 2 at a) was shown order:o-1 at 0.1 "
        "(PROJECTION, DEFAULT) with customer:c-1 at 0.1 (PROJECTION, DEFAULT), although its "
        "writer (operation 1) had seen 0.2"
    )


def test_the_world_that_the_writer_saw_or_a_newer_one_is_right() -> None:
    """What is at least as new as the writer's world passes."""
    tale = renamed_then_placed()
    tale.read("stranger", seen(order(), 1), beside(seen(customer(), 2)), mode=CAUSAL)

    assert stories_of(tale) == []


def test_only_a_causal_read_is_promised_causes() -> None:
    """Who asks for nothing may see the order before the name."""
    tale = renamed_then_placed()
    tale.read("stranger", seen(order(), 1), beside(seen(customer(), 1)))

    assert stories_of(tale) == []


def test_what_the_order_says_itself_counts_too() -> None:
    """A cause that the order carries is owed, whoever wrote it."""
    tale = Tale()
    for key in (product(), product(), order()):
        tale.commit(key)
    tale.commits[-1] = replace(tale.commits[-1], depends_on={product(): at(2)})
    tale.read("stranger", seen(order(), 1), beside(seen(product(), 1)), mode=CAUSAL)

    [story] = stories_of(tale)

    assert "although the order depends on 0.2" in story


def test_what_the_writer_saw_of_others_is_not_owed() -> None:
    """An order answers for its own customer and products only."""
    tale = Tale()
    for key in (product(2), product(2), customer()):
        tale.commit(key)
    tale.read("writer", seen(product(2), 2))
    tale.write("writer", order())
    tale.read("stranger", seen(order(), 1), beside(seen(product(2), 1)), mode=CAUSAL)

    assert stories_of(tale) == []


def test_an_old_cause_is_right_if_it_was_allowed_and_told() -> None:
    """With `onTimeout: STALE` an unsatisfied answer may be behind its causes."""
    tale = renamed_then_placed()
    stale = beside(seen(customer(), 1, reason=Reason.STALE_ALLOWED))
    answer = Answer(shown=(seen(order(), 1), stale), is_satisfied=False)
    tale.operate("stranger", answer, mode=AtLeast(on_timeout=OnTimeout.STALE, is_causal=True))

    assert stories_of(tale) == []


def test_a_customer_shown_absent_is_no_way_out() -> None:
    """That there is nothing is older than what the writer saw, if nobody has deleted it."""
    tale = renamed_then_placed()
    tale.read("stranger", seen(order(), 1), beside(seen(customer(), None)), mode=CAUSAL)

    [violation] = orders_bring_their_causes(Evidence(tale.history()))

    assert violation.law is Law.WRITES_FOLLOW_READS


def test_who_is_confirmed_what_was_there_before_has_written_nothing() -> None:
    """A second cancellation is confirmed too, and what its sender had seen is not in the order."""
    tale = Tale()
    for key in (product(), customer(), order(), customer()):
        tale.commit(key)
    tale.read("late", seen(customer(), 2))
    confirmed = Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1))
    tale.operate("late", Answer(shown=(seen(order(), 1),)), writes=(confirmed,))
    tale.read("stranger", seen(order(), 1), beside(seen(customer(), 1)), mode=CAUSAL)

    assert stories_of(tale) == []
