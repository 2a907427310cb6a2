"""How an operation was answered, and what came of it: closed lists, for whoever counts.

| way | it was |
| --- | --- |
| ``kept`` | given again, as bytes that were kept (`ready_answers`) |
| ``at_hand`` | made of rows at hand, without a wait (`answers_at_hand`) |
| ``planned`` | read and shown by its plan (`execution.plan`) |
| ``referred`` | run by graphql-core, the reference |
| ``followed`` | let in, to be told again and again (`subscriptions`) |
| ``refused`` | not run: no GraphQL, a bad token, a bad document; or a mistake of ours ended it |
"""

from typing import Final, Literal, get_args

# Not enumerations: these words are keys where every answer comes by, and a text is hashed at once.
Way = Literal["kept", "at_hand", "planned", "referred", "followed", "refused"]
Outcome = Literal["ok", "errors", "request_error"]

WAYS: Final[tuple[Way, ...]] = get_args(Way)
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
"""All went well; some fields failed; there are no data at all."""
