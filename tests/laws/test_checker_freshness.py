"""The checkers of ages: nothing is older than it says, nor than was allowed."""

from dataclasses import replace

from projections.versions import AggregateType
from projections.views.orders import OrderStatus
from resolvers.answer import Reason
from resolvers.demand import Bounded
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.freshness import (
    ages_are_true,
    budgets_are_kept,
    stand_ins_are_excused,
)
from tests.laws.proof.history import History
from tests.laws.proof.tale import Tale, order, page, product, seen


def false_ages(history: History) -> list[str]:
    """What the checker of ages tells."""
    return [violation.story for violation in ages_are_true(Evidence(history))]


def outdated_for(seconds: float) -> Tale:
    """A product whose second version is that old."""
    tale = Tale()
    tale.commit(product())
    tale.commit(product())
    tale.passes(seconds)
    return tale


class TestAges:
    def test_an_age_too_small_is_caught_and_told(self) -> None:
        """What was outdated for a second is not half a second old."""
        tale = outdated_for(1.0)
        tale.read("s", replace(seen(product(), 1), age_s=0.5))

        [story] = false_ages(tale.history())

        assert story == (
            "session s (operation 0 at a) was shown product:p-1 at 0.1 (PROJECTION, DEFAULT) as "
            "0.500 s old, but it had been outdated for 1.000 s"
        )

    def test_an_age_that_bounds_the_truth_passes(self) -> None:
        """An age is an upper bound: the newest state may be called old."""
        tale = outdated_for(1.0)
        tale.read("s", replace(seen(product(), 1), age_s=1.0))
        tale.read("s", replace(seen(product(), 2), age_s=30.0))

        assert false_ages(tale.history()) == []

    def test_a_live_answer_from_a_flight_that_began_earlier_is_caught(self) -> None:
        """A live answer has no age, so it is as its owner was when the question was put."""
        tale = outdated_for(0.1)
        tale.read("s", seen(product(), 1, reason=Reason.NOT_PROJECTED))

        assert len(false_ages(tale.history())) == 1
        assert false_ages(replace(tale.history(), owners_may_lag=True)) == []

    def test_an_absence_has_an_age_too(self) -> None:
        """That there is nothing was true once, and at most so long ago."""
        tale = Tale()
        tale.commit(product())
        tale.passes(1.0)
        tale.read("s", replace(seen(product(), None), age_s=0.5))
        tale.read("s", replace(seen(product(), None), age_s=2.0))

        assert len(false_ages(tale.history())) == 1

    def test_what_was_deleted_is_absent_for_good(self) -> None:
        """After its deletion an absence is current."""
        tale = Tale()
        tale.commit(product())
        tale.commit(product(), is_deletion=True)
        tale.passes(1.0)
        tale.read("s", seen(product(), None))

        assert false_ages(tale.history()) == []

    def test_a_page_that_lacks_an_order_is_as_old_as_the_order(self) -> None:
        """A list from the projection is held to its age, without any token."""
        tale = Tale()
        tale.commit(order())
        tale.passes(1.0)
        tale.read("s", replace(page(), age_s=0.5))
        tale.read("s", replace(page(), age_s=1.5))

        [story] = false_ages(tale.history())

        assert "the whole list of c-1 (PROJECTION, DEFAULT) without order:o-1" in story

    def test_an_order_that_has_left_its_list_is_no_lack(self) -> None:
        """A cancelled order is not missing among those that are placed."""
        tale = Tale()
        tale.commit(order())
        tale.commit(order(), status=OrderStatus.CANCELLED)
        tale.passes(1.0)
        tale.read("s", replace(page(), status=OrderStatus.PLACED))

        assert false_ages(tale.history()) == []

    def test_what_a_restored_service_has_lost_outdates_nothing(self) -> None:
        """After the loss the version before is the newest again."""
        tale = Tale()
        tale.commit(product())
        tale.lose(tale.commit(product()))
        tale.passes(1.0)
        tale.read("s", seen(product(), 1))

        assert false_ages(tale.history()) == []


class TestBudgets:
    def stories_of(self, tale: Tale) -> list[str]:
        return [violation.story for violation in budgets_are_kept(Evidence(tale.history()))]

    def test_a_plain_read_past_the_staleness_budget_is_caught(self) -> None:
        """Where nothing was said the read model's own budget holds."""
        tale = Tale()
        tale.commit(product())
        tale.read("s", replace(seen(product(), 1), age_s=2.4))
        tale.read("s", replace(seen(product(), 1), age_s=2.6))

        [story] = self.stories_of(tale)

        assert "2.600 s old; 2.5 s is allowed" in story

    def test_a_bounded_read_past_its_bound_is_caught(self) -> None:
        """The client's own bound holds, unless it allowed more and is told."""
        tale = Tale()
        tale.commit(product())
        mode = Bounded(max_staleness_s=0.1)
        tale.read("s", replace(seen(product(), 1), age_s=0.2), mode=mode)
        leave = seen(product(), 1, reason=Reason.STALE_ALLOWED)
        tale.read("s", replace(leave, age_s=0.2), mode=mode)

        assert len(self.stories_of(tale)) == 1


class TestStandIns:
    """What is shown in place of a failure."""

    def tale_of(self, *, age_s: float = 10.0, instead_of: str | None = "CIRCUIT_OPEN") -> Tale:
        """A product that is shown because its owner fails."""
        tale = Tale()
        tale.commit(product())
        stand_in = replace(
            seen(product(), 1, reason=Reason.STALE_IF_ERROR), age_s=age_s, instead_of=instead_of
        )
        tale.read("s", stand_in)
        return tale

    def stories_of(self, tale: Tale, failed_at_s: float | None = None) -> list[str]:
        failures = () if failed_at_s is None else (tale.now_s + failed_at_s,)
        history = replace(tale.history(), failures={AggregateType.PRODUCT: failures})
        return [violation.story for violation in stand_ins_are_excused(Evidence(history))]

    def test_older_than_its_budget_is_right_if_its_owner_has_failed(self) -> None:
        """A call has failed a moment ago: ten seconds are no violation, nor of the budget."""
        tale = self.tale_of()

        assert self.stories_of(tale, failed_at_s=-5.0) == []
        assert list(budgets_are_kept(Evidence(tale.history()))) == []

    def test_where_no_owner_has_failed_nothing_may_stand_in(self) -> None:
        """Not even a minute ago."""
        [never] = self.stories_of(self.tale_of())
        [long_ago] = self.stories_of(self.tale_of(), failed_at_s=-61.0)

        assert never.endswith("and its owner had not failed")
        assert long_ago == never

    def test_the_end_of_the_requests_own_time_is_nobodys_failure(self) -> None:
        """So it needs no failed call."""
        assert self.stories_of(self.tale_of(instead_of="DEADLINE_EXCEEDED")) == []

    def test_over_a_minute_is_too_old_for_anything(self) -> None:
        """The limit holds whatever has failed."""
        [story] = self.stories_of(self.tale_of(age_s=60.1), failed_at_s=0.0)

        assert "60.100 s old; 60.0 s is allowed" in story

    def test_it_says_in_place_of_what(self) -> None:
        """And nothing else does."""
        assert len(self.stories_of(self.tale_of(instead_of=None), failed_at_s=0.0)) == 1

        tale = Tale()
        tale.commit(product())
        tale.read("s", replace(seen(product(), 1), instead_of="CIRCUIT_OPEN"))
        assert len(self.stories_of(tale, failed_at_s=0.0)) == 1
