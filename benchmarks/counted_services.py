"""`python -m benchmarks.counted_services FOLDER`: the three services, and who calls them.

They are those of `upstream_stubs`, in one process, on the ports given; the requests of each are
counted at its door, by the id that the gateway hands on. Asked to end, it writes the counts.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, get_args

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from upstream_stubs.opening import PeerUrls, ServiceName, open_service
from upstream_stubs.process import GRACE_S, Server, end_requests_call, listen
from upstream_stubs.service import Stub, StubOptions

LOOPBACK: Final = "127.0.0.1"
NAMES: Final[Sequence[ServiceName]] = get_args(ServiceName)
FEED: Final = "/events"
REQUEST_ID: Final = b"x-request-id"
NOBODY: Final = "nobody"


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end, then write the counts to ``--out``."""
    options = parse(argv)
    ports = {name: getattr(options, f"{name}_port") for name in NAMES}
    calls: Counter[str] = Counter()
    asyncio.run(serve(ports, StubOptions(data_dir=options.folder), calls))
    options.out.write_text(json.dumps(calls))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="for the databases")
    for name in NAMES:
        parser.add_argument(f"--{name}-port", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(argv)


async def serve(
    ports: Mapping[ServiceName, int], options: StubOptions, calls: Counter[str]
) -> None:
    """Serve all of them until the process is asked to end."""
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    peers = PeerUrls(urls["customers"], urls["products"])
    listeners = {name: listen(LOOPBACK, port) for name, port in ports.items()}
    stubs: list[Stub] = []
    servers: list[Server] = []

    def stop() -> None:
        for stub in stubs:
            stub.stop()
        for server in servers:
            server.should_exit = True

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        stack.enter_context(end_requests_call(stop, ends_with_stdin=False))
        for name in NAMES:
            stub = await stack.enter_async_context(open_service(name, options, peers))
            server = make_server(counting(stub.app, calls))
            group.create_task(server.serve(sockets=[listeners[name]]))
            stubs.append(stub)
            servers.append(server)


def make_server(app: ASGIApp) -> Server:
    """As the services have it in processes of their own."""
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_config=None,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(config)


def counting(app: ASGIApp, calls: Counter[str]) -> ASGIApp:
    """The application, each request to it counted by its id; those of the feed are not."""

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != FEED:
            ids = [value for name, value in scope["headers"] if name == REQUEST_ID]
            calls[ids[0].decode("latin-1") if ids else NOBODY] += 1
        await app(scope, receive, send)

    return counted


if __name__ == "__main__":
    main(sys.argv[1:])
