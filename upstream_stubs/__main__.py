"""The command `python -m upstream_stubs`: one service, or all three, or their Kafka topics.

Standard output carries one JSON line of addresses (of `all`), for programs; everything meant for
people goes to standard error.
"""

import argparse
import asyncio
import logging
import re
import socket
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from upstream_stubs.database import DatabaseUnavailableError
from upstream_stubs.opening import PeerUrls, ServiceName
from upstream_stubs.process import PortTakenError, listen, run_service
from upstream_stubs.relay.relay import topic_of
from upstream_stubs.relay.topics import TopicsError, TopicWish, open_kafka_admin, run_topics
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


def kafka_servers(text: str) -> str:
    """Kafka's addresses from the command line."""
    if not re.fullmatch(r"[^\s,:]+:[0-9]{1,5}(,[^\s,:]+:[0-9]{1,5})*", text):
        raise argparse.ArgumentTypeError("needs HOST:PORT, or several with commas between")
    return text


def count(text: str) -> int:
    """A number of things from the command line; 1 at least."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("needs 1 at least")
    return number


def shared_arguments() -> argparse.ArgumentParser:
    """The options that every command has which runs a service."""
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    shared.add_argument(
        "--data", type=Path, default=Path(".data"), help="directory of the databases (%(default)s)"
    )
    shared.add_argument("--seed", type=int, default=1, help="seed of the demo data (%(default)s)")
    shared.add_argument(
        "--kafka",
        type=kafka_servers,
        metavar="HOST:PORT[,HOST:PORT]",
        help="publish the events there too (default: they are told over HTTP only)",
    )
    shared.add_argument(
        "--exit-on-stdin-close", action="store_true", help="end when standard input ends"
    )
    return shared


def topic_arguments() -> argparse.ArgumentParser:
    """The options of the command `topics`."""
    topics = argparse.ArgumentParser(add_help=False)
    topics.add_argument(
        "--kafka", type=kafka_servers, metavar="HOST:PORT[,HOST:PORT]", required=True
    )
    for option, default, text in (
        ("--partitions", 6, "partitions of each topic (%(default)s)"),
        ("--replication-factor", 1, "brokers that hold each partition (%(default)s)"),
    ):
        topics.add_argument(option, type=count, default=default, metavar="N", help=text)
    return topics


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    main = argparse.ArgumentParser(prog="python -m upstream_stubs", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True, metavar="COMMAND")
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
    purpose = "create the Kafka topics that are missing"
    commands.add_parser("topics", parents=[topic_arguments()], help=purpose, description=purpose)
    return main


async def run_all(arguments: argparse.Namespace) -> None:
    """The command `all`."""
    to_kafka = () if arguments.kafka is None else (f"--kafka={arguments.kafka}",)
    await supervise(
        SupervisorOptions(
            host=arguments.host,
            ports={name: getattr(arguments, f"{name}_port") for name in NAMES},
            passed_on=(f"--data={arguments.data}", f"--seed={arguments.seed}", *to_kafka),
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
    options = StubOptions(data_dir=arguments.data, seed=arguments.seed, kafka=arguments.kafka)
    with listener:
        await run_service(
            arguments.command,
            options,
            peers,
            listener,
            ends_with_stdin=arguments.exit_on_stdin_close,
        )


async def run_topic_creation(arguments: argparse.Namespace) -> None:
    """The command `topics`."""
    wish = TopicWish(
        names=tuple(map(topic_of, NAMES)),
        partition_count=arguments.partitions,
        replication_factor=arguments.replication_factor,
    )
    await run_topics(partial(open_kafka_admin, arguments.kafka), wish)


def start_logging(name: str) -> None:
    """Short lines on standard error, each with the name of its service."""
    logging.basicConfig(format=f"{name}: %(message)s", level=logging.INFO, stream=sys.stderr)
    for chatty in ("httpx", "uvicorn"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It repeats every failed try; what matters of it, the relay says once.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 after an orderly end, 1 when something could not start."""
    arguments = parser().parse_args(argv)
    command = arguments.command
    start_logging("stubs" if command == "all" else command)
    run = {"all": run_all, "topics": run_topic_creation}.get(command, run_one)
    try:
        asyncio.run(run(arguments))
    except* (DatabaseUnavailableError, PortTakenError, StartError, TopicsError) as errors:
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
