"""All attacks, kind by kind."""

from typing import Final

from tests.attacks.corpus.documents import documents
from tests.attacks.corpus.http_messages import http_messages
from tests.attacks.corpus.injections import injections
from tests.attacks.corpus.json_bodies import json_bodies

CORPUS: Final = (*documents(), *json_bodies(), *http_messages(), *injections())
