"""The page about tokens is true: its example opens, and its bounds are those of the code."""

import re

from projections.token_codec import LIFETIME_MINUTES, MAX_TEXT_CHARACTERS
from projections.token_inspection import inspect_token
from projections.token_shrinking import MAX_FLOOR_PARTITIONS
from projections.token_size import MAX_BODY_BYTES, MAX_ENTRIES, MAX_FLOOR, MAX_UNCERTAIN
from tests.docs.pages import read

PAGE = read("docs/tokens.md")


def test_the_token_shown_says_what_the_page_says_of_it() -> None:
    """Each version that the page reads out of its example is in it, and it has no other."""
    [text] = re.findall(r"^ct1\S+$", PAGE, re.MULTILINE)
    [told] = re.findall(r"prints this one as (.+) \(epoch, then number\)", PAGE)

    inspected = inspect_token(text)

    assert inspected.entries == dict(re.findall(r"`(\S+:\S+)` at `(\S+)`", told))
    assert not inspected.verified


def test_the_bounds_of_a_token_are_told_as_they_are() -> None:
    """The numbers of the page are those by which tokens are refused and shrunk."""
    told = (
        f"at most {MAX_ENTRIES} entries, {MAX_FLOOR} parts of a floor",
        f"{MAX_UNCERTAIN} uncertain writes, and its body at most {MAX_BODY_BYTES} bytes",
        f"over {MAX_TEXT_CHARACTERS:,} characters",
        f"A source in more than {MAX_FLOOR_PARTITIONS} partitions",
        f"A token lives {LIFETIME_MINUTES // 60} hours",
    )

    assert [bound for bound in told if bound not in PAGE] == []
