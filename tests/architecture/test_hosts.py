"""What runs points at no machine but this one; only pages for people cite the outside world."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import committed_texts, text_of

URL_HOST = re.compile(r"\b[a-z][a-z+]*://(?:[^\s/@\"'`]*@)?([a-z0-9][\w.-]*)", re.IGNORECASE)
DOTTED_NAME = re.compile(r"\b(?:[a-z0-9-]+\.)+(?:org|com|net|io)\b")

# Names without a dot, loopback, and what the DNS promises to give to nobody (RFC 2606, RFC 6761,
# and `.internal`).
NOBODYS = re.compile(
    r"[\w-]+|127(?:\.\d+){3}|0\.0\.0\.0"
    r"|(?:[\w-]+\.)*(?:example|test|invalid|internal|example\.(?:com|net|org))\.?"
)

NAMED_FOR_A_REASON = {
    "www.w3.org": "the name of the SVG namespace; nothing is fetched from it",
    "microservices.io": "where the outbox pattern is told",
}


def is_for_people(path: Path) -> bool:
    """Whether nothing reads the file but a person: a page, or the licence word for word."""
    return path.suffix == ".md" or path.name == "LICENSE"


@pytest.mark.parametrize("path", [p for p in committed_texts() if not is_for_people(p)], ids=str)
def test_no_file_that_runs_names_somebody_elses_host(path: Path) -> None:
    """Every host in code, settings, locks and tests is this machine, or one that cannot exist."""
    text = text_of(path)

    hosts = {host.lower() for host in (*URL_HOST.findall(text), *DOTTED_NAME.findall(text))}
    foreign = {host for host in hosts if not NOBODYS.fullmatch(host)}

    assert foreign <= NAMED_FOR_A_REASON.keys()
