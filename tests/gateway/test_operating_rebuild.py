import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from gateway.operating.rebuild import Leased, RebuildCommand, tell
from gateway.operating.running import ExitCode
from projections.errors import StoreUnavailable
from projections.projector import StoredRow
from projections.rebuild.comparison import ListedUnlike, Older, Unlike
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.rebuild import (
    Disagreed,
    NothingToReplace,
    Outrun,
    Rebuild,
    RebuildOptions,
    RebuildSignal,
)
from projections.selection import PageKey
from projections.versions import Version
from tests.builders.rows import order_key, product_key, product_row
from tests.gateway.operating import Ended, run_command
from tests.generational_store import GenerationalMemoryStore
from tests.projections.rebuilding import WORLD, Rebuilding, logs_of


class House:
    """A projected world, and what the command opens of it; logs are new in each loop."""

    def __init__(self) -> None:
        self.rebuilding = Rebuilding(logs_of(*WORLD))
        asyncio.run(self.rebuilding.project())

    @property
    def store(self) -> GenerationalMemoryStore:
        return self.rebuilding.store

    @asynccontextmanager
    async def open_rebuild(
        self,
        sources: Sequence[str],
        options: RebuildOptions,
        observe: Callable[[RebuildSignal], None],
    ) -> AsyncIterator[Rebuild]:
        for feed in self.rebuilding.logs.values():
            feed._committed = asyncio.Event()
        logs = {source: self.rebuilding.logs[source] for source in sources}
        rebuild = self.rebuilding.rebuild(options, logs=logs)
        rebuild._observe = observe
        async with asyncio.TaskGroup():
            yield rebuild

    @asynccontextmanager
    async def open_leased(self) -> AsyncIterator[Leased]:
        yield Leased(self.store, RebuildLease(self.rebuilding.record, LeaseOptions()))

    def bff_rebuild(self, *arguments: str, answer: str = "") -> Ended:
        command = RebuildCommand(self.open_rebuild, self.open_leased)
        return run_command(command.run, *arguments, answer=answer)


def test_rebuild_tells_what_was_done_and_what_can_be_done_next() -> None:
    """After a flip: what was read and compared, how to go back, how to be done with it."""
    house = House()

    ended = house.bff_rebuild("--yes")

    assert ended.code == 0
    assert "orders: 6 events read" in ended.err
    assert "compared: 7 rows and 1 list" in ended.err
    assert ended.out == (
        "Rebuilt: orders, customers, products. The new generation serves.\n"
        "Back to the one before:  bff rebuild orders customers products --roll-back\n"
        "When nobody wants it:    bff rebuild orders customers products --drop-previous\n"
    )
    assert house.store.flip_count == 1


def test_rebuild_asks_before_it_begins() -> None:
    """No is no; nothing has been read by then."""
    house = House()

    refused = house.bff_rebuild("products", answer="n\n")
    agreed = house.bff_rebuild("products", answer="y\n")

    assert "Rebuild products, and flip?" in refused.out
    assert refused.code == 1
    assert agreed.code == 0
    assert house.store.flip_count == 1


def test_dry_run_asks_nothing_and_changes_nothing() -> None:
    """What does no harm needs no word."""
    house = House()

    ended = house.bff_rebuild("--dry-run")

    assert ended.code == 0
    assert ended.out == (
        "Could be rebuilt: orders, customers, products. "
        "Nothing has changed: the projection serves as before.\n"
    )
    assert house.store.flip_count == 0
    assert house.store.built is None


def test_differences_are_listed_and_can_be_accepted() -> None:
    """Other content is exit code 1 with the rows named; a second run may take the log's word."""
    house = House()
    wrong = product_row(name="Wool Notebok")
    house.store._rows[wrong.key] = StoredRow(wrong, wrong.at)

    refused = house.bff_rebuild("--yes")
    accepted = house.bff_rebuild("--yes", "--accept-differences")

    assert refused.code == 1
    assert "product:p-1: at 1.1 the log says something else\n" in refused.err
    assert "--accept-differences" in refused.err
    assert accepted.code == 0


