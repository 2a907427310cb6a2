"""The lease on rebuilding, beside the generations in Redis; it ends by itself.

A key of its own under their hash tag, written by scripts, so that it is on the right node of a
cluster and nobody gives up what somebody else holds.
"""

from hashlib import sha1
from typing import Final

from projections.redis_store.link import Link
from projections.redis_store.scripts import Script

_KEY: Final = "local key = string.gsub(KEYS[1], ':generations$', ':rebuild')\n"


def _script(name: str, text: str) -> Script:
    source = f"#!lua\n{_KEY}{text}".encode()
    return Script(name, source, sha1(source, usedforsecurity=False).hexdigest())


_CLAIM = _script(
    "claim",
    """
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
return 1
""",
)
_GIVE_UP = _script(
    "give_up", "if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end return 1"
)


class RedisLeaseRecord:
    """`projections.rebuild.lease.LeaseRecord`, over a link to the store's server.

    ``timeout_s`` (s): of one call; several fit in a lease.
    """

    def __init__(self, link: Link, *, timeout_s: float = 2.0) -> None:
        self._link = link
        self._timeout_s = timeout_s

    async def claim(self, holder: str, lease_s: float) -> bool:
        reply = await self._link.write(
            _CLAIM, holder, round(lease_s * 1000), timeout_s=self._timeout_s
        )
        return reply == 1

    async def give_up(self, holder: str) -> None:
        await self._link.write(_GIVE_UP, holder, timeout_s=self._timeout_s)
