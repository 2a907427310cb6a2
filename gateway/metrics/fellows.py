"""The numbers of all workers of one `bff serve`, whichever of them is asked for its own.

Each tells them to whoever connects to its socket, in a folder that their parent has made and that
only their user may enter. Whoever is asked for `/metrics` asks the others, and shows all of it,
each series with the number of its worker. One that does not answer in time, or is just being
started again, is not on the page this time.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from gateway.metrics.names import WORKER

ANSWER_LIMIT_S: Final = 1.0
"""After this time a worker is left out: a scrape has ten seconds, and a look takes milliseconds."""

Page = bytes
"""Families in the text format of Prometheus."""

Meet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]

END: Final = b"# EOF\n"
"""Follows a page, of which half would tell lower counts."""


@dataclass(frozen=True, slots=True)
class Fellows:
    """The workers whose sockets are in ``folder``; this one has ``number``, counted from 0."""

    folder: Path
    number: int

    @asynccontextmanager
    async def telling(self, look: Callable[[], Awaitable[Page]]) -> AsyncIterator[None]:
        """Tell the others this page, made anew each time, while the block runs.

        Where there can be no socket it is not told: who can serve is not kept from it by that.
        """
        async with asyncio.TaskGroup() as group:

            def meet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                group.create_task(_tell(look, writer), name="tell a fellow")

            server = await self._listening(meet)
            try:
                yield
            finally:
                if server is not None:
                    server.close()

    async def _listening(self, meet: Meet) -> asyncio.Server | None:
        path = self._path_of(self.number)
        try:
            path.unlink(missing_ok=True)  # of the one before, which may have been killed
            return await asyncio.start_unix_server(meet, path)
        except OSError:  # the folder is gone, full, or has too long a name
            return None

    async def pages(self, own: Page) -> dict[int, Page]:
        """The pages of all who answer, by number; waits `ANSWER_LIMIT_S` at the longest."""
        pages = {self.number: own}

        async def ask(path: Path) -> None:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    pages[int(path.stem)] = await _read(path)
            except (OSError, EOFError):  # it is not there now, or silent: TimeoutError is one
                return

        others = [path for path in self.folder.glob("*.sock") if path.stem != str(self.number)]
        async with asyncio.TaskGroup() as group:
            for path in others:
                group.create_task(ask(path))
        return dict(sorted(pages.items()))

    def _path_of(self, number: int) -> Path:
        return self.folder / f"{number}.sock"


@contextmanager
def common_folder() -> Iterator[Path | None]:
    """A folder for the sockets; None where there can be none, and each shows its own numbers."""
    with ExitStack() as stack:
        folder: Path | None = None
        with suppress(OSError):
            made = TemporaryDirectory(prefix="bff-", ignore_cleanup_errors=True)
            folder = Path(stack.enter_context(made))
        yield folder


def together(pages: Mapping[int, Page]) -> Iterable[Metric]:
    """Every family once, with the series of all workers, each labelled with its worker. Pure."""
    families: dict[str, Metric] = {}
    for number, page in pages.items():
        for family in text_string_to_metric_families(page.decode()):
            whole = families.setdefault(
                family.name, Metric(family.name, family.documentation, family.type)
            )
            for sample in family.samples:
                labels = {WORKER: str(number), **sample.labels}
                whole.samples.append(sample._replace(labels=labels))
    return families.values()


async def _tell(look: Callable[[], Awaitable[Page]], writer: asyncio.StreamWriter) -> None:
    try:
        with suppress(Exception):  # who asked sees no end, or has left; a worker goes on
            writer.write(await look() + END)
            await writer.drain()
    finally:
        writer.close()


async def _read(path: Path) -> Page:
    """The whole page; EOFError if it has no end."""
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        page = await reader.read()
    finally:
        writer.close()
    if not page.endswith(END):
        raise EOFError
    return page.removesuffix(END)
