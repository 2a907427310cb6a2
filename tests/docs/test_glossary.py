"""The glossary is kept: its words are in use, and the words it refuses are not."""

import re

import pytest

from tests.docs.pages import PAGES, ROOT, prose, read, table

ROWS = table(read("docs/glossary.md"), "say")
SOURCES = [
    path
    for package in ("gateway", "resolvers", "projections", "upstream_stubs")
    for path in sorted((ROOT / package).rglob("*.py"))
]
REFUSED = [word for _, _, refused in ROWS for word in refused.split(", ") if word.strip()]
CODE = "\n".join(path.read_text() for path in SOURCES).lower()


def test_a_word_is_told_once() -> None:
    """No two rows define the same word."""
    words = [word.lower() for say, *_ in ROWS for word in re.findall(r"\*\*(.+?)\*\*", say)]

    assert len(ROWS) > 40
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("*"))
def test_every_word_is_in_use(row: list[str]) -> None:
    """A word of the glossary stands on another page or in the code."""
    said, *_ = re.findall(r"\*\*(.+?)\*\*", row[0])
    others = [page.read_text().lower() for page in PAGES if page.name != "glossary.md"]

    assert any(said.lower() in text.replace("_", " ") for text in (CODE, *others))


@pytest.mark.parametrize("word", REFUSED)
def test_a_refused_word_is_on_no_page_and_in_no_docstring(word: str) -> None:
    """What the glossary does not say, nobody says."""
    said = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    files = [*SOURCES, *(page for page in PAGES if page.name != "glossary.md")]

    assert [path.name for path in files if said.search(own_words(path.read_text()))] == []


def own_words(text: str) -> str:
    """Prose and code, but for the one name that the standard library has given."""
    return prose(text).replace("asyncio.Semaphore", "")
