"""Commits joined with what a listener heard."""

from benchmarks.visibility import Committed, Heard, Seen, join

ORDER = ("orders", "o-1")


def heard(*announcements: tuple[float, dict[tuple[str, str], tuple[int, int]]]) -> Heard:
    """A listener that heard these, in this order."""
    listener = Heard()
    for at_s, versions in announcements:
        listener.note(at_s, versions)
    return listener


def test_a_version_is_seen_when_it_is_heard() -> None:
    """The delay is from the commit to the first announcement that holds the version."""
    listener = heard((10.0, {ORDER: (1, 2)}), (11.0, {ORDER: (1, 3)}))

    seen = join([Committed(ORDER, (1, 3), 10.5)], listener)

    assert seen == Seen((0.5,), 0)


def test_a_version_that_was_passed_over_is_seen_with_the_next() -> None:
    """Two versions of one batch are announced as one: both are visible from then on."""
    listener = heard((10.0, {ORDER: (1, 4)}))

    seen = join([Committed(ORDER, (1, 3), 9.0), Committed(ORDER, (1, 4), 9.5)], listener)

    assert seen.delays_s == (1.0, 0.5)


def test_an_older_announcement_that_comes_late_changes_nothing() -> None:
    """What was visible stays visible, whatever is announced again."""
    listener = heard((10.0, {ORDER: (1, 5)}), (20.0, {ORDER: (1, 4)}), (30.0, {ORDER: (1, 5)}))

    assert listener.since(ORDER, (1, 4)) == 10.0
    assert listener.since(ORDER, (1, 5)) == 10.0


def test_an_epoch_counts_before_a_number() -> None:
    """A version of an older epoch is visible under a newer one, however great its number."""
    listener = heard((10.0, {ORDER: (2, 1)}))

    assert listener.since(ORDER, (1, 99)) == 10.0


def test_what_was_never_heard_is_counted_and_has_no_delay() -> None:
    """A change that nobody saw is no fast one."""
    listener = heard((10.0, {ORDER: (1, 2)}))

    seen = join(
        [Committed(ORDER, (1, 3), 1.0), Committed(("orders", "o-2"), (1, 1), 1.0)], listener
    )

    assert seen == Seen((), 2)
