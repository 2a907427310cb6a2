"""The checkers of what hangs together: nothing invented, one world an answer, lists that are."""

from dataclasses import replace

from projections.views.orders import OrderStatus
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.fabrication import (
    lists_are_lists,
    nothing_is_fabricated,
    one_answer_is_one_world,
)
from tests.laws.proof.history import Answer, Outcome, Write
from tests.laws.proof.tale import Tale, at, customer, order, page, position_of, seen


class TestFabrication:
    def stories_of(self, tale: Tale) -> list[str]:
        return [v.story for v in nothing_is_fabricated(Evidence(tale.history()))]

    def test_a_version_nobody_committed_is_caught(self) -> None:
        """What is shown has an owner who committed it."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", seen(order(), 2))

        [story] = self.stories_of(tale)

        assert story == (
            "session s (operation 0 at a) was shown order:o-1 at 0.2 (PROJECTION, DEFAULT), and "
            "nobody ever committed 0.2"
        )

    def test_a_version_shown_before_its_commit_is_caught(self) -> None:
        """Nobody sees the future: an answer ahead of its owner shows what may never be."""
        tale = Tale()
        tale.read("s", seen(order(), 1))
        tale.commit(order())

        [story] = self.stories_of(tale)

        assert "committed only 0.010 s later" in story

    def test_a_state_that_is_not_that_of_its_version_is_caught(self) -> None:
        """A version is shown with the state it was committed with."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", replace(seen(order(), 1), state={"note": "as of another"}))

        [story] = self.stories_of(tale)

        assert "with note 'as of another', but committed with 'as of 0.1'" in story

    def test_a_state_as_committed_passes(self) -> None:
        """Only the fields that were asked for are compared."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", replace(seen(order(), 1), state={"note": "as of 0.1"}))

        assert self.stories_of(tale) == []

    def test_a_deletion_shown_as_a_thing_and_a_thing_as_a_deletion_are_caught(self) -> None:
        """A tombstone is an absence, and nothing else is."""
        tale = Tale()
        tale.commit(order())
        tale.commit(order(), is_deletion=True)
        tale.read("s", seen(order(), 2))
        tale.read("s", replace(seen(order(), 1), is_absent=True))

        [thing, absence] = self.stories_of(tale)

        assert "although 0.2 is its deletion" in thing
        assert "although 0.1 is no deletion" in absence

    def test_a_confirmation_that_no_owner_gave_is_caught(self) -> None:
        """A write is confirmed only if it was done."""
        tale = Tale()
        writes = (Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1)),)
        tale.operate("s", Answer(), writes=writes)

        [story] = self.stories_of(tale)

        assert "was told that order:o-1 is at 0.1, and its owner never was" in story


class TestOneCut:
    def test_two_states_in_one_root_field_are_caught(self) -> None:
        """A customer who owns two orders of a list has one name."""
        tale = Tale()
        tale.commit(customer())
        tale.commit(customer())
        twice = [replace(seen(customer(), n), path="orders.edges.node.customer") for n in (1, 2)]
        tale.read("s", *twice)

        [violation] = one_answer_is_one_world(Evidence(tale.history()))

        assert "customer:c-1 at 0.1" in violation.story
        assert "customer:c-1 at 0.2" in violation.story

    def test_two_root_fields_may_demand_two_worlds(self) -> None:
        """Each root field has a demand of its own."""
        tale = Tale()
        tale.commit(customer())
        tale.commit(customer())
        tale.read("s", *(replace(seen(customer(), n), path=f"field{n}") for n in (1, 2)))

        assert list(one_answer_is_one_world(Evidence(tale.history()))) == []


class TestLists:
    def stories_of(self, tale: Tale) -> list[str]:
        return [v.story for v in lists_are_lists(Evidence(tale.history()))]

    def test_an_order_listed_twice_and_out_of_order_is_caught(self) -> None:
        """A list runs from the newest order down, and has each once."""
        tale = Tale()
        tale.commit(order(1))
        tale.commit(order(2))
        tale.read("s", page(order(1), order(2), order(1)))

        [twice, disorder] = self.stories_of(tale)

        assert "with an order twice: o-1, o-2, o-1" in twice
        assert "out of order" in disorder

    def test_more_than_asked_for_and_what_was_on_the_page_before_are_caught(self) -> None:
        """A page begins where the one before ended, and has no more than it may."""
        tale = Tale()
        tale.commit(order(1))
        tale.commit(order(2))
        both = replace(page(order(2), order(1)), first=1, after=position_of(order(2)))
        tale.read("s", both)

        [many, again] = self.stories_of(tale)

        assert "with 2 orders instead of 1" in many
        assert "with orders of the page before" in again

    def test_an_order_shown_as_what_does_not_belong_is_caught(self) -> None:
        """Where index and row move apart, a cancelled order stands among the placed ones."""
        tale = Tale()
        tale.commit(order())
        tale.commit(order(), status=OrderStatus.CANCELLED)
        placed = replace(page(order()), status=OrderStatus.PLACED)
        node = replace(seen(order(), 2), path="orders.edges.node")
        tale.read("s", placed, node)

        [story] = self.stories_of(tale)

        assert "with order:o-1, which as 0.2 does not belong there" in story

    def test_an_order_of_somebody_else_is_caught(self) -> None:
        """A customer's list has her own orders."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", replace(page(order()), customer_id="c-2"))

        [story] = self.stories_of(tale)

        assert "which as any version does not belong there" in story
