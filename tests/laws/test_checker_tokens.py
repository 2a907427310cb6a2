"""The checkers of tokens: every promise is kept, or stood for, and takes little room."""

from dataclasses import replace

from projections.token import ConsistencyToken, FloorKey, Seen, outlives
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Reason
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Operation, Outcome, Write
from tests.laws.proof.tale import Tale, at, order, page, product, seen
from tests.laws.proof.tokens import tokens_are_small, tokens_keep_promises

PRODUCTS = FloorKey(AggregateType.PRODUCT, 0, 7)
ORDERS = FloorKey(AggregateType.ORDER, 0, 7)
MINUTE = 16


def stories_of(tale: Tale) -> list[str]:
    """What the checker of promises tells."""
    return [violation.story for violation in tokens_keep_promises(Evidence(tale.history()))]


def got(tale: Tale, operation: Operation, token: ConsistencyToken) -> None:
    """Let the operation be answered with just this token."""
    assert operation.answer is not None
    tale.amend(replace(operation, answer=replace(operation.answer, got=token, token_text="ct1")))


def answered(sent: ConsistencyToken, token: ConsistencyToken) -> list[str]:
    """The stories of one operation that sent the one and got the other."""
    tale = Tale()
    tale.commit(product())
    tale.commit(order())
    got(tale, tale.operate("s", Answer(), sent=sent), token)
    return stories_of(tale)


class TestEntries:
    def test_an_entry_that_is_lost_is_caught_and_told(self) -> None:
        """A token that forgets what was sent with the question lets the next answer go back."""
        [story] = answered(ConsistencyToken({product(): at(1)}), ConsistencyToken())

        assert story == (
            "session s (operation 0 at a) got a token that does not demand product:p-1 at 0.1, "
            "which it sent"
        )

    def test_an_entry_that_sinks_is_caught(self) -> None:
        """Merging is the greater of two, not the last of them."""
        sent = ConsistencyToken({product(): at(2)})

        assert len(answered(sent, ConsistencyToken({product(): at(1)}))) == 1

    def test_a_mark_stands_for_an_entry(self) -> None:
        """What is dropped for want of room is marked."""
        sent = ConsistencyToken({product(): at(1)})

        assert answered(sent, ConsistencyToken(marks={AggregateType.PRODUCT: 1_002})) == []
        assert len(answered(sent, ConsistencyToken(marks={AggregateType.ORDER: 1_002}))) == 1

    def test_a_mark_from_before_the_commit_does_not(self) -> None:
        """A world proven current at that second may still lack it."""
        sent = ConsistencyToken({product(): at(1)})

        assert len(answered(sent, ConsistencyToken(marks={AggregateType.PRODUCT: 999}))) == 1

    def test_a_floor_stands_for_what_its_log_has_brought(self) -> None:
        """An entry moves into the floor once the stream has passed it."""
        tale = Tale()
        tale.commit(product())
        tale.commits[-1] = replace(tale.commits[-1], told={PRODUCTS: 5})
        sent = ConsistencyToken({product(): at(1)})
        for offset in (5, 4):
            floor = ConsistencyToken(floor={PRODUCTS: Seen(offset, MINUTE)})
            got(tale, tale.operate("s", Answer(), sent=sent), floor)

        [story] = stories_of(tale)

        assert story.startswith("session s (operation 1 at a)")

    def test_a_healed_row_is_not_streamed(self) -> None:
        """The floor does not stand for a commit that no log has brought yet."""
        tale = Tale()
        for told in ({PRODUCTS: 1}, {}):
            tale.commit(product())
            tale.commits[-1] = replace(tale.commits[-1], told=told)
        floor = ConsistencyToken(floor={PRODUCTS: Seen(1, MINUTE)})
        got(tale, tale.read("s", seen(product(), 1)), floor)
        got(tale, tale.read("t", seen(product(), 2)), floor)

        [story] = stories_of(tale)

        assert story.startswith("session t")
        assert "does not demand what it was shown: product:p-1 at 0.2" in story

    def test_an_entry_is_refuted_only_if_there_is_no_such_version(self) -> None:
        """A doubted entry that its owner truly committed is kept."""
        doubts = {product(): 1_000}
        forged = ConsistencyToken({product(): at(9)}, doubts=doubts)
        genuine = ConsistencyToken({product(): at(1)}, doubts=doubts)

        assert answered(forged, ConsistencyToken()) == []
        assert len(answered(genuine, ConsistencyToken())) == 1


