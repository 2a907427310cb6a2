"""The checkers of sessions find broken pages, absences and writes."""

from dataclasses import replace

from resolvers.answer import Reason
from resolvers.demand import AtLeast, Eventual, OnTimeout
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, History, Outcome, Write
from tests.laws.proof.sessions import sessions_never_go_back, writes_go_on
from tests.laws.proof.tale import Tale, at, order, page, position_of, seen
from tests.laws.proof.violations import Law, Violation


def found_in(history: History) -> list[Violation]:
    """What the checkers of sessions find."""
    evidence = Evidence(history)
    return [*sessions_never_go_back(evidence), *writes_go_on(evidence)]


def laws_of(tale: Tale) -> list[Law]:
    """The laws that the tale breaks."""
    return [violation.law for violation in found_in(tale.history())]


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
