"""The map of the house shows the house: every room, every dependency, every error."""

import re
import tomllib

from projections.errors import ProjectionError
from resolvers.errors import ResolverError
from resolvers.upstream.errors import UpstreamError
from tests.docs.pages import ROOT, read, table

PAGE = read("ARCHITECTURE.md")
PROJECT = tomllib.loads(read("pyproject.toml"))
PACKAGES = ("gateway", "resolvers", "projections", "upstream_stubs")


def test_every_module_has_its_place_on_the_map() -> None:
    """Each source file is named in the tree, below its package."""
    for package in PACKAGES:
        start = PAGE.index(f"\n{package}/  ")
        plot = PAGE[start : PAGE.index("\n\n", start)]
        files = [path for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py"]
        absent = [path.name for path in files if not re.search(rf"\b{path.name}", plot)]
        assert absent == [], package


def test_every_module_on_the_map_exists() -> None:
    """The map shows no room that is not there."""
    tree = PAGE[PAGE.index("```\ngateway/") : PAGE.index("## The flows")]
    shown = set(re.findall(r"\b[\w/]+\.py\b", tree))
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]

    assert {name for name in shown if not any(str(f).endswith(f"/{name}") for f in files)} == set()


def test_every_dependency_has_its_line() -> None:
    """The tables name what the project depends on, and nothing else."""
    development = [d for d in PROJECT["dependency-groups"]["dev"] if isinstance(d, str)]
    development += PROJECT["dependency-groups"]["build"]

    assert [row[0] for row in table(PAGE, "at run time")] == ordered(
        PROJECT["project"]["dependencies"], PAGE
    )
    assert [row[0] for row in table(PAGE, "for development")] == ordered(development, PAGE)


def ordered(requirements: list[str], page: str) -> list[str]:
    """The names of the requirements, in the order of the page's lines."""
    names = [re.split(r"[^\w-]", requirement)[0] for requirement in requirements]
    return sorted(names, key=lambda name: page.find(f"\n| {name} |"))


def test_every_error_of_a_family_is_in_the_tree() -> None:
    """The drawn trees have each error that the families have."""
    families = (ProjectionError, ResolverError, UpstreamError)
    errors = [error.__name__ for family in families for error in family.__subclasses__()]

    assert [name for name in errors if f"── {name}" not in PAGE] == []
