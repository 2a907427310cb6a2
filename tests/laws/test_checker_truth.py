"""The checkers of demand and truth: old only by leave, and never without saying so."""

from dataclasses import replace

from projections.token import ConsistencyToken
from projections.versions import AggregateType
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Bounded, Eventual, Live, OnTimeout
from tests.laws.proof.demands import nothing_is_older_than_demanded
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer
from tests.laws.proof.liveness import nobody_is_left_waiting, waits_end_in_time
from tests.laws.proof.tale import Tale, at, order, page, product, seen
from tests.laws.proof.truth import the_answer_tells_the_truth
from tests.laws.proof.verdict import violations_of
from tests.laws.proof.violations import Law

STALE = AtLeast(on_timeout=OnTimeout.STALE)


def two_versions() -> Tale:
    """A product that has changed once."""
    tale = Tale()
    tale.commit(product())
    tale.commit(product())
    return tale


class TestDemands:
    def stories_of(self, tale: Tale) -> list[str]:
        return [v.story for v in nothing_is_older_than_demanded(Evidence(tale.history()))]

    def test_less_than_an_entry_is_caught_whoever_sends_it(self) -> None:
        """A token demands by itself, without a session behind it."""
        tale = two_versions()
        sent = ConsistencyToken({product(): at(2)})
        tale.operate("s", Answer(shown=(seen(product(), 1),)), sent=sent)

        [story] = self.stories_of(tale)

        assert story == (
            "session s (operation 0 at a) was shown product:p-1 at 0.1 (PROJECTION, DEFAULT), "
            "although its token demanded 0.2"
        )

    def test_to_say_so_is_not_enough_if_the_client_did_not_allow_it(self) -> None:
        """Where staleness was not allowed, an owner that has the version must be asked."""
        tale = two_versions()
        answer = Answer(shown=(seen(product(), 1),), is_satisfied=False, missing={product(): at(2)})
        sent = ConsistencyToken({product(): at(2)})
        tale.operate("s", answer, sent=sent)
        tale.operate("t", answer, sent=sent, mode=STALE)

        [story] = self.stories_of(tale)

        assert story.startswith("session s")

    def test_a_list_knows_of_an_uncertain_order_what_its_owner_says(self) -> None:
        """Where owners answer from copies that lag, so may a list, wherever the rest is from."""
        tale = Tale()
        tale.commit(order())
        tale.passes(1.0)
        tale.operate(
            "s", Answer(pages=(page(),)), sent=ConsistencyToken(uncertain=frozenset([order()]))
        )

        lagging = Evidence(replace(tale.history(), owners_may_lag=True))

        assert len(self.stories_of(tale)) == 1
        assert list(nothing_is_older_than_demanded(lagging)) == []

    def test_an_entry_nobody_ever_committed_can_only_be_answered_honestly(self) -> None:
        """A forged version has no owner who could show it."""
        tale = two_versions()
        sent = ConsistencyToken({product(): at(9)})
        honest = Answer(
            shown=(seen(product(), 2, reason=Reason.TOKEN_NOT_REACHED),),
            is_satisfied=False,
            missing={product(): at(9)},
        )
        tale.operate("s", honest, sent=sent)

        assert violations_of(tale.history()) == []

    def test_less_than_a_mark_is_caught(self) -> None:
        """Of a marked type all is owed that was committed up to the mark."""
        tale = two_versions()
        sent = ConsistencyToken(marks={AggregateType.PRODUCT: int(tale.now_s) + 2})
        tale.passes(5.0)
        tale.operate("s", Answer(shown=(seen(product(), 1),)), sent=sent)

        [story] = self.stories_of(tale)

        assert "although by 1002.000 s its owner had 0.2" in story

    def test_a_list_is_held_to_a_mark_too(self) -> None:
        """A list under a mark has every order that was placed before it."""
        tale = Tale()
        tale.commit(order())
        sent = ConsistencyToken(marks={AggregateType.ORDER: int(tale.now_s) + 2})
        tale.passes(5.0)
        tale.operate("s", Answer(pages=(page(),)), sent=sent)

        [story] = self.stories_of(tale)

        assert "did not find order:o-1" in story

    def test_an_uncertain_write_is_asked_of_its_owner(self) -> None:
        """Who does not know what became of a write is shown what its owner has by now."""
        tale = two_versions()
        tale.passes(1.0)
        sent = ConsistencyToken(uncertain=frozenset([product()]))
        tale.operate("s", Answer(shown=(seen(product(), 1),)), sent=sent)

        assert len(self.stories_of(tale)) == 1

    def test_a_live_read_shows_what_was_committed_before_it_began(self) -> None:
        """A flight that began before the question does not answer it."""
        tale = two_versions()
        old = seen(product(), 1, reason=Reason.LIVE_REQUESTED)
        tale.passes(1.0)
        tale.read("s", old, mode=Live())

        assert len(self.stories_of(tale)) == 1
        lagging = Evidence(replace(tale.history(), owners_may_lag=True))
        assert list(nothing_is_older_than_demanded(lagging)) == []