class TestBounds:
    def test_a_lost_mark_is_caught(self) -> None:
        """A mark goes only for the floor of a world that was proven after it."""
        sent = ConsistencyToken(marks={AggregateType.ORDER: 1_002})

        [story] = answered(sent, ConsistencyToken())

        assert "has forgotten the mark of orders at 1002" in story
        assert answered(sent, ConsistencyToken(floor={ORDERS: Seen(1, MINUTE)})) == []

    def test_a_lost_floor_is_caught(self) -> None:
        """What was seen of a log goes only for another log's floor, or for a mark that outlives."""
        sent = ConsistencyToken(floor={ORDERS: Seen(5, MINUTE)})
        elsewhere = ConsistencyToken(
            floor={FloorKey(ORDERS.type, ORDERS.partition, 8): Seen(1, MINUTE)}
        )
        marked = ConsistencyToken(marks={AggregateType.ORDER: outlives(Seen(5, MINUTE))})

        assert len(answered(sent, ConsistencyToken())) == 1
        assert len(answered(sent, ConsistencyToken(floor={ORDERS: Seen(4, MINUTE)}))) == 1
        assert answered(sent, elsewhere) == answered(sent, marked) == []

    def test_a_write_becomes_certain_only_by_its_owner(self) -> None:
        """What is uncertain stays so until an owner has told."""
        sent = ConsistencyToken(uncertain=frozenset([product()]))
        tale = Tale()
        tale.commit(product())
        got(tale, tale.operate("s", Answer(shown=(seen(product(), 1),)), sent=sent), ENTRY)
        live = seen(product(), 1, reason=Reason.OUTCOME_UNKNOWN)
        got(tale, tale.operate("t", Answer(shown=(live,)), sent=sent), ENTRY)

        [story] = stories_of(tale)

        assert "calls product:p-1 certain, of which no owner has told" in story


ENTRY = ConsistencyToken({product(): at(1)})


class TestAnswers:
    def test_what_was_shown_and_is_not_demanded_is_caught(self) -> None:
        """What was seen live is in the token, so that the next answer cannot undo it."""
        tale = Tale()
        tale.commit(product())
        live = seen(product(), 1, reason=Reason.NOT_PROJECTED)
        got(tale, tale.read("s", live), ConsistencyToken())

        [story] = stories_of(tale)

        assert "does not demand what it was shown: product:p-1 at 0.1 (LIVE" in story

    def test_a_write_is_demanded_also_when_a_later_one_fails(self) -> None:
        """An answer with errors still tells of what was done."""
        tale = Tale()
        tale.commit(order())
        writes = (
            Write(key=order(), outcome=Outcome.CONFIRMED, version=at(1)),
            Write(key=product(), outcome=Outcome.REFUSED),
        )
        tale.operate("s", Answer(errors=("UPSTREAM_UNAVAILABLE",)), writes=writes)

        [story] = stories_of(tale)

        assert "does not demand its own write of order:o-1 at 0.1" in story

    def test_a_write_without_an_outcome_is_remembered(self) -> None:
        """Its aggregate is uncertain; of a new order, whose id nobody knows, orders are marked."""
        unknown = [Write(key=key, outcome=Outcome.UNKNOWN) for key in (order(), None)]
        tale = Tale()
        for write in unknown:
            told = tale.operate("s", Answer(), sent=ConsistencyToken(), writes=(write,))
            got(tale, told, ConsistencyToken())
        for write, token in zip(
            unknown,
            (
                ConsistencyToken(uncertain=frozenset([order()])),
                ConsistencyToken(marks={AggregateType.ORDER: 1_002}),
            ),
            strict=True,
        ):
            got(tale, tale.operate("t", Answer(), sent=ConsistencyToken(), writes=(write,)), token)

        [of_one, of_a_new_one] = stories_of(tale)

        assert "forgets that nobody knows what became of order:o-1" in of_one
        assert "forgets that nobody knows what became of its new order" in of_a_new_one

    def test_a_refused_request_needs_no_token(self) -> None:
        """Who is refused keeps the token that she has."""
        tale = Tale()
        tale.commit(product())
        told = tale.operate("s", Answer(errors=("INVALID_CONSISTENCY_TOKEN",)), sent=ENTRY)
        tale.amend(replace(told, answer=Answer(errors=("INVALID_CONSISTENCY_TOKEN",))))

        assert stories_of(tale) == []

    def test_a_list_asks_for_all_orders_that_a_token_names(self) -> None:
        """An order that a live list has shown is certain again."""
        tale = Tale()
        tale.commit(order())
        sent = ConsistencyToken(uncertain=frozenset([order()]))
        mark = ConsistencyToken({order(): at(1)})
        got(tale, tale.operate("s", Answer(pages=(page(order()),)), sent=sent), mark)

        assert stories_of(tale) == []


class TestSizes:
    def test_a_token_longer_than_its_bound_is_caught(self) -> None:
        """One entry takes 64 characters at most, three take 128, and none takes over 1,024."""
        keys = [AggregateKey(of, "x" * 18) for of in AggregateType]
        tokens = {
            64: ConsistencyToken({keys[0]: Version(0, 1)}),
            128: ConsistencyToken(dict.fromkeys(keys, Version(0, 1))),
            1024: ConsistencyToken({keys[0]: Version(0, 1)}, floor={ORDERS: Seen(1, MINUTE)}),
        }
        tale = Tale()
        for length, token in tokens.items():
            for text in ("c" * length, "c" * (length + 1)):
                tale.operate("s", Answer(got=token, token_text=text), sent=ConsistencyToken())

        found = [v.story for v in tokens_are_small(Evidence(tale.history()))]

        assert [story.split(" got ")[1] for story in found] == [
            "a token of 65 characters instead of 64",
            "a token of 129 characters instead of 128",
            "a token of 1025 characters instead of 1024",
        ]
