"""The checkers of sessions: what they catch, what they tell, and what they let pass."""

from dataclasses import replace

from projections.views.orders import OrderStatus
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Eventual, OnTimeout
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, History, Outcome, Write
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


class TestPages:
    def test_a_page_older_than_the_one_before_is_caught_without_a_token(self) -> None:
        """The cursor alone holds the next page to what the page before has shown."""
        tale = Tale()
        tale.commit(order(1))
        tale.commit(order(2))
        tale.commit(order(2))
        first = tale.read("s", page(order(2), has_more=True), seen(order(2), 2))
        rest = replace(page(order(1)), after=position_of(order(2)), follows=first.number)
        tale.read("s", rest, seen(order(1), 1), seen(order(2), 1), carried=())

        [violation] = found_in(tale.history())

        assert violation.law is Law.PAGES_GO_ON
        assert "although operation 0 had shown it on the page before at 0.2" in violation.story


class TestLeave:
    def test_a_client_that_allows_staleness_is_told_of_it(self) -> None:
        """With `onTimeout: STALE` an old row is right if the answer says so, and only then."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        stale = seen(order(), 1, reason=Reason.STALE_ALLOWED)
        mode = AtLeast(on_timeout=OnTimeout.STALE)
        told = Answer(shown=(stale,), is_satisfied=False, missing={order(): at(2)})
        tale.operate("s", told, mode=mode)
        honest = laws_of(tale)

        tale.operate("s", replace(told, is_satisfied=True), mode=mode)

        assert honest == []
        assert laws_of(tale) == [Law.READ_YOUR_WRITES]

    def test_an_eventual_list_may_lack_an_order_if_it_says_so(self) -> None:
        """`eventual` shows what the projection holds, absence included."""
        tale = Tale()
        tale.write("s", order())
        lacking = Answer(pages=(page(),), is_satisfied=False, missing={order(): at(1)})
        tale.operate("s", lacking, mode=Eventual())
        honest = laws_of(tale)

        tale.operate("s", lacking)

        assert honest == []
        assert laws_of(tale) == [Law.READ_YOUR_WRITES]

    def test_an_owner_that_lags_is_no_fault_of_a_gateway_that_says_so(self) -> None:
        """Where owners answer from replicas, a live answer from behind is right if it is told."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        behind = seen(order(), 1, reason=Reason.TOKEN_NOT_REACHED)
        told = Answer(shown=(behind,), is_satisfied=False, missing={order(): at(2)})
        tale.operate("s", told)

        assert found_in(replace(tale.history(), owners_may_lag=True)) == []
        assert laws_of(tale) == [Law.READ_YOUR_WRITES]

    def test_what_a_restored_service_has_lost_is_owed_no_more(self) -> None:
        """A write that its owner has forgotten cannot be shown; what it kept is still owed."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        lost = tale.write("s", order())
        tale.lose(tale.commits[-1])
        tale.read("s", seen(order(), 2))
        after_the_loss = laws_of(tale)

        tale.read("s", seen(order(), 1))

        assert lost.number == 2
        assert after_the_loss == []
        assert laws_of(tale) == [Law.READ_YOUR_WRITES]

    def test_before_it_is_lost_a_write_is_owed(self) -> None:
        """A later restore does not excuse an earlier answer."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        tale.read("s", seen(order(), 1))
        tale.lose(tale.commits[-1])

        assert laws_of(tale) == [Law.READ_YOUR_WRITES]


class TestWrites:
    def test_writes_that_change_places_are_caught(self) -> None:
        """The second write of a session is never the older version."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        writes = (Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1)),)
        tale.operate("s", Answer(), writes=writes)

        [violation] = found_in(tale.history())

        assert str(violation) == (
            "monotonic writes: session s (operation 2 at a) wrote order:o-1 as 0.1, although "
            "operation 1 had written 0.2"
        )

    def test_a_write_before_what_its_writer_had_seen_is_caught(self) -> None:
        """Who writes after a read writes after what she has read."""
        tale = Tale()
        tale.commit(order())
        tale.commit(order())
        tale.read("s", seen(order(), 2))
        writes = (Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1)),)
        tale.operate("s", Answer(), writes=writes)

        assert laws_of(tale) == [Law.WRITES_FOLLOW_READS]

    def test_a_write_that_changes_nothing_stays_where_it_was(self) -> None:
        """Who cancels what is cancelled is told the version of that."""
        tale = Tale()
        tale.write("s", order())
        writes = (Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1)),)
        tale.operate("s", Answer(), writes=writes)

        assert laws_of(tale) == []

    def test_a_write_repeated_with_its_key_may_be_told_its_old_version(self) -> None:
        """Twice is once: the second answer is that of the first."""
        tale = Tale()
        tale.write("s", order())
        tale.write("s", order())
        again = Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1), is_repeated=True)
        tale.operate("s", Answer(), writes=(again,))

        assert laws_of(tale) == []

    def test_a_refused_write_promises_nothing(self) -> None:
        """What was not done need not be seen."""
        tale = Tale()
        tale.commit(order())
        refused = Write(key=order(), outcome=Outcome.REFUSED)
        tale.operate("s", Answer(), writes=(refused,))
        tale.read("s", seen(order(), 1))

        assert laws_of(tale) == []
