"""The key that signs consistency tokens: made for operators, and kept for `bff dev`."""

import base64
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

KEY_FILE = "token.key"


def make_key(key_id: int = 1) -> str:
    """A new random key as the setting ``BFF_TOKEN_KEYS`` wants it."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def kept_key(data_dir: Path) -> str:
    """The key in ``data_dir``, made at the first call, so that tokens outlive a restart.

    Readable by this user alone.
    """
    return keep_secret(data_dir / KEY_FILE, make_key)


def keep_secret(path: Path, make: Callable[[], str]) -> str:
    """What is in this file, made if there is none; readable by this user alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _put_in_place(path, make())
    return path.read_text().strip()


def keep_key(path: Path, key_id: int = 1) -> None:
    """Make a key in this file, readable by this user alone; one that is there already stays."""
    keep_secret(path, lambda: make_key(key_id))


def _put_in_place(path: Path, text: str) -> None:
    """Write a new file whole or not at all; one that is there meanwhile stays."""
    with NamedTemporaryFile("w", dir=path.parent) as file:  # readable by its owner alone
        file.write(text)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
