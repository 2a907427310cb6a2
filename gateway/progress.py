"""Progress of a projection on its way to the present, on a terminal or as lines."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from gateway.catch_up import CatchUp

COLUMNS = (
    TextColumn("{task.description:>12}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn("{task.fields[rate]}"),
    TimeRemainingColumn(),
)


async def show_progress(catch_up: CatchUp, console: Console) -> None:
    """A bar for each source until all have caught up: events, events a second, time left.

    On something that is no terminal only the last state is printed.
    """
    with Progress(*COLUMNS, console=console) as bars:
        tasks: dict[str, TaskID] = {}
        async for progress in catch_up.follow():
            for source, at in progress.items():
                if source not in tasks:
                    tasks[source] = bars.add_task(source, total=None, rate="")
                total = at.applied_count + (at.remaining_count or 0)
                speed = bars.tasks[tasks[source]].speed
                rate = "" if speed is None else f"{speed:,.0f} events/s"
                bars.update(
                    tasks[source], completed=at.applied_count, total=total or None, rate=rate
                )
