"""The code blocks of docs/clients.md as files that Node can run: what stands there is what runs."""

import re
from pathlib import Path
from typing import Final

from tests.docs.pages import read

PAGE: Final = "docs/clients.md"
_BLOCK: Final = re.compile(r"^```js\n// (\S+\.js)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def recipes() -> dict[str, str]:
    """The code of each recipe by the file name in its first line."""
    return dict(_BLOCK.findall(read(PAGE)))


def write_project(folder: Path, modules: Path) -> None:
    """A Node project of all recipes, with its packages from `modules`."""
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "node_modules").symlink_to(modules, target_is_directory=True)
    for name, code in recipes().items():
        (folder / name).write_text(code)
