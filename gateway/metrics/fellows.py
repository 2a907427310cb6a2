"""The numbers of all workers of one `bff serve`, whichever of them is asked for its own.

Each tells them to whoever connects to its socket, in a folder that their parent has made and that
only their user may enter. Whoever is asked for `/metrics` asks the others, and shows all of it,
each series with the number of its worker. One that does not answer in time, or is just being
started again, is not on the page this time.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
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


@dataclass(frozen=True, slots=True)
class Fellows:
    """The workers whose sockets are in ``folder``; this one has ``number``, counted from 0."""

    folder: Path
    number: int

    @asynccontextmanager
    async def telling(self, look: Callable[[], Awaitable[Page]]) -> AsyncIterator[None]:
        """Tell the others this page, made anew each time, while the block runs."""

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                writer.write(await look())
                await writer.drain()
            except ConnectionError:
                pass  # it waited long enough
            finally:
                writer.close()

        path = self._path_of(self.number)
        path.unlink(missing_ok=True)  # of the one before, which may have been killed
        async with await asyncio.start_unix_server(tell, path):
            yield

    async def pages(self, own: Page) -> dict[int, Page]:
        """The pages of all who answer, by number; waits `ANSWER_LIMIT_S` at the longest."""
        pages = {self.number: own}

        async def ask(path: Path) -> None:
            try:
                async with asyncio.timeout(ANSWER_LIMIT_S):
                    pages[int(path.stem)] = await _read(path)
            except OSError:  # it is not there now, or silent: TimeoutError is one
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
        try:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="bff-")))
            with socket.socket(socket.AF_UNIX) as trial:
                trial.bind(str(folder / "trial"))  # the path may be too long for a socket
        except OSError:
            yield None
        else:
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


async def _read(path: Path) -> Page:
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        return await reader.read()
    finally:
        writer.close()
