"""`bff explain`: what a query would ask of whom, in which wave, and what if that fails."""

import json
import sys
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Annotated

import typer
from rich.text import Text
from rich.tree import Tree

from gateway.explaining import ExplanationRefused, Question, code_of, explain
from gateway.operating.running import ExitCode, run_to_end
from gateway.operating.terminal import make_console
from gateway.settings import Settings
from resolvers.explaining import Part


class ExplainCommand:
    """The command, with the settings of the gateway that is meant."""

    def __init__(self, read_settings: Callable[[], Settings]) -> None:
        self._read_settings = read_settings

    def run(
        self,
        query: Annotated[str, typer.Argument(help="The query; - reads it from standard input.")],
        *,
        variables: Annotated[str, typer.Option(help="Its variables, as a JSON object.")] = "{}",
        token: Annotated[
            list[str] | None,
            typer.Option(help="A consistency token that comes with it; repeatable. Not verified."),
        ] = None,
        operation: Annotated[
            str | None, typer.Option(help="Which of several operations is meant.")
        ] = None,
        code: Annotated[
            bool, typer.Option("--code", help="Show the code that is written for it instead.")
        ] = False,
    ) -> None:
        """Tell what a query would ask of whom, in which wave, and what is tried if that fails.

        Nothing is asked and nothing is read: waves and fallbacks follow from the query, its tokens
        and the settings. What did happen is told by `extensions.plan` (BFF_PLAN).

        Exit code 0: told; 2: the query cannot be run, and why.
        """
        text = sys.stdin.read() if query == "-" else query

        async def work() -> ExitCode:
            try:
                question = Question(text, _read_variables(variables), token or [], operation)
                if code:
                    typer.echo(code_of(question, self._read_settings()))
                    return ExitCode.FINE
                parts = await explain(question, self._read_settings())
            except ExplanationRefused as refused:
                for problem in refused.problems:
                    typer.echo(problem, err=True)
                return ExitCode.UNKNOWN
            make_console().print(render_tree(parts))
            return ExitCode.FINE

        run_to_end(work())


def render_tree(parts: Sequence[Part]) -> Tree:
    """The parts by wave, each with its ladder."""
    tree = Tree("one cut of the projection, then for what it cannot answer:")
    if not any(_reads_projection(part) for part in parts):
        tree = Tree("the projection is not asked:")
    if not parts:
        tree = Tree("nothing is read")
    for wave, together in groupby(parts, key=lambda part: part.wave):
        branch = tree.add(Text(f"wave {wave}"))
        for part in together:
            _add(branch, part)
    return tree


def _add(branch: Tree, part: Part) -> None:
    guessed = "  (in the wave before, if guessed)" if part.is_guessable else ""
    leaf = branch.add(Text(f"{part.path}  {part.owner}  {part.call}{guessed}"))
    for number, rung in enumerate(part.ladder, start=1):
        leaf.add(Text(f"{number}. {rung.tried:<10} {rung.condition}"))


def _reads_projection(part: Part) -> bool:
    return part.ladder[0].tried == "projection"


def _read_variables(text: str) -> dict[str, object]:
    try:
        variables = json.loads(text)
    except ValueError as error:
        raise ExplanationRefused([f"--variables is no JSON: {error}"]) from error
    if not isinstance(variables, dict):
        raise ExplanationRefused(["--variables must be a JSON object"])
    return variables
