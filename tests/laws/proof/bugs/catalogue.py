"""All seeded bugs, in the order in which a change travels: applied, waited for, shown, promised."""

from typing import Final

from tests.laws.proof.bugs import answering, applying, tokens, waiting
from tests.laws.proof.bugs.seeded import Bug

ALL_BUGS: Final[tuple[Bug, ...]] = (*applying.BUGS, *waiting.BUGS, *answering.BUGS, *tokens.BUGS)
