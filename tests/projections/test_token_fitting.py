"""What is dropped from a token that is too large, and which mark stands for it."""

from projections.token import ConsistencyToken, FloorKey, Seen, mark_at, outlives
from projections.token_shrinking import fit
from projections.token_size import MAX_ENTRIES, MAX_UNCERTAIN, fits
from projections.versions import AggregateKey, AggregateType, Version

ORDER, CUSTOMER, PRODUCT = AggregateType.ORDER, AggregateType.CUSTOMER, AggregateType.PRODUCT
NOW_MINUTE = 29_000_000
NOW_S = NOW_MINUTE * 60.0
MARKED = mark_at(NOW_S)


def order(id_: str) -> AggregateKey:
    return AggregateKey(ORDER, id_)


def orders(count: int) -> dict[AggregateKey, Version]:
    return {order(f"o-{number:03}"): Version(0, 1) for number in range(count)}


def products(count: int) -> dict[AggregateKey, Version]:
    return {AggregateKey(PRODUCT, f"p-{number:03}"): Version(0, 1) for number in range(count)}


class TestFit:
    def test_a_token_with_room_is_left_alone(self) -> None:
        """As long as a token fits nothing is dropped from it."""
        full = ConsistencyToken(orders(MAX_ENTRIES))

        assert fit(full, NOW_S) is full

    def test_a_dropped_entry_marks_its_type(self) -> None:
        """No bound is dropped silently: its type carries the moment of the drop."""
        over_full = ConsistencyToken(orders(MAX_ENTRIES + 1))

        fitted = fit(over_full, NOW_S)

        assert len(fitted.entries) == MAX_ENTRIES
        assert fitted.marks == {ORDER: MARKED}

    def test_the_most_crowded_type_gives_way_first(self) -> None:
        """Marks fall on as few types as possible, because a marked type is read live."""
        over_full = ConsistencyToken(orders(20) | products(30))

        fitted = fit(over_full, NOW_S)

        assert fitted.marks == {PRODUCT: MARKED}
        assert orders(20).items() <= fitted.entries.items()

    def test_an_earlier_mark_is_raised_and_others_are_kept(self) -> None:
        """A second overflow moves the mark of its own type forward and leaves the rest."""
        over_full = ConsistencyToken(
            orders(MAX_ENTRIES + 1), {ORDER: MARKED - 9, CUSTOMER: MARKED - 9}
        )

        fitted = fit(over_full, NOW_S)

        assert fitted.marks == {ORDER: MARKED, CUSTOMER: MARKED - 9}

    def test_long_ids_fill_a_token_before_its_entries_are_counted_out(self) -> None:
        """With ids of 64 characters few entries have room, so that the text stays within bounds."""
        long_ids = {order(f"{number:064}"): Version(0, 1) for number in range(MAX_ENTRIES)}

        fitted = fit(ConsistencyToken(long_ids), NOW_S)

        assert fits(fitted)
        assert len(fitted.entries) == 10

    def test_floors_outlast_entries(self) -> None:
        """A mark for a floor lives a minute, one for an entry a second: so floors go last."""
        floor = {FloorKey(ORDER, n, 7): Seen(10**6, NOW_MINUTE) for n in range(18)}

        long_ids = {order(f"o-{number:016}"): Version(0, 1) for number in range(MAX_ENTRIES)}

        fitted = fit(ConsistencyToken(long_ids, floor=floor), NOW_S)

        assert fitted.floor == floor
        assert fitted.marks == {ORDER: MARKED}

    def test_a_floor_that_has_no_room_marks_its_type_until_it_is_outlived(self) -> None:
        """What was seen of a log is as much a promise as an entry."""
        floor = {FloorKey(ORDER, n, 7): Seen(2**50, NOW_MINUTE) for n in range(65)}

        fitted = fit(ConsistencyToken(floor=floor), NOW_S)

        assert fits(fitted)
        assert fitted.marks == {ORDER: outlives(Seen(0, NOW_MINUTE))}

    def test_uncertain_writes_beyond_their_bound_are_marked(self) -> None:
        """Whoever has more of them reads the whole type live for a while."""
        uncertain = frozenset(orders(MAX_UNCERTAIN + 1))

        fitted = fit(ConsistencyToken(uncertain=uncertain), NOW_S)

        assert len(fitted.uncertain) == MAX_UNCERTAIN
        assert fitted.marks == {ORDER: MARKED}
