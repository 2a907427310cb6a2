"""Answers whose bytes are kept: how many, and which of them when there is no more room."""

import gc
import tracemalloc
from collections.abc import Sequence

import pytest

from gateway.consistency_extension import ReadyConsistency
from gateway.ready_answers import MAX_REMEMBERED, ReadyAnswer, ReadyAnswers, RecentlyMade
from projections.projector import StoredRow
from projections.store import Cut
from projections.views import Row
from tests.builders.rows import customer_row, order_row, product_row

NOTHING_TOLD = ReadyConsistency(b"[]", ())


def an_answer(data: bytes = b"{}", *rows: Row) -> ReadyAnswer:
    cut = Cut({row.key: StoredRow(row, row.at) for row in rows})
    return ReadyAnswer(cut, data, NOTHING_TOLD, frozenset())


class TestReadyAnswers:
    def test_what_is_kept_is_found(self) -> None:
        """By who has asked for what."""
        answers, answer = ReadyAnswers(10_000), an_answer()

        answers.keep("one", answer)

        assert answers.find("one") is answer
        assert answers.find("another") is None

    def test_there_is_room_for_so_many_bytes(self) -> None:
        """What was not used for longest goes first, when another is asked for again."""
        answers = a_full_house("one", "two", "three")

        answers.find("one")
        keep_twice(answers, "four", an_answer())

        kept = [name for name in ("one", "two", "three", "four") if answers.find(name)]
        assert kept == ["one", "three", "four"]

    def test_a_large_answer_takes_the_room_of_many(self) -> None:
        """Bytes are counted, not answers."""
        large = an_answer(b"x" * 2 * an_answer().size_bytes)
        answers = a_full_house(0, 1, 2, 3)

        keep_twice(answers, "large", large)

        assert [name for name in range(4) if answers.find(name)] == [3]
        assert answers.find("large") is large

    def test_what_takes_the_place_of_another_is_counted_once(self) -> None:
        """Whatever is kept under a name a thousand times, there is as much room for others."""
        answers = ReadyAnswers(2 * an_answer().size_bytes)
        answers.keep("another", an_answer())

        for _ in range(1_000):
            answers.keep("one", an_answer())

        assert answers.find("another") is not None

    def test_without_room_nothing_is_kept(self) -> None:
        """0 switches it off."""
        answers = ReadyAnswers(0)

        keep_twice(answers, "one", an_answer())

        assert answers.find("one") is None

    def test_what_is_larger_than_all_room_takes_none(self) -> None:
        """However often it is asked for, those that do fit stay."""
        answers = a_full_house("one", "two")

        keep_twice(answers, "vast", an_answer(b"x" * 2 * answers.size_bytes))

        assert [name for name in ("one", "two", "vast") if answers.find(name)] == ["one", "two"]

    def test_what_has_grown_larger_than_all_room_takes_none(self) -> None:
        """It leaves its place, and the others stay."""
        answers = a_full_house("one", "two")

        answers.keep("one", an_answer(b"x" * 2 * answers.size_bytes))

        assert [name for name in ("one", "two") if answers.find(name)] == ["two"]

    def test_who_walks_through_all_there_is_takes_nothing_from_others(self) -> None:
        """An answer that is asked for once needs no room; what is kept may be asked for again."""
        answers = a_full_house("one", "two", "three")

        walk_through_all(answers)

        assert [name for name in ("one", "two", "three") if answers.find(name)] == [
            "one",
            "two",
            "three",
        ]

    def test_the_control_is_flushed_by_a_walk(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where everything is kept at once, nothing is left of what others ask for."""
        monkeypatch.setattr(RecentlyMade, "note", lambda *_: True)
        answers = a_full_house("one", "two", "three")

        walk_through_all(answers)

        assert not [name for name in ("one", "two", "three") if answers.find(name)]

    def test_who_comes_again_is_let_in_while_she_is_remembered(self) -> None:
        """Until as many others have come as are remembered; so little is remembered of each."""
        soon, late = a_full_house("one"), a_full_house("one")
        for answers, others_count in ((soon, MAX_REMEMBERED - 1), (late, 2 * MAX_REMEMBERED)):
            answers.keep("two", an_answer())
            walk_through_all(answers, others_count)
            answers.keep("two", an_answer())

        assert soon.find("two") is not None
        assert late.find("two") is None

    def test_an_answer_that_has_changed_is_kept_at_once(self) -> None:
        """It takes the place of its own, for which there was room."""
        answers, newer = a_full_house("one", "two"), an_answer(b'{"newer":1}')

        answers.keep("one", newer)

        assert answers.find("one") is newer

    def test_no_answer_is_larger_than_it_is_reckoned(self) -> None:
        """Its rows included, be they nobody else's any more."""
        answers, count = ReadyAnswers(10**9), 300

        def keep() -> int:
            kept_bytes = 0
            for number in range(count):
                rows = a_whole_order(f"o-{number}")
                answer = an_answer(bytes(500), *rows)
                answers.keep((object(), (("id", f"o-{number}"),), "ada"), answer)
                kept_bytes += answer.size_bytes
            return kept_bytes

        gc.collect()
        tracemalloc.start()
        reckoned_bytes = keep()
        gc.collect()
        taken_bytes, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()

        assert 0.3 * reckoned_bytes < taken_bytes < reckoned_bytes


def a_full_house(*names: object) -> ReadyAnswers:
    """As many answers as there is room for."""
    answers = ReadyAnswers(len(names) * an_answer().size_bytes)
    for name in names:
        answers.keep(name, an_answer())
    return answers


def keep_twice(answers: ReadyAnswers, name: object, answer: ReadyAnswer) -> None:
    """As for who asks, and asks again."""
    answers.keep(name, answer)
    answers.keep(name, answer)


def walk_through_all(answers: ReadyAnswers, count: int = 3 * MAX_REMEMBERED) -> None:
    """Each of many is asked for, and never again."""
    for number in range(count):
        answers.keep(("of many", number), an_answer())


def a_whole_order(order_id: str) -> Sequence[Row]:
    """An order of five lines, its customer and its products; all of them its own."""
    products = [product_row(f"{order_id}-p-{number}") for number in range(5)]
    ids = tuple(product.id for product in products)
    order = order_row(order_id, note="Please ring twice, it is loud here.", product_ids=ids)
    return order, customer_row(f"{order_id}-c"), *products
