"""Names: every file has a subject, and one thing has one word."""

import re

from tests.architecture.tree import PACKAGES, definitions, python_files

# A drawer for everything says nothing about what is in it.
DRAWERS = {
    "base",
    "common",
    "data",
    "helper",
    "helpers",
    "info",
    "manager",
    "misc",
    "util",
    "utils",
}
DRAWERS_IN_CODE = re.compile(r"(helper|manager|utils?)($|_|[A-Z])", re.IGNORECASE)

# Words that the glossary replaces with one of ours: read path, projection, freshness, deadline,
# bulkhead, relay, gap, parked, rebuild, stub.
REPLACED = {
    *("aggregation", "blob", "dedupe", "denormalised", "dummy", "etag", "facade", "fuse", "meta"),
    *("migration", "poller", "proxy", "resync", "semaphore", "speculative", "strategy", "throttle"),
    *("ttl", "whitelist"),
}


def test_no_file_or_folder_is_a_drawer() -> None:
    """Sources, scripts and tests alike are named after their subject, every word of the name."""
    drawers = [
        str(path)
        for path in python_files(*PACKAGES, "scripts", "tests")
        if words_of(str(path.with_suffix(""))) & DRAWERS
    ]

    assert drawers == []


def test_no_module_wears_a_word_that_the_glossary_replaced() -> None:
    """What the glossary gives a word to is not called by another in the name of a module."""
    replaced = [
        str(path)
        for path in python_files(*PACKAGES)
        if words_of(str(path.with_suffix(""))) & REPLACED
    ]

    assert replaced == []


def test_no_class_or_function_is_a_drawer() -> None:
    """No class or function is a manager, a helper or a util."""
    drawers = [
        f"{path}:{definition.lineno}: {definition.name}"
        for path in python_files(*PACKAGES, "scripts")
        for definition in definitions(path)
        if DRAWERS_IN_CODE.search(definition.name)
    ]

    assert drawers == []


def words_of(name: str) -> set[str]:
    """The words of a path: folders and underscores part them."""
    return set(re.split(r"[/\\_]", name.lower()))
