"""`python -m benchmarks.naive live|projected`: the usual stack, served as its manual says."""

import argparse
import json
import sys
from collections.abc import Sequence

import uvicorn
from fastapi import FastAPI

from benchmarks.naive import live, projected
from benchmarks.speed.world import World


def main(argv: Sequence[str]) -> None:
    """Serve until asked to end."""
    options = parse(argv)
    # The log of accesses is off, as in every other server that is measured.
    uvicorn.run(make(options), port=options.port, access_log=False, log_level="warning")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.naive", description=__doc__)
    parser.add_argument("variant", choices=("live", "projected"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--urls", default="{}", help="addresses of the services, as JSON")
    parser.add_argument("--world", default="{}", help="how much there is of what, as JSON")
    return parser.parse_args(argv)


def make(options: argparse.Namespace) -> FastAPI:
    """The application of the variant that is asked for."""
    if options.variant == "live":
        return live.create_app(json.loads(options.urls))
    whole = World(**json.loads(options.world))
    source = projected.ProjectedSource(whole.orders(), whole.customers(), whole.products())
    return projected.create_app(source)


if __name__ == "__main__":
    main(sys.argv[1:])