class TestTruth:
    def stories_of(self, tale: Tale) -> list[str]:
        return [v.story for v in the_answer_tells_the_truth(Evidence(tale.history()))]

    def test_satisfied_although_something_is_missing_is_a_lie(self) -> None:
        """An answer that names what is missing is not satisfied."""
        tale = two_versions()
        answer = Answer(shown=(seen(product(), 1),), missing={product(): at(2)})
        tale.operate("s", answer, sent=ConsistencyToken({product(): at(2)}))

        [story] = self.stories_of(tale)

        assert "was told that it is satisfied, by an answer that names what is missing" in story

    def test_satisfied_although_something_was_held_back_is_a_lie(self) -> None:
        """With `onTimeout: ERROR` what is refused is not satisfied."""
        tale = Tale()
        tale.operate("s", Answer(errors=("CONSISTENCY_TIMEOUT",)))

        [story] = self.stories_of(tale)

        assert "shows or holds back what is too old" in story

    def test_unsatisfied_without_a_reason_is_a_lie(self) -> None:
        """Who is told that she is not satisfied is told why."""
        tale = two_versions()
        tale.operate("s", Answer(shown=(seen(product(), 2),), is_satisfied=False))

        [story] = self.stories_of(tale)

        assert "was told that it is not satisfied, and not why" in story

    def test_what_went_with_the_data_need_not_be_seen(self) -> None:
        """Where a later write takes all data along, what was too old in it is not shown."""
        tale = two_versions()
        tale.operate("s", Answer(is_satisfied=False, has_data=False))

        assert self.stories_of(tale) == []

    def test_what_stands_in_for_a_failure_is_not_satisfied(self) -> None:
        """It is older than was promised, whatever its age."""
        tale = two_versions()
        stand_in = seen(product(), 2, reason=Reason.STALE_IF_ERROR)
        tale.operate("s", Answer(shown=(stand_in,)))
        tale.operate("t", Answer(shown=(stand_in,), is_satisfied=False))

        [story] = self.stories_of(tale)

        assert story.startswith("session s")

    def test_nothing_stands_in_where_proof_was_asked_for(self) -> None:
        """`live`, `bounded` and `onTimeout: ERROR` are taken at their word; `eventual` is not."""
        tale = two_versions()
        stand_in = seen(product(), 2, reason=Reason.STALE_IF_ERROR)
        refusing = AtLeast(on_timeout=OnTimeout.ERROR)
        for mode in (Live(), Bounded(1.0), refusing, Eventual(), AtLeast()):
            tale.operate("s", Answer(shown=(stand_in,), is_satisfied=False), mode=mode)

        assert len(self.stories_of(tale)) == 3

    def test_what_is_shown_old_is_named(self) -> None:
        """Each demanded entry that is shown older stands among the missing."""
        tale = two_versions()
        answer = Answer(
            shown=(seen(product(), 1, reason=Reason.STALE_ALLOWED),), is_satisfied=False
        )
        tale.operate("s", answer, sent=ConsistencyToken({product(): at(2)}), mode=STALE)

        [story] = self.stories_of(tale)

        assert "and not told that 0.2 is missing" in story

    def test_what_is_named_was_demanded_and_not_shown(self) -> None:
        """Nothing stands among the missing that nobody asked for, or that is there."""
        tale = two_versions()
        answer = Answer(
            shown=(seen(product(), 2),),
            is_satisfied=False,
            missing={product(): at(2), order(): at(1)},
        )
        tale.operate("s", answer, sent=ConsistencyToken({product(): at(2)}))

        [shown, strange] = self.stories_of(tale)

        assert "product:p-1 at 0.2 is missing, and was shown product:p-1 at 0.2" in shown
        assert "order:o-1 at 0.1 is missing, which it never demanded" in strange

    def test_a_doubted_entry_may_be_left_unnamed(self) -> None:
        """An entry that its owner has denied demands nothing once the projection refutes it."""
        tale = two_versions()
        sent = ConsistencyToken({product(): at(9)}, doubts={product(): int(tale.now_s)})
        tale.operate("s", Answer(shown=(seen(product(), 2),)), sent=sent)

        assert self.stories_of(tale) == []

    def test_reasons_fit_their_source_and_mode(self) -> None:
        """No projection is read by who asked for the owners, and no staleness without leave."""
        tale = two_versions()
        tale.read("s", seen(product(), 2), mode=Live())
        stale = seen(product(), 2, reason=Reason.STALE_ALLOWED)
        tale.operate("t", Answer(shown=(stale,), is_satisfied=False))
        odd = replace(seen(product(), 2, reason=Reason.PARKED), source=stale.source)
        tale.read("u", odd)
        tale.read("v", replace(seen(product(), 2, reason=Reason.PARKED), age_s=5.0))

        [asked, disallowed, impossible, aged] = self.stories_of(tale)

        assert "and had asked the owners" in asked
        assert "which it had not allowed" in disallowed
        assert "which cannot be" in impossible
        assert "(LIVE, PARKED), 5.0 s old" in aged


class TestLiveness:
    def test_a_wait_beyond_its_budget_is_caught(self) -> None:
        """A wait may overrun by what a busy loop needs, and no more."""
        tale = Tale()
        for waited_s in (0.25, 0.27, 0.28):
            answer = Answer(waited_s=waited_s, wait_budget_s=0.25)
            told = tale.operate("s", answer)
            tale.amend(replace(told, returned_at_s=told.invoked_at_s + 0.3))

        [violation] = waits_end_in_time(Evidence(tale.history()))

        assert violation.story == (
            "session s (operation 2 at a) waited 0.280 s; 0.250 s was allowed"
        )

    def test_a_wait_longer_than_its_operation_is_a_lie(self) -> None:
        """The wait that an answer tells of lies within the operation."""
        tale = Tale()
        tale.operate("s", Answer(waited_s=0.2, wait_budget_s=0.25))

        [violation] = waits_end_in_time(Evidence(tale.history()))

        assert violation.law is Law.TRUTH

    def test_a_waiter_that_is_left_is_caught(self) -> None:
        """When all is over nobody waits."""
        assert list(nobody_is_left_waiting(0)) == []
        assert [v.law for v in nobody_is_left_waiting(2)] == [Law.LIVENESS]
