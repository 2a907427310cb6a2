"""The numbers of several workers on one page: whose they are, and who is left out of it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics import fellows
from gateway.metrics.fellows import Fellows, Page, common_folder, together
from gateway.metrics.names import WORKER

PAGE = """# HELP bff_operations_total Operations.
# TYPE bff_operations_total counter
bff_operations_total{{way="planned"}} {count}.0
# HELP bff_dead_letters Letters.
# TYPE bff_dead_letters gauge
bff_dead_letters NaN
"""


def page(count: int) -> Page:
    return PAGE.format(count=count).encode()


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short path, as sockets need it."""
    with TemporaryDirectory() as path:
        yield Path(path)


@asynccontextmanager
async def crew(folder: Path, *counts: int) -> AsyncIterator[list[Fellows]]:
    """Workers that have counted so many operations each."""
    async with AsyncExitStack() as stack:
        workers = [Fellows(folder, number) for number in range(len(counts))]
        for worker, count in zip(workers, counts, strict=True):
            await stack.enter_async_context(worker.telling(partial(look, count)))
        yield workers


async def look(count: int) -> Page:
    return page(count)


def sockets_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_whoever_is_asked_shows_the_numbers_of_all(folder: Path) -> None:
    """Each worker has the same page: every family once, every series with its worker's number."""
    async with crew(folder, 3, 4, 5) as workers:
        pages = [await worker.pages(page(3 + worker.number)) for worker in workers]

    operations, letters = together(pages[0])

    assert pages[0] == pages[1] == pages[2]
    assert {s.labels[WORKER]: s.value for s in operations.samples} == {"0": 3, "1": 4, "2": 5}
    assert {s.labels["way"] for s in operations.samples} == {"planned"}
    assert [s.labels[WORKER] for s in letters.samples] == ["0", "1", "2"]


async def test_a_page_of_all_is_one_of_prometheus(folder: Path) -> None:
    """Names, kinds and sentences stay what they were on the page of one."""
    async with crew(folder, 1, 2) as workers:
        whole = together(await workers[0].pages(page(1)))

    alone = text_string_to_metric_families(page(1).decode())
    assert [(of.name, of.type, of.documentation) for of in whole] == [
        (of.name, of.type, of.documentation) for of in alone
    ]


async def test_one_that_was_killed_is_left_out_until_another_takes_its_place(folder: Path) -> None:
    """Its socket lies there still; nobody waits for it, and the next one has its number."""
    async with crew(folder, 1, 2):
        pass  # closed in order, the sockets are there still: as after a kill
    assert sockets_in(folder) == ["0.sock", "1.sock"]

    alone = await Fellows(folder, 0).pages(page(7))
    async with crew(folder, 7, 8) as workers:
        both = await workers[0].pages(page(7))

    assert alone == {0: page(7)}
    assert both == {0: page(7), 1: page(8)}


async def test_one_that_is_stuck_is_left_out_in_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who takes the connection and says nothing costs a bounded wait, and is not on the page."""
    monkeypatch.setattr(fellows, "ANSWER_LIMIT_S", 0.05)
    never = asyncio.Event()

    async def say_nothing() -> Page:
        await never.wait()
        return b""

    async with Fellows(folder, 1).telling(say_nothing), crew(folder, 3) as workers:
        pages = await workers[0].pages(page(3))
        never.set()

    assert pages == {0: page(3)}


def test_the_folder_is_for_nobody_else_and_goes_with_its_maker() -> None:
    """Only its user may enter, and nothing of it is left."""
    with common_folder() as folder:
        assert folder is not None
        mode = folder.stat().st_mode & 0o777

    assert mode == 0o700
    assert not folder.exists()


async def test_a_page_that_breaks_off_is_left_out(folder: Path) -> None:
    """Half a page would tell lower counts; who fails to look at itself goes on serving."""

    async def fail() -> Page:
        raise ValueError("nothing to see")

    async def half(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(page(5)[:-3])
        writer.close()

    broken = await asyncio.start_unix_server(half, folder / "2.sock")
    async with broken, Fellows(folder, 1).telling(fail), crew(folder, 3) as workers:
        pages = await workers[0].pages(page(3))

    assert pages == {0: page(3)}


@pytest.mark.parametrize("place", ["nowhere", "x" * 101])
async def test_who_can_have_no_socket_serves_without(place: str, folder: Path) -> None:
    """Be the folder gone, or its name too long: a worker shows its own numbers alone."""
    worker = Fellows(folder / place, 0)
    if place != "nowhere":
        worker.folder.mkdir()

    async with worker.telling(partial(look, 3)):
        pages = await worker.pages(page(3))

    assert pages == {0: page(3)}


def test_where_there_is_no_room_for_temporary_files_there_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that is read-only throughout is no reason to fail."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    with common_folder() as folder:
        assert folder is None
