"""The playground's site: which page a browser gets, and nothing but our own files."""

import re
from pathlib import Path

import pytest

from gateway.playground.site import (
    ASSET_FILES,
    ASSETS_FOLDER,
    PAGE_FILES,
    PAGES_FOLDER,
    PlaygroundSite,
)

OWN_TEXTS = sorted(PAGES_FOLDER.iterdir())
# A namespace is a name, not an address; the loopback is this machine.
HARMLESS_ADDRESSES = ("http://www.w3.org/2000/svg", "http://127.0.0.1:")


@pytest.fixture
def installed_assets(tmp_path: Path) -> Path:
    """A folder that holds a stand-in for every pinned file."""
    for name in ASSET_FILES:
        (tmp_path / name).write_text(f"/* {name} */")
    return tmp_path


@pytest.fixture
def graphiql(installed_assets: Path) -> PlaygroundSite:
    return PlaygroundSite.load(assets_folder=installed_assets)


@pytest.fixture
def plain(tmp_path: Path) -> PlaygroundSite:
    return PlaygroundSite.load(assets_folder=tmp_path / "never-installed")


def addresses_in(page: bytes) -> set[str]:
    return set(re.findall(r'(?:src|href)="([^"]*)"', page.decode()))


def test_all_pinned_files_installed_gives_the_graphiql_page(graphiql: PlaygroundSite) -> None:
    """With every pinned file in place the browser gets GraphiQL."""
    assert graphiql.has_assets
    assert b"/playground/graphiql.min.js" in graphiql.html


@pytest.mark.parametrize("missing", ASSET_FILES)
def test_one_pinned_file_missing_gives_the_plain_page(installed_assets: Path, missing: str) -> None:
    """A half-installed GraphiQL is never shown: any one missing file means the plain page."""
    (installed_assets / missing).unlink()

    site = PlaygroundSite.load(assets_folder=installed_assets)

    assert not site.has_assets
    assert b"graphiql" not in site.html
    assert not any(site.file(name) for name in ASSET_FILES)


def test_endpoint_is_written_into_the_page_as_text(tmp_path: Path) -> None:
    """The endpoint reaches the page escaped, so that no setting can become markup."""
    site = PlaygroundSite.load(endpoint='/api"><script>', assets_folder=tmp_path)

    assert b'content="/api&quot;&gt;&lt;script&gt;"' in site.html
    assert b"{{" not in site.html


@pytest.mark.parametrize("name", [*PAGE_FILES, *ASSET_FILES])
def test_listed_file_has_bytes_type_and_strong_etag(graphiql: PlaygroundSite, name: str) -> None:
    """Every listed file is served with a content type a browser accepts and a strong etag."""
    file = graphiql.file(name)

    assert file is not None
    assert file.content
    assert re.fullmatch(r'"[0-9a-f]{32}"', file.etag)
    assert file.content_type.split(";")[0] in {
        "application/json",
        "image/svg+xml",
        "text/css",
        "text/javascript",
    }


def test_changed_bytes_change_the_etag(installed_assets: Path, graphiql: PlaygroundSite) -> None:
    """An etag names bytes: other bytes under the same name have another one."""
    (installed_assets / "graphiql.min.js").write_text("/* newer */")

    newer = PlaygroundSite.load(assets_folder=installed_assets)

    before, after = graphiql.file("graphiql.min.js"), newer.file("graphiql.min.js")
    assert before is not None
    assert after is not None
    assert before.etag != after.etag


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "site.py",
        "index.html",
        ".installed",
        "../site.py",
        "../pages/plain.js",
        "./plain.js",
        "/etc/passwd",
        "..%2fsite.py",
        "..\\site.py",
        "plain.js/",
        "plain.js\0",
        "PLAIN.JS",
    ],
)
def test_any_other_name_is_not_served(graphiql: PlaygroundSite, name: str) -> None:
    """A name is looked up, never resolved: whatever is not listed letter by letter is not there."""
    assert graphiql.file(name) is None


@pytest.mark.parametrize("kind", ["graphiql", "plain"])
def test_policy_names_no_outside_host_and_no_inline_script(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The browser itself is told to refuse other hosts and scripts written into the page."""
    site: PlaygroundSite = request.getfixturevalue(kind)

    rules = dict(rule.strip().split(" ", 1) for rule in site.content_security_policy.split(";"))

    sources = {source for rule in rules.values() for source in rule.split()}
    assert sources <= {"'self'", "'none'", "data:", "'unsafe-inline'"}
    assert rules["default-src"] == rules["script-src"] == rules["connect-src"] == "'self'"
    assert ("'unsafe-inline'" in rules["style-src"]) == (kind == "graphiql")


@pytest.mark.parametrize("kind", ["graphiql", "plain"])
def test_page_asks_only_for_files_that_the_site_serves(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """Every address in a page is a file of the same site, and no script is written into it."""
    site: PlaygroundSite = request.getfixturevalue(kind)

    addresses = addresses_in(site.html)

    assert addresses
    for address in addresses:
        assert address.startswith("/playground/")
        assert site.file(address.removeprefix("/playground/")) is not None
    assert not re.search(rb"<script(?![^>]*\bsrc=)|\son\w+=|\bstyle=", site.html)


@pytest.mark.parametrize("path", OWN_TEXTS, ids=lambda path: path.name)
def test_own_file_names_no_outside_address(path: Path) -> None:
    """None of our files names another host, neither in markup nor in script or style."""
    text = path.read_text("utf-8")

    addresses = re.findall(r"(?:https?:|wss?:)?//[a-z0-9][\w.:-]*\.[\w.:/-]+", text, re.IGNORECASE)

    assert [a for a in addresses if not a.startswith(HARMLESS_ADDRESSES)] == []


@pytest.mark.parametrize("name", [name for name in PAGE_FILES if name.endswith(".js")])
def test_script_imports_only_files_that_the_site_serves(name: str) -> None:
    """A module's imports are files of the site: nothing is fetched from a package host."""
    script = (PAGES_FOLDER / name).read_text("utf-8")

    imported = re.findall(r'(?:from|import)\s*\(?"([^"]+)"', script)

    assert {address.removeprefix("./") for address in imported} <= set(PAGE_FILES)


def test_every_file_in_the_pages_folder_is_served_or_is_a_page() -> None:
    """The table in the code and the folder on disk name the same files."""
    found = {path.name for path in OWN_TEXTS}

    assert found == {*PAGE_FILES, "index.html", "plain.html"}


def test_default_folder_is_beside_the_code() -> None:
    """Installed files are looked for where the install script puts them."""
    assert PAGES_FOLDER.parent / "assets" == ASSETS_FOLDER
