from io import StringIO

from rich.console import Console

from gateway.operating.rebuild_bars import RebuildBars
from projections.consumer import BatchApplied, SourceFailed, SourceRestarted
from projections.errors import LogReplaced, SourceUnavailable
from projections.positions import Partition
from tests.builders.rows import position


def bars_on_a_terminal() -> tuple[RebuildBars, StringIO]:
    screen = StringIO()
    return RebuildBars(
        Console(file=screen, force_terminal=True, width=100, highlight=False)
    ), screen


def test_bars_show_how_much_is_left() -> None:
    """A bar a source, over all of its partitions: events read, of how many."""
    bars, screen = bars_on_a_terminal()

    with bars.shown():
        for index, remaining in ((0, 300), (1, 100), (0, 200)):
            at = position(remaining_count=remaining)
            bars.observe(BatchApplied(Partition("orders", index, 2), at, 100, 100, 0))

    assert "300/600" in screen.getvalue()
    assert "orders: 300 events read" in screen.getvalue()


def test_source_that_does_not_tell_its_lag_has_no_end() -> None:
    """Events are counted all the same."""
    bars, screen = bars_on_a_terminal()

    with bars.shown():
        bars.observe(BatchApplied(Partition("orders"), position(), 100, 100, 0))

    assert "100/?" in screen.getvalue()


def test_what_goes_wrong_meanwhile_is_told_above_the_bars() -> None:
    """A log that stutters or begins anew is a line; what was read of it counts anew."""
    bars, screen = bars_on_a_terminal()
    orders = Partition("orders")

    with bars.shown():
        bars.observe(BatchApplied(orders, position(), 100, 100, 0))
        bars.observe(SourceFailed(orders, SourceUnavailable("orders", "refused"), 0.5))
        bars.observe(SourceRestarted(orders, LogReplaced("orders", "made anew")))

    assert "orders: refused; again in 0.5 s" in screen.getvalue()
    assert "orders: from its start again: made anew" in screen.getvalue()
    assert "orders: 0 events read" in screen.getvalue()
