"""The official audit of GraphQL over HTTP, run by Node with pinned packages."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Final

import pytest

from gateway.serving import bind, make_server
from gateway.settings import Settings
from tests.gateway.front_door import open_door

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AUDITS: Final = 61


async def test_every_audit_of_graphql_over_http_is_passed(
    node_packages: Path, tmp_path: Path
) -> None:
    """What the draft demands, recommends and permits is done: 61 of 61, without a warning."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "node_modules").symlink_to(node_packages, target_is_directory=True)
    script = Path(shutil.copy(Path(__file__).with_name("audit.js"), tmp_path))

    results = await audited(script)

    failed = [result for result in results if result["status"] != "ok"]
    assert failed == []
    assert len(results) == AUDITS


async def audited(script: Path) -> list[dict[str, str]]:
    """What the audit says of a gateway with introspection, which some of its questions need."""
    with bind(Settings.model_construct(host="127.0.0.1", port=0)) as listening:
        # All audits come at once, and none is about load.
        settings = {"introspection": True, "admission": False}
        async with open_door(**settings) as door, asyncio.TaskGroup() as group:
            server = make_server(door.app)
            group.create_task(server.serve(sockets=[listening]))
            host, port = listening.getsockname()
            node = await asyncio.create_subprocess_exec(
                *("node", str(script), f"http://{host}:{port}/graphql"),
                cwd=script.parent,
                stdout=asyncio.subprocess.PIPE,
            )
            said, _ = await node.communicate()
            server.should_exit = True
    results: list[dict[str, str]] = json.loads(said.decode().splitlines()[-1])
    return results
