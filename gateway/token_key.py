"""The key that signs consistency tokens: made for operators, and kept for `bff dev`."""

import base64
import os
import secrets
from pathlib import Path

KEY_FILE = "token.key"


def make_key(key_id: int = 1) -> str:
    """A new random key as the setting ``BFF_TOKEN_KEYS`` wants it."""
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def kept_key(data_dir: Path) -> str:
    """The key in ``data_dir``, made at the first call, so that tokens outlive a restart.

    Readable by this user alone.
    """
    path = data_dir / KEY_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make_key())
    except FileExistsError:
        pass
    return path.read_text().strip()
