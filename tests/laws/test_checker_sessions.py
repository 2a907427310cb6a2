"""The checkers of sessions: what they catch, what they tell, and what they let pass."""

from dataclasses import replace

from projections.views.orders import OrderStatus
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, History
from tests.laws.proof.sessions import sessions_never_go_back, writes_go_on
from tests.laws.proof.tale import Tale, at, customer, order, page, position_of, product, seen
from tests.laws.proof.verdict import as_if_carried, violations_of
from tests.laws.proof.violations import Law, Violation


def found_in(history: History) -> list[Violation]:
    """What the checkers of sessions find."""
    evidence = Evidence(history)
    return [*sessions_never_go_back(evidence), *writes_go_on(evidence)]


def laws_of(tale: Tale) -> list[Law]:
    """The laws that the tale breaks."""
    return [violation.law for violation in found_in(tale.history())]


def test_a_tale_in_which_all_is_well_breaks_no_law() -> None:
    """Writes, reads, lists, pages, a deletion and a cancellation, as they ought to be, pass."""
    tale = Tale()
    for key in (customer(), product()):
        tale.commit(key)
    for number in (1, 2, 3):
        tale.write("s", order(number))
    first = tale.read(
        "s", page(order(3), order(2), has_more=True), seen(order(3), 1), seen(order(2), 1)
    )
    rest = replace(page(order(1)), after=position_of(order(2)), follows=first.number)
    tale.read("s", rest, seen(order(1), 1))
    tale.read("s", seen(order(1), 1), seen(customer(), 1), seen(product(), 1))
    tale.commit(order(1), is_deletion=True)
    tale.read("s", page(order(3), order(2)), seen(order(3), 1), seen(order(2), 1))
    tale.read("t", seen(order(1), None))

    assert violations_of(tale.history()) == []


