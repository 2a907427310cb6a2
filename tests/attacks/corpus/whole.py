"""All attacks, kind by kind."""

from typing import Final

from tests.attacks.corpus.carried import carried
from tests.attacks.corpus.documents import documents
from tests.attacks.corpus.forged import forged
from tests.attacks.corpus.http_messages import http_messages
from tests.attacks.corpus.injections import injections
from tests.attacks.corpus.json_bodies import json_bodies
from tests.attacks.corpus.many_in_one import many_in_one
from tests.attacks.corpus.sockets import sockets

CORPUS: Final = (
    *documents(),
    *json_bodies(),
    *http_messages(),
    *injections(),
    *carried(),
    *forged(),
    *many_in_one(),
    *sockets(),
)
