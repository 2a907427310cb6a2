"""What is said against an environment that describes no gateway, without quoting a secret."""

import re
from collections.abc import Collection
from difflib import get_close_matches

SECRETS = ("_KEYS", "_PASSWORD", "_SECRET")


class SettingsError(Exception):
    """The environment does not describe a gateway; every problem is a line of the text."""


def unknown_name(name: str, known: Collection[str]) -> str:
    """There is no such variable; the nearest right one, where one is near."""
    nearest = get_close_matches(name.upper(), known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]}?" if nearest else "`bff settings` lists all names"
    return f"{name}: there is no such setting; {hint}"


def wrong_value(name: str, why: str, given: object) -> str:
    """The variable cannot have that value."""
    shown = "" if name.endswith(SECRETS) else f" (given: {_masked(given)!r})"
    return f"{name}: {why.lower()}{shown}"


def _masked(given: object) -> object:
    """What was given, without what stands for a password in an address."""
    return re.sub(r"//[^/@]*@", "//********@", given) if isinstance(given, str) else given