class TestReadYourWrites:
    def test_an_older_version_is_caught_and_told(self) -> None:
        """A session that reads an older version than it wrote has lost its write."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        tale.read("s", seen(order(), 1))

        [violation] = found_in(tale.history())

        assert str(violation) == (
            "read your writes: session s (operation 2 at a) was shown order:o-1 at 0.1 "
            "(PROJECTION, DEFAULT), although operation 1 had written it at 0.2"
        )

    def test_an_absence_that_no_deletion_explains_is_caught(self) -> None:
        """What a session has placed is there until somebody deletes it."""
        tale = Tale()
        tale.write("s", order())
        tale.read("s", seen(order(), None))

        [violation] = found_in(tale.history())

        assert violation.law is Law.READ_YOUR_WRITES
        assert "was shown no order:o-1 (PROJECTION, DEFAULT)" in violation.story

    def test_an_order_missing_from_its_list_is_caught(self) -> None:
        """A list that reaches past an order that was placed has it."""
        tale = Tale()
        tale.write("s", order(1))
        tale.write("s", order(2))
        tale.read("s", page(order(2)), seen(order(2), 1))

        [violation] = found_in(tale.history())

        assert violation.law is Law.READ_YOUR_WRITES
        assert violation.story == (
            "session s (operation 2 at a) did not find order:o-1 in the whole list of c-1 "
            "(PROJECTION, DEFAULT), although operation 0 had written it at 0.1"
        )

    def test_the_answer_to_a_write_shows_it(self) -> None:
        """A mutation that shows its own order as it was before is caught."""
        tale = Tale()
        tale.commit(order())
        written = tale.write("s", order())
        tale.amend(replace(written, answer=Answer(shown=(seen(order(), 1),))))

        assert laws_of(tale) == [Law.READ_YOUR_WRITES]

    def test_nothing_is_owed_to_who_carries_nothing(self) -> None:
        """The promise is made to the token, not to the person."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        tale.read("s", seen(order(), 1), carried=())

        assert laws_of(tale) == []

    def test_as_if_carried_tells_what_was_lost_without_tokens(self) -> None:
        """The control judges sessions that left their tokens at home as if they had not."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        tale.read("s", seen(order(), 1), carried=())

        [violation] = found_in(as_if_carried(tale.history()))

        assert violation.law is Law.READ_YOUR_WRITES

    def test_what_somebody_else_writes_meanwhile_is_not_owed(self) -> None:
        """Only what was answered before is in the past of an operation."""
        tale = Tale()
        tale.write("s", order())
        tale.write("t", order())
        tale.read("s", seen(order(), 1))

        assert laws_of(tale) == []


class TestMonotonicReads:
    def test_a_version_that_goes_back_is_caught_and_told(self) -> None:
        """A session that was shown a version is not shown an older one."""
        tale = Tale()
        tale.commit(customer())
        tale.commit(customer())
        tale.read("s", seen(customer(), 2))
        tale.read("s", seen(customer(), 1))

        [violation] = found_in(tale.history())

        assert str(violation) == (
            "monotonic reads: session s (operation 1 at a) was shown customer:c-1 at 0.1 "
            "(PROJECTION, DEFAULT), although operation 0 had seen it at 0.2"
        )

    def test_an_epoch_that_goes_back_is_caught_though_its_number_is_greater(self) -> None:
        """After a restored service's second version its old fifth is no news."""
        tale = Tale()
        for _ in range(5):
            tale.commit(customer())
        tale.commit(customer(), version=at(2, epoch=1))
        tale.read("s", replace(seen(customer(), 2), version=at(2, epoch=1)))
        tale.read("s", seen(customer(), 5))

        assert laws_of(tale) == [Law.MONOTONIC_READS]

    def test_absence_after_presence_is_caught(self) -> None:
        """What was there does not vanish by itself."""
        tale = Tale()
        tale.commit(product())
        tale.read("s", seen(product(), 1))
        tale.read("s", seen(product(), None))

        assert laws_of(tale) == [Law.MONOTONIC_READS]

    def test_absence_after_a_deletion_is_right(self) -> None:
        """What somebody has deleted is absent, whether its tombstone is told or not."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", seen(order(), 1))
        tale.commit(order(), is_deletion=True)
        tale.read("s", seen(order(), None))
        tale.read("s", replace(seen(order(), 2), is_absent=True))

        assert laws_of(tale) == []

    def test_what_was_seen_deleted_does_not_come_back(self) -> None:
        """A row hard-deleted under its tombstone lets an old event bring the order back."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", seen(order(), 1))
        tale.commit(order(), is_deletion=True)
        tale.read("s", seen(order(), None))
        tale.read("s", seen(order(), 1))

        assert laws_of(tale) == [Law.MONOTONIC_READS]

    def test_an_order_that_vanishes_from_a_list_is_caught(self) -> None:
        """An order that was on a list stays there while nothing takes it away."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", page(order()), seen(order(), 1))
        tale.read("s", page())

        assert laws_of(tale) == [Law.MONOTONIC_READS]

    def test_an_order_leaves_the_list_of_its_old_status(self) -> None:
        """A cancelled order is in the list of what was placed no more, and that is right."""
        tale = Tale()
        placed = replace(page(order()), status=OrderStatus.PLACED)
        tale.commit(order())
        tale.read("s", placed, seen(order(), 1))
        tale.commit(order(), status=OrderStatus.CANCELLED)
        tale.read("s", replace(placed, order_ids=()))

        assert laws_of(tale) == []

    def test_an_order_that_returns_to_a_list_is_caught(self) -> None:
        """Who has seen an order gone from a list has seen the commit that took it off."""
        tale = Tale()
        placed = replace(page(order()), status=OrderStatus.PLACED)
        tale.commit(order())
        tale.read("s", placed, seen(order(), 1))
        tale.commit(order(), status=OrderStatus.CANCELLED)
        tale.read("s", replace(placed, order_ids=()))
        tale.read("s", placed, seen(order(), 1))

        assert laws_of(tale) == [Law.MONOTONIC_READS]

    def test_an_order_pushed_off_its_page_is_not_missing(self) -> None:
        """Of a page that goes on only what stands before its last order is known."""
        tale = Tale()
        tale.commit(order(1))
        tale.read("s", page(order(1)), seen(order(1), 1))
        tale.commit(order(2))
        tale.read("s", page(order(2), has_more=True), seen(order(2), 1))

        assert laws_of(tale) == []

    def test_a_page_with_nulls_accuses_nobody(self) -> None:
        """An order that could not be had may be any of those that are not shown."""
        tale = Tale()
        tale.commit(order())
        tale.read("s", page(order()), seen(order(), 1))
        tale.read("s", replace(page(), null_count=1))

        assert laws_of(tale) == []

    def test_both_branches_of_a_fork_are_held_to_what_was_seen_before_it(self) -> None:
        """A token that is sent twice, from two windows, counts in both."""
        tale = Tale()
        tale.commit(product())
        tale.commit(product())
        root = tale.read("s", seen(product(), 2))
        tale.read("left", seen(product(), 1), carried=(root.number,))
        tale.read("right", seen(product(), 1), carried=(root.number,))

        assert laws_of(tale) == [Law.MONOTONIC_READS] * 2

    def test_a_merged_token_is_held_to_both_pasts(self) -> None:
        """Who sends the tokens of two sessions has seen what both have."""
        tale = Tale()
        for key in (product(), product(), customer(), customer()):
            tale.commit(key)
        left, right = tale.read("left", seen(product(), 2)), tale.read("right", seen(customer(), 2))
        both = (left.number, right.number)
        tale.read("s", seen(product(), 1), seen(customer(), 1), carried=both)

        assert laws_of(tale) == [Law.MONOTONIC_READS] * 2
