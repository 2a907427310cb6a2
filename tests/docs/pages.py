"""The project's pages as tests read them: links, tables, and what is typed and answered."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])

Json = Any
"""What a page shows as JSON."""

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Step:
    """Lines typed into a shell, and what the page says the last of them answers (None: nothing)."""

    script: str
    answer: Json | None


def read(name: str) -> str:
    """The text of a page, by its path from the root."""
    return (ROOT / name).read_text()


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", text)


def steps(text: str) -> Iterator[Step]:
    """Every shell block of a page, each with the JSON block that follows it before the next."""
    script: str | None = None
    for language, block in _FENCE.findall(text):
        if language == "sh":
            if script is not None:
                yield Step(script, None)
            script = block
        elif language == "json" and script is not None:
            yield Step(script, json.loads(block))
            script = None
    if script is not None:
        yield Step(script, None)


def queries(text: str) -> list[str]:
    """Every GraphQL document that a page sends."""
    bodies = [json.loads(body) for body in re.findall(r"-d '(\{.*?\})'$", text, re.MULTILINE)]
    return [body["query"] for body in bodies if "query" in body]


def make_targets(text: str) -> set[str]:
    """Every `make x` that a page tells to type."""
    typed = "\n".join(step.script for step in steps(text))
    named = re.findall(r"`make ([a-z-]+)", prose(text))
    return {*named, *re.findall(r"^make ([a-z-]+)", typed, re.MULTILINE)}


def relative_links(text: str) -> list[str]:
    """The targets of all links that stay in the project."""
    return [target for target in _LINK.findall(prose(text)) if ":" not in target]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made from headings everywhere."""
    headings = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def table(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first column is called ``heading``, cells as they stand."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {heading} |"):
            break
    next(lines)
    rows: list[list[str]] = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return rows


def first_words(rows: list[list[str]]) -> list[str]:
    """The code words of the first column."""
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row[0])]
