"""`python -m benchmarks.unguarded_gateway PROTECTION …`: `bff serve` with some of them taken away.

The control of what they are worth. No setting does that: nobody should run without them.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from gateway.app import Wires, create_app
from gateway.log_setup import configure_logging
from gateway.serving import bind, run, serve_app
from gateway.settings import Settings
from gateway.telemetry import Telemetry
from resolvers.upstream.call import Upstream
from resolvers.upstream.options import BreakerOptions, UpstreamOptions

NEVER: Final = 10_000
"""So many calls as no measurement makes in the time that a circuit judges."""

NEVER_OPEN: Final = BreakerOptions(
    min_call_count=NEVER, silent_call_count=NEVER, hinted_call_count=NEVER
)

CIRCUIT: Final = "circuit"
BUDGET: Final = "budget"
REMOVALS: Final[Mapping[str, Callable[[UpstreamOptions], UpstreamOptions]]] = {
    CIRCUIT: lambda options: replace(options, breaker=NEVER_OPEN),
    BUDGET: lambda options: replace(options, retry=replace(options.retry, calls_per_retry=0)),
}
"""Circuits never open; whatever failed is made once more."""


def main(protections: Sequence[str]) -> None:
    """Serve until asked to end."""
    settings = Settings.from_environment()
    configure_logging(settings.log_format)
    app = create_app(settings, settings.read_token_keys(), wires=wires_without(protections))
    with bind(settings) as listening:
        run(serve_app(app, listening))


def wires_without(protections: Sequence[str]) -> Wires:
    """How services are called where these protections are missing."""

    def upstream(service: str, options: UpstreamOptions, telemetry: Telemetry) -> Upstream:
        bare = unguarded(options, protections)
        return Upstream.over_http(service, bare, observe=telemetry.circuit)

    return Wires(upstream=upstream)


def unguarded(options: UpstreamOptions, protections: Iterable[str]) -> UpstreamOptions:
    """The options without them."""
    for protection in protections:
        options = REMOVALS[protection](options)
    return options


if __name__ == "__main__":
    main(sys.argv[1:])