def test_rolling_back_tells_what_it_means_and_asks() -> None:
    """The generation before serves again once somebody has agreed."""
    house = House()
    house.bff_rebuild("--yes")

    refused = house.bff_rebuild("--roll-back", answer="n\n")
    agreed = house.bff_rebuild("--roll-back", answer="y\n")

    assert "reads go to the services" in refused.out
    assert refused.code == 1
    assert agreed.code == 0
    assert "Rolled back: orders, customers, products." in agreed.out
    assert house.store.generation_of == dict.fromkeys(("orders", "customers", "products"), 1)


def test_nothing_to_roll_back_to_is_told() -> None:
    """Without a generation before there is none to go back to: a message, exit code 2."""
    ended = House().bff_rebuild("orders", "--roll-back", "--yes")

    assert ended == Ended(2, "", "orders: there is no such generation\n")


def test_generation_before_can_be_dropped() -> None:
    """Dropped, it cannot be rolled back to, and memory is free again."""
    house = House()
    house.bff_rebuild("orders", "--yes")

    ended = house.bff_rebuild("orders", "--drop-previous", "--yes")

    assert ended == Ended(0, "Dropped what served before: orders.\n", "")
    assert house.store.previous == {}


def test_two_wishes_at_once_are_refused() -> None:
    """A command does one thing."""
    ended = House().bff_rebuild("--dry-run", "--roll-back")

    assert ended.code == 2
    assert "one of --dry-run, --roll-back and" in ended.err


def test_another_rebuild_is_told() -> None:
    """Who comes second is told to come later."""
    house = House()
    asyncio.run(house.rebuilding.record.claim("another", 1_000))
    house.rebuilding.record.until_s = float("inf")

    ended = house.bff_rebuild("--yes")

    assert ended.code == 2
    assert "another rebuild is running" in ended.err
    assert "nothing has changed" in ended.err


def test_store_that_goes_away_ends_it_with_one_message() -> None:
    """No stack; what is known of the outcome is told before the reason."""
    house = House()

    async def gone(*_: object) -> None:
        raise StoreUnavailable("no answer in time")

    house.store.flip = gone  # type: ignore[method-assign, assignment]  # it goes away at the worst moment

    ended = house.bff_rebuild("--yes")

    assert ended.code == 2
    assert ended.err.endswith("nothing has changed.\nstore: no answer in time\n")


def test_ctrl_c_leaves_the_projection_as_it_was() -> None:
    """Interrupted in the middle: exit code 130, a word about the outcome, nothing left behind."""
    house = House()
    positions = house.store.positions
    asked_count = 0

    async def interrupted(source: str) -> object:
        nonlocal asked_count
        asked_count += 1
        if asked_count > 4:
            raise KeyboardInterrupt
        return await positions(source)

    house.store.positions = interrupted  # type: ignore[method-assign, assignment]  # Ctrl-C

    ended = house.bff_rebuild("--yes")

    assert ended.code == 130
    assert "The rebuild has stopped." in ended.err
    assert house.store.flip_count == 0


PAGE = PageKey("c-1", None, 10, None)


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (
            Disagreed((Older(order_key(), Version(1, 4), Version(1, 2)),)),
            "order:o-1: is at 1.4, and the log leads to 1.2 only\nThe log has lost events",
        ),
        (
            Disagreed((Older(order_key(), Version(1, 4), None), Unlike(product_key(), (1, 1)))),  # type: ignore[arg-type]
            "order:o-1: is at 1.4, and the log has no row\n",
        ),
        (Disagreed((ListedUnlike(PAGE),)), "customer:c-1: the log lists her orders otherwise"),
        (NothingToReplace(("orders",)), "Nothing was ever projected of orders: start `bff project"),
        (Outrun(200), "moved on in each of 200 attempts to flip. Nothing has changed"),
    ],
    ids=["older", "lost", "listed", "nothing", "outrun"],
)
def test_what_was_not_done_is_told_with_what_to_do(
    outcome: Disagreed | NothingToReplace | Outrun,
    told: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every outcome but a flip is exit code 1 and a reason on stderr."""
    assert tell(outcome, ["orders"]) is ExitCode.FOUND

    assert told in capsys.readouterr().err


def test_flood_of_disagreements_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    """Twenty are enough to see what is wrong; how many there are is told."""
    lost = tuple(Older(order_key(f"o-{n}"), Version(1, 1), None) for n in range(1_234))

    tell(Disagreed(lost), ["orders"])

    lines = capsys.readouterr().err.splitlines()
    assert lines[20] == "… and 1,214 more"
    assert len(lines) == 23
