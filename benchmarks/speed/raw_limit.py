"""`python -m benchmarks.speed.raw_limit`: what uvicorn costs with nothing behind it.

An ASGI application that sends ready bytes, as many as the gateway's answer has: no program in
Python behind this server can answer for less.
"""

import argparse
import sys
from collections.abc import Sequence

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end."""
    options = parse(argv)
    uvicorn.run(
        make(options.length),
        port=options.port,
        loop="uvloop",
        http="httptools",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_level="warning",
    )


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--length", type=int, required=True, help="of the body (bytes)")
    return parser.parse_args(argv)


def make(length_bytes: int) -> ASGIApp:
    """The application; it reads the body of a request, as anybody has to."""
    body = b"." * length_bytes
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(length_bytes).encode()),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        while (await receive()).get("more_body"):
            continue
        await send(start)
        await send(end)

    return application


if __name__ == "__main__":
    main(sys.argv[1:])
