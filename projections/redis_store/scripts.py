"""The scripts that run in the server: each one atomic, so each one a whole read or a whole write.

They are files in ``lua/``, put together from parts. The first line is the server's: a script that
says ``no-writes`` may run on a server that is full; one that may write is refused there before its
first line, and not half way through.
"""

from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, and the name under which a server remembers it."""

    name: str
    source: bytes
    sha: str


def _script(*parts: str, flags: str = "") -> Script:
    folder = files("projections.redis_store") / "lua"
    texts = [(folder / f"{part}.lua").read_text(encoding="utf-8") for part in parts]
    source = "\n".join([f"#!lua {flags}".strip(), *texts]).encode()
    digest = sha1(source, usedforsecurity=False).hexdigest()  # the server's name for it, no secret
    return Script(parts[-1], source, digest)


_READS = "flags=no-writes"
_SHRINKS = "flags=allow-oom"
_WRITING = ("keys", "values", "news", "rows", "writing", "keeping_letters")

READ = _script("keys", "values", "read", flags=_READS)
VERSIONS = _script("keys", "values", "versions", flags=_READS)
POSITIONS = _script("keys", "positions", flags=_READS)
LETTERS = _script("keys", "letters", flags=_READS)
LETTER_COUNT = _script("keys", "letter_count", flags=_READS)
GENERATIONS = _script("keys", "generations", flags=_READS)
COUNTS = _script("keys", "counts", flags=_READS)
SAMPLE = _script("keys", "sample", flags=_READS)

APPLY = _script(*_WRITING, "apply")
HEAL = _script(*_WRITING, "heal")
REPLAY = _script(*_WRITING, "replay")
FLIP = _script("keys", "values", "news", "flip")
ROLL_BACK = _script("keys", "values", "news", "roll_back")

DEBTS = _script("keys", "debts")

FORGET = _script("keys", "values", "news", "forget", flags=_SHRINKS)
DISCARD = _script("keys", "keeping_letters", "discard", flags=_SHRINKS)
DROP = _script("keys", "drop", flags=_SHRINKS)
