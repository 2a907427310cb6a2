"""The files of the playground over HTTP: those that its page asks for, and no others."""

import pytest

from tests.gateway.front_door import open_door

pytestmark = pytest.mark.steered_time


async def test_a_file_is_sent_once_and_then_confirmed() -> None:
    """A browser that has the file is told so instead of being sent it again."""
    async with open_door(playground=True) as door:
        first = await door.client.get("/playground/plain.js")
        known = {"if-none-match": first.headers["etag"]}
        again = await door.client.get("/playground/plain.js", headers=known)

    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["x-content-type-options"] == "nosniff"
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.js", "..%2Fsite.py", "%2e%2e%2fsite.py"])
async def test_there_is_no_other_file(name: str) -> None:
    """A name that is not in the table is nowhere."""
    async with open_door(playground=True) as door:
        file = await door.client.get(f"/playground/{name}")

    assert file.status_code == 404
