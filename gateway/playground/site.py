"""The playground's files, all in memory: which page a browser gets, and what that page may load.

The rule: a name is looked up in a fixed table filled at start and never joined to a path, so no
request can reach outside it; and nothing here points at another host. GraphiQL when its pinned
files have been installed (see `assets.lock`), otherwise the plain page, which needs none of them.

Imports the standard library only; whoever serves HTTP mounts it.
"""

import hashlib
import html
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

_PACKAGE_FOLDER: Final = Path(__file__).parent
PAGES_FOLDER: Final = _PACKAGE_FOLDER / "pages"
ASSETS_FOLDER: Final = _PACKAGE_FOLDER / "assets"

# Everything served besides the page itself. A file is added here or it does not exist.
PAGE_FILES: Final = (
    "bar.js",
    "curl.js",
    "dom.js",
    "events.js",
    "examples.js",
    "examples.json",
    "icon.svg",
    "identities.js",
    "plain.css",
    "plain.js",
    "playground.css",
    "playground.js",
    "session.js",
    "strip.js",
)
ASSET_FILES: Final = (
    "explorer.css",
    "explorer.js",
    "graphiql.min.css",
    "graphiql.min.js",
    "react-dom.production.min.js",
    "react.production.min.js",
)

_CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}

_ENDPOINT_MARK: Final = "{{endpoint}}"
_IDENTITIES_MARK: Final = "{{identities}}"

# GraphiQL writes style elements while it runs and carries its fonts inside its stylesheet.
_STYLES_OF_GRAPHIQL: Final = "'self' 'unsafe-inline'"
_STYLES_OF_PLAIN: Final = "'self'"


@dataclass(frozen=True, slots=True)
class PlaygroundFile:
    """One file as it goes over the wire; `etag` is strong and already quoted."""

    content: bytes
    content_type: str
    etag: str


@dataclass(frozen=True, slots=True)
class PlaygroundSite:
    """One page and its files; immutable, so it may be shared by all requests."""

    html: bytes
    has_assets: bool
    content_security_policy: str
    files: Mapping[str, PlaygroundFile]

    @classmethod
    def load(
        cls,
        *,
        endpoint: str = "/graphql",
        identities: str = "",
        assets_folder: Path = ASSETS_FOLDER,
    ) -> Self:
        """Read every file once; the page's operations go to `endpoint`, a path on the same host.

        `identities` is where the page is offered whom to be; empty where it is offered nobody.
        Raises `OSError` when a file of our own is missing: the installation is broken.
        """
        has_assets = all((assets_folder / name).is_file() for name in ASSET_FILES)
        page = PAGES_FOLDER / ("index.html" if has_assets else "plain.html")
        files = _read_all(PAGES_FOLDER, PAGE_FILES)
        if has_assets:
            files |= _read_all(assets_folder, ASSET_FILES)
        return cls(
            html=_address(page.read_text("utf-8"), endpoint, identities),
            has_assets=has_assets,
            content_security_policy=_policy(
                _STYLES_OF_GRAPHIQL if has_assets else _STYLES_OF_PLAIN
            ),
            files=MappingProxyType(files),
        )

    def file(self, name: str) -> PlaygroundFile | None:
        """Return the file of exactly this name, `None` for every other name."""
        return self.files.get(name)


def _read_all(folder: Path, names: Iterable[str]) -> dict[str, PlaygroundFile]:
    return {name: _read(folder / name) for name in names}


def _read(path: Path) -> PlaygroundFile:
    content = path.read_bytes()
    digest = hashlib.blake2s(content, digest_size=16).hexdigest()
    return PlaygroundFile(content, _CONTENT_TYPES[path.suffix], f'"{digest}"')


def _address(page: str, endpoint: str, identities: str) -> bytes:
    addressed = page.replace(_ENDPOINT_MARK, html.escape(endpoint))
    return addressed.replace(_IDENTITIES_MARK, html.escape(identities)).encode()


def _policy(styles: str) -> str:
    rules = (
        "default-src 'self'",
        "script-src 'self'",
        f"style-src {styles}",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(rules)
