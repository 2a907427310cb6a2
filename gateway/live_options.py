"""Every number of subscriptions: its unit, default, allowed range, and where it comes from."""

from dataclasses import dataclass
from typing import Annotated

from resolvers.upstream.ranges import Between, require_ranges


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """How much may be followed at a time, by whom, and for how long nobody listens."""

    connection_limit: Annotated[int, Between(0, 100_000)] = 3_000
    """Sockets and event streams of one process; 0 lets none in. Three thousand: each takes some 40
    kB, and of four thousand connections there are enough left for who asks but once."""

    subject_limit: Annotated[int, Between(1, 100_000)] = 100
    """Of these, how many one subject may have, where callers are told apart: a hundred tabs."""

    operation_limit: Annotated[int, Between(1, 1_000)] = 100
    """Operations under way on one socket, subscriptions included. A hundred: a page shows fewer
    orders."""

    message_limit_bytes: Annotated[int, Between(1_024, 1_048_576)] = 65_536
    """The largest message of a client. 64 KiB: a document of a thousand tokens is a tenth."""

    messages_per_s: Annotated[float, Between(1, 10_000)] = 50.0
    """Messages of one socket a second, pings included."""

    message_burst: Annotated[int, Between(1, 10_000)] = 200
    """Messages that may come at once after a rest. Two hundred: who comes back with a hundred
    subscriptions sends as many, and perhaps ends as many."""

    init_timeout_s: Annotated[float, Between(0.05, 60)] = 5.0
    """Seconds in which a socket has to say who it is (`connection_init`)."""

    ping_s: Annotated[float, Between(1, 300)] = 20.0
    """Seconds between two pings of a socket, and between two signs of life of an event stream; a
    socket that has not answered for as long again is closed. Less than proxies wait (a minute)."""

    stuck_s: Annotated[float, Between(0.1, 300)] = 10.0
    """Seconds that a client may leave a message unread before it is cut off."""

    close_s: Annotated[float, Between(0.01, 10)] = 1.0
    """Seconds in which a socket that is being closed has to take the word for it."""

    render_limit: Annotated[int, Between(1, 100)] = 4
    """Answers of one socket that are being made or sent at once: what a stuck client holds, besides
    the 64 kB that the system's buffers leave to us. Four, of at most 200 kB, are below a
    megabyte."""

    wake_limit: Annotated[int, Between(1, 1_000)] = 16
    """Followers that are shown a change in one turn of the loop. Sixteen take 2 ms, so whoever else
    is here is not held up by the thousand who follow one order."""

    live_limit: Annotated[int, Between(1, 1_000)] = 8
    """Changes whose answers take more than a look, and are made at once in this process."""

    first_look_s: Annotated[float, Between(0.01, 60)] = 0.25
    """Seconds after which a change is looked for that may not have been announced; twice as long
    each time in vain, up to:"""

    longest_look_s: Annotated[float, Between("first_look_s", 300)] = 2.0
    """The longest of these. Two seconds: one read of versions for all who follow."""

    list_look_s: Annotated[float, Between(0.1, 600)] = 10.0
    """Seconds between two looks at the orders of a customer, while announcements may be lost."""

    list_limit: Annotated[int, Between(1, 100)] = 100
    """Orders in one page of such a look. The beginning takes in the newest page alone; who comes
    back, or may have missed something, is looked after page by page."""

    retry_s: Annotated[float, Between(0.1, 60)] = 1.0
    """Seconds after which an event stream that broke off may be asked for again."""

    def __post_init__(self) -> None:
        require_ranges(self)
