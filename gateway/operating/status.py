"""`bff status`: how far the projection is, what is wrong, and what to do about it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated

import typer

from gateway.operating.running import ExitCode, run_to_end
from gateway.operating.status_asking import (
    AskGateway,
    StatusStore,
    ask_gateway,
    ask_gateways,
    ask_store,
)
from gateway.operating.status_report import (
    GatewaySilent,
    GatewayStatus,
    PartitionStatus,
    ProjectionStatus,
    SourceStatus,
    Status,
    Told,
    things_to_do,
)
from gateway.operating.terminal import make_console, make_table, render_age, render_count
from projections.errors import StoreUnavailable
from projections.versions import AggregateType
from projections.views import STALENESS_BUDGETS_S


@dataclass(frozen=True, slots=True)
class House:
    """Whom to ask. ``store`` is None where every gateway keeps its own projection.

    ``budgets_s`` are the staleness budgets by which the store's ages are judged.
    """

    store: StatusStore | None
    sources: tuple[str, ...]
    gateway_url: str
    budgets_s: Mapping[AggregateType, float] = field(default_factory=lambda: STALENESS_BUDGETS_S)


OpenHouse = Callable[[], AbstractAsyncContextManager[House]]


class StatusCommand:
    """The command over a house that ``open_house`` opens; ``wall_clock`` is in Unix seconds."""

    def __init__(
        self,
        open_house: OpenHouse,
        *,
        ask: AskGateway = ask_gateway,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._open = open_house
        self._ask = ask
        self._wall_clock = wall_clock

    def run(
        self,
        *,
        gateway: Annotated[
            list[str] | None,
            typer.Option(metavar="URL", help="Gateways to ask; repeatable. The configured one."),
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    ) -> None:
        """Tell positions, lag, generations, parked events and circuits, and what to do.

        Exit code 0: all is well; 1: something needs a look; 2: nobody could tell.
        """

        async def work() -> ExitCode:
            async with self._open() as house:
                status, failure = await self._ask_all(house, gateway or [house.gateway_url])
            to_do = [*([failure] if failure else []), *things_to_do(status)]
            if as_json:
                typer.echo(json.dumps({**_as_json(status), "toDo": to_do}, indent=2))
            else:
                _print(status, to_do)
            if failure or not status.is_known:
                return ExitCode.UNKNOWN
            return ExitCode.FOUND if to_do else ExitCode.FINE

        run_to_end(work())

    async def _ask_all(self, house: House, urls: Sequence[str]) -> tuple[Status, str | None]:
        """The status, and what kept us from asking the store."""
        gateways = await ask_gateways(urls, self._ask)
        if house.store is None:
            return Status(None, gateways), None
        budgets_s = {
            of.source: s for of, s in house.budgets_s.items() if of.source in house.sources
        }
        try:
            asked = ask_store(house.store, budgets_s, now_s=self._wall_clock())
            return Status(await asked, gateways), None
        except StoreUnavailable as error:
            return Status(None, gateways), f"{error}: is Redis up, and BFF_REDIS_URL right?"


def _print(status: Status, to_do: Sequence[str]) -> None:
    if status.projection is not None:
        _print_projection(status.projection)
    for told in status.gateways:
        typer.echo(_line_of(told))
    typer.echo("")
    for line in to_do or ["All is well."]:
        typer.echo(f"! {line}" if to_do else line)


def _print_projection(projection: ProjectionStatus) -> None:
    table = make_table("partition", "position", "state", "to go", "age", "budget")
    for source in projection.sources:
        for one in source.partitions:
            table.add_row(*_cells_of(one))
    console = make_console()
    console.print(table)
    models = make_table("read model", "generation", "rows", "suspect", "building")
    for source in projection.sources:
        models.add_row(*_model_cells_of(source))
    console.print()
    console.print(models)
    typer.echo(f"\n{render_count(projection.letter_count, 'dead letter')}")


def _cells_of(one: PartitionStatus) -> Sequence[str]:
    position = one.position
    return (
        str(one.partition),
        position.cursor,
        "caught up" if position.is_caught_up else "reading",
        "?" if position.remaining_count is None else f"{position.remaining_count:,}",
        "?" if one.freshness.age_s is None else render_age(one.freshness.age_s),
        render_age(one.freshness.budget_s) + (", spent" if one.freshness.is_spent else ""),
    )


def _model_cells_of(source: SourceStatus) -> Sequence[str]:
    active, building = source.active, source.building
    return (
        source.source,
        str(active.generation),
        f"{active.row_count:,}",
        f"{active.suspect_count:,}",
        ""
        if building is None
        else f"{building.generation}: {render_count(building.row_count, 'row')}",
    )


def _line_of(told: Told) -> str:
    match told:
        case GatewaySilent(url=url, reason=reason):
            return f"gateway {url}: {reason}"
        case GatewayStatus(url=url, status=status, circuits=circuits):
            states = ", ".join(f"{service} {state}" for service, state in circuits.items())
            return f"gateway {url}: {status}" + (f"; circuits: {states}" if states else "")


def _as_json(status: Status) -> dict[str, object]:
    projection = status.projection
    return {
        "sources": [] if projection is None else [_source_json(of) for of in projection.sources],
        "deadLetterCount": None if projection is None else projection.letter_count,
        "gateways": [_gateway_json(told) for told in status.gateways],
    }


def _source_json(of: SourceStatus) -> dict[str, object]:
    return {
        "source": of.source,
        "generation": of.active.generation,
        "rowCount": of.active.row_count,
        "suspectCount": of.active.suspect_count,
        "building": None if of.building is None else of.building.generation,
        "partitions": [
            {
                "partition": str(one.partition),
                "cursor": one.position.cursor,
                "isCaughtUp": one.position.is_caught_up,
                "remainingCount": one.position.remaining_count,
                "ageS": one.freshness.age_s,
                "budgetS": one.freshness.budget_s,
                "isSpent": one.freshness.is_spent,
            }
            for one in of.partitions
        ],
    }


def _gateway_json(told: Told) -> dict[str, object]:
    match told:
        case GatewaySilent(url=url, reason=reason):
            return {"url": url, "status": None, "reason": reason}
        case GatewayStatus(url=url, status=status, circuits=circuits, hearing=hearing):
            state = None if hearing is None else hearing.state.value
            return {"url": url, "status": status, "circuits": dict(circuits), "watcher": state}
