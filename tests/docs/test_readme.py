"""The README is true: what it says to type works, and what it shows is what comes."""

import re
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from typer.main import get_command

from gateway.__main__ import cli
from gateway.errors import ErrorCode
from gateway.settings import Settings, variable_name
from gateway.settings_reference import render_reference
from projections.waiters import WaitEnd
from resolvers.answer import Reason
from resolvers.inputs import ConsistencyInput
from resolvers.user_errors import UserErrorCode
from tests.docs.pages import (
    PAGES,
    ROOT,
    anchors,
    first_words,
    make_targets,
    queries,
    read,
    relative_links,
    steps,
    table,
)
from tests.docs.terminal import matches, open_terminal

README = read("README.md")
FAULTS = read("docs/faults.md")
ODD_PRODUCTS = next(
    step.script.partition("\n")[2] for step in steps(FAULTS) if '"malformed"' in step.script
)
EVERYTHING = "\n".join(page.read_text() for page in PAGES)


@pytest.mark.steered_time
@pytest.mark.parametrize("page", ["README.md", "docs/faults.md"])
async def test_every_command_shown_answers_what_is_shown(page: str, tmp_path: Path) -> None:
    """Typed in the order of the page into a new house, each gives the answer below it."""
    async with open_terminal(tmp_path) as terminal:
        for step in steps(read(page)):
            answered = await terminal.run(step.script)

            if step.answer is not None:
                assert matches(step.answer, answered), f"{step.script}\nanswers {answered}"


@pytest.mark.steered_time
async def test_every_odd_answer_of_a_service_has_the_code_shown(tmp_path: Path) -> None:
    """Each rule of the table of odd products gives the code beside it, or none."""
    async with open_terminal(tmp_path) as terminal:
        for rule, seen in table(FAULTS, "rule"):
            await terminal.run(
                f"curl -X PUT localhost:8003/admin/faults -d '{{\"rules\": [{rule.strip('`')}]}}'"
            )
            answered = await terminal.run(ODD_PRODUCTS)

            codes = {error["extensions"]["code"] for error in answered.get("errors", [])}
            assert codes == set(re.findall(r"`(UPSTREAM_\w+)`", seen)), rule


def test_every_query_shown_fits_the_schema() -> None:
    """Every document on a page is valid against schema.graphql."""
    schema = build_schema(read("schema.graphql"))
    documents = queries(EVERYTHING)

    assert len(documents) > 20
    assert [errors for text in documents if (errors := validate(schema, parse(text)))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the project and, with an anchor, a heading in it."""
    text = page.read_text()

    for target in relative_links(text):
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text()), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    """`make x` on a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z][a-z-]*):", read("Makefile"), re.MULTILINE))

    assert make_targets(page.read_text()) <= targets


def test_every_target_that_the_makefile_lists_is_in_the_readme() -> None:
    """What `make` lists, the README lists."""
    listed = re.findall(r"^([a-z][a-z-]*):.*## ", read("Makefile"), re.MULTILINE)

    assert [name for name in listed if name != "help" and f"make {name}" not in README] == []


def test_the_commands_are_those_of_bff() -> None:
    """The table of commands names every command there is for people, and no other."""
    group = get_command(cli)
    known = [
        f"bff {name} {below}".rstrip()
        for name, command in getattr(group, "commands", {}).items()
        if not command.hidden
        for below in getattr(command, "commands", {"": None})
    ]

    named = [row[0].strip("`") for row in table(README, "command")]

    assert sorted(named) == sorted(known)


def test_the_reasons_are_those_of_the_extension() -> None:
    """The table of reasons has each `reason` an answer may give, once."""
    named = first_words(table(README, "`reason`"))

    assert sorted(named) == sorted(reason.value for reason in Reason)


def test_the_ends_of_waits_are_those_of_the_extension() -> None:
    """The README names each end that `waits` may count."""
    assert [end.value for end in WaitEnd if f"`{end.value}`" not in README] == []


def test_the_error_codes_are_those_of_the_gateway() -> None:
    """The table of codes has each `extensions.code`, once."""
    named = first_words(table(README, "code"))

    assert sorted(named) == sorted(code.value for code in ErrorCode)


def test_the_user_errors_are_those_of_the_schema() -> None:
    """The README names every code of a user error."""
    assert [code.value for code in UserErrorCode if f"`{code.value}`" not in README] == []


def test_the_modes_are_those_of_the_consistency_argument() -> None:
    """Each member of the input `Consistency` has its row."""
    members = {name.replace("_l", "L") for name in ConsistencyInput.__annotations__}

    rows = first_words(table(README, "argument"))

    assert members <= {row.partition(":")[0] for row in rows}


def test_every_setting_that_is_named_exists() -> None:
    """A name with our prefix on any page is a setting."""
    known = {variable_name(name) for name in Settings.model_fields}

    assert set(re.findall(r"\bBFF_[A-Z_]+[A-Z]\b", EVERYTHING)) <= known


def test_the_page_of_settings_is_what_the_command_prints() -> None:
    """`make schema` was run after the last change of a setting."""
    assert read("docs/settings.md") == render_reference()


def test_no_page_tells_where_it_was_made() -> None:
    """Pages name no path of a machine besides the scratch file of the examples."""
    paths = set(re.findall(r"(?<![\w.:/*])/(?:home|root|work|tmp|Users)/[\w./-]+", EVERYTHING))

    assert paths <= {"/tmp/bff-headers"}
    assert (ROOT / "LICENSE").exists()
