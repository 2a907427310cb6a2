"""The command `python -m upstream_stubs`: one service, or all three.

Standard output carries one JSON line of addresses (of `all`), for programs; everything meant for
people goes to standard error.
"""

import argparse
import asyncio
import logging
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from upstream_stubs.database import DatabaseUnavailableError
from upstream_stubs.opening import PeerUrls, ServiceName
from upstream_stubs.process import PortTakenError, listen, run_service
from upstream_stubs.service import StubOptions
from upstream_stubs.supervisor import NAMES, StartError, SupervisorOptions, supervise

DEFAULT_PORTS: dict[ServiceName, int] = {"orders": 8001, "customers": 8002, "products": 8003}


def port_number(text: str) -> int:
    """A port from the command line; 0 is any free one."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 (any free one) to 65535")
    return port


def http_url(text: str) -> str:
    """A service address from the command line."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError("needs http:// or https://")
    return text


def shared_arguments() -> argparse.ArgumentParser:
    """The options that every command has."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    shared.add_argument(
        "--data", type=Path, default=Path(".data"), help="directory of the databases (%(default)s)"
    )
    shared.add_argument("--seed", type=int, default=1, help="seed of the demo data (%(default)s)")
    shared.add_argument(
        "--exit-on-stdin-close", action="store_true", help="end when standard input ends"
    )
    return shared


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    main = argparse.ArgumentParser(prog="python -m upstream_stubs", description=__doc__)
    commands = main.add_subparsers(dest="service", required=True, metavar="SERVICE")
    shared = shared_arguments()
    for name in NAMES:
        command = commands.add_parser(name, parents=[shared], help=f"the {name[:-1]} service")
        command.add_argument("--port", type=port_number, default=DEFAULT_PORTS[name])
        command.add_argument("--listen-fd", type=int, help=argparse.SUPPRESS)
        if name == "orders":
            for peer in ("customers", "products"):
                url = f"http://127.0.0.1:{DEFAULT_PORTS[peer]}"
                command.add_argument(f"--{peer}-url", type=http_url, default=url)
    every = commands.add_parser("all", parents=[shared], help="all three, a process each")
    for name, port in DEFAULT_PORTS.items():
        every.add_argument(f"--{name}-port", type=port_number, default=port)
    return main


async def run_all(arguments: argparse.Namespace) -> None:
    """The command `all`."""
    await supervise(
        SupervisorOptions(
            host=arguments.host,
            ports={name: getattr(arguments, f"{name}_port") for name in NAMES},
            passed_on=(f"--data={arguments.data}", f"--seed={arguments.seed}"),
            ends_with_stdin=arguments.exit_on_stdin_close,
        )
    )


async def run_one(arguments: argparse.Namespace) -> None:
    """The commands `orders`, `customers` and `products`."""
    if arguments.listen_fd is None:
        listener = listen(arguments.host, arguments.port)
    else:
        listener = socket.socket(fileno=arguments.listen_fd)
    peers = PeerUrls(
        getattr(arguments, "customers_url", ""), getattr(arguments, "products_url", "")
    )
    options = StubOptions(data_dir=arguments.data, seed=arguments.seed)
    with listener:
        await run_service(
            arguments.service,
            options,
            peers,
            listener,
            ends_with_stdin=arguments.exit_on_stdin_close,
        )


def start_logging(service: str) -> None:
    """Short lines on standard error, each with the name of its service."""
    logging.basicConfig(format=f"{service}: %(message)s", level=logging.INFO, stream=sys.stderr)
    for chatty in ("httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 after an orderly end, 1 when something could not start."""
    arguments = parser().parse_args(argv)
    start_logging("stubs" if arguments.service == "all" else arguments.service)
    run = run_all if arguments.service == "all" else run_one
    try:
        asyncio.run(run(arguments))
    except* (DatabaseUnavailableError, PortTakenError, StartError) as errors:
        for error in leaves(errors):
            logging.getLogger(__name__).critical("%s", error)
        return_code = 1
    else:
        return_code = 0
    return return_code


def leaves(error: BaseException) -> list[BaseException]:
    """The plain errors of a tree of groups."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in leaves(part)]
    return [error]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
