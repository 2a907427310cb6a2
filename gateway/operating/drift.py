"""`bff drift`: a sample of rows beside what their owners say, and repair of what can be."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Annotated, assert_never

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from gateway.operating.running import ExitCode, run_to_end
from gateway.operating.sources import SourceName, types_of
from gateway.operating.terminal import make_console, make_table, render_count
from resolvers.drift import Ahead, Behind, Different, DriftReport, Missing, Same, Unchecked, Verdict
from resolvers.drift_check import DriftCheck, RowsCompared

OpenDriftCheck = Callable[[Callable[[RowsCompared], None]], AbstractAsyncContextManager[DriftCheck]]


class DriftCommand:
    """The command over a check that ``open_check`` makes, told whom to tell its progress."""

    def __init__(self, open_check: OpenDriftCheck) -> None:
        self._open = open_check

    def run(
        self,
        *,
        sample: Annotated[int, typer.Option(min=1, help="Rows of each source.")] = 200,
        source: Annotated[
            list[SourceName] | None, typer.Option(help="Of these sources only; repeatable.")
        ] = None,
        is_repairing: Annotated[
            bool, typer.Option("--repair", help="Heal rows that are behind.")
        ] = False,
        as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
    ) -> None:
        """Compare a sample of rows with the services that own them.

        Exit code 0: no drift; 1: drift; 2: something could not be compared.
        """

        async def work() -> ExitCode:
            with _progress() as bar:
                task = bar.add_task("compared", total=None)

                def advance(told: RowsCompared) -> None:
                    bar.update(task, completed=told.compared_count, total=told.total_count)

                async with self._open(advance) as check:
                    report = await check.run(types_of(source), sample)
                    healed_count = await check.repair(report) if is_repairing else None
            if as_json:
                typer.echo(json.dumps(_as_json(report, healed_count), indent=2))
            else:
                _print(report, healed_count)
            return code_of(report)

        run_to_end(work())


def code_of(report: DriftReport) -> ExitCode:
    """What the report comes to. Nothing compared is nothing known."""
    if report.drifted:
        return ExitCode.FOUND
    if report.unchecked or not report.verdicts:
        return ExitCode.UNKNOWN
    return ExitCode.FINE


def remedies(report: DriftReport, *, is_healed: bool) -> Sequence[str]:
    """What is to be done about each kind of drift there is, one line each."""
    kinds = {type(verdict) for verdict in report.drifted}
    lines = []
    if Behind in kinds and not is_healed:
        lines.append("behind: `bff drift --repair` heals these rows; `bff status` tells why")
    if Different in kinds:
        lines.append("different: cannot be repaired under the version gate; `bff rebuild` can")
    if Missing in kinds:
        lines.append(
            "missing: deleted at their owner, and no event has said so; it has to publish one"
        )
    if Ahead in kinds:
        lines.append(
            "ahead: the owner lost history and kept its epoch; raise it there, then `bff rebuild`"
        )
    return lines


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _print(report: DriftReport, healed_count: int | None) -> None:
    if not report.verdicts:
        typer.echo("There are no rows to compare.", err=True)
        return
    _print_table([*report.drifted, *report.unchecked])
    drift_count, unchecked_count = len(report.drifted), len(report.unchecked)
    same_count = len(report.verdicts) - drift_count - unchecked_count
    unchecked = f", {unchecked_count:,} not compared" if unchecked_count else ""
    typer.echo(
        f"{render_count(len(report.verdicts), 'row')}: {same_count:,} the same, "
        f"{drift_count:,} drifted{unchecked}"
    )
    if healed_count is not None:
        typer.echo(f"healed: {render_count(healed_count, 'row')}")
    for line in remedies(report, is_healed=healed_count is not None):
        typer.echo(line)


def _print_table(verdicts: Sequence[Verdict]) -> None:
    if not verdicts:
        return
    table = make_table("row", "verdict", "what")
    for verdict in verdicts:
        table.add_row(str(verdict.key), _name_of(verdict), describe(verdict))
    make_console().print(table)


def describe(verdict: Verdict) -> str:
    """What was found, in a few words."""
    match verdict:
        case Same():
            return ""
        case Behind(row_at=row_at, live=live, is_suspect=is_suspect):
            there = "no row" if row_at is None else f"row at {row_at}"
            why = ": its event was parked, see `bff dead-letters list`" if is_suspect else ""
            return f"{there}, owner at {live.at}{why}"
        case Different(at=at, fields=fields):
            return f"both at {at}, not the same: {', '.join(fields)}"
        case Missing(row_at=row_at):
            return f"row at {row_at}, owner has none"
        case Ahead(row_at=row_at, live_at=live_at):
            return f"row at {row_at}, owner at {live_at}"
        case Unchecked(reason=reason):
            return reason
        case _:
            assert_never(verdict)


def _name_of(verdict: Verdict) -> str:
    return "not compared" if isinstance(verdict, Unchecked) else type(verdict).__name__.lower()


def _as_json(report: DriftReport, healed_count: int | None) -> dict[str, object]:
    found = [*report.drifted, *report.unchecked]
    return {
        "comparedCount": len(report.verdicts) - len(report.unchecked),
        "healedCount": healed_count,
        "rows": [{"key": str(v.key), "verdict": _name_of(v), "what": describe(v)} for v in found],
    }
