import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.e2e.processes import eventually
from tests.servers.valkey import Valkey, running_valkey

ROOT = Path(__file__).parents[2]


def test_a_stopped_server_comes_back_with_its_rows(private_valkey: Valkey) -> None:
    """An orderly restart loses connections and nothing else."""
    private_valkey.command("SET", "order", "17")

    private_valkey.restart_with_rows()

    assert private_valkey.command("GET", "order") == "17"


def test_a_server_without_persistence_comes_back_empty(private_valkey: Valkey) -> None:
    """The same address answers, and knows nothing; not even what it had saved before."""
    private_valkey.command("SET", "order", "17")
    private_valkey.save()

    private_valkey.restart_empty()

    assert private_valkey.command("GET", "order") is None


def test_a_killed_server_comes_back_as_of_its_last_save(private_valkey: Valkey) -> None:
    """Writes since the last save are lost as they are in a failover; those before it are not."""
    private_valkey.command("SET", "order", "saved")
    private_valkey.save()
    private_valkey.command("SET", "order", "lost")

    private_valkey.restart_without_last_writes()

    assert private_valkey.command("GET", "order") == "saved"


def test_a_server_that_is_down_refuses_connections(private_valkey: Valkey) -> None:
    """Between `stop` and `start` its port is closed, not silent."""
    private_valkey.stop()

    with pytest.raises(redis.ConnectionError):
        private_valkey.command("PING")


async def test_a_paused_server_answers_later(private_valkey: Valkey) -> None:
    """No command fails in a pause; its answer comes when the pause is over."""
    loop = asyncio.get_running_loop()
    client = redis.asyncio.Redis.from_url(private_valkey.url)
    await client.set("order", "17")
    private_valkey.pause(0.2)
    started_at_s = loop.time()

    answer = await client.get("order")

    assert answer == b"17"
    assert loop.time() - started_at_s > 0.1
    await client.aclose()


def test_nothing_comes_from_a_frozen_server(private_valkey: Valkey) -> None:
    """A connection to a frozen server stays open and silent; the same one answers after it."""
    once = Retry(NoBackoff(), 0)
    with redis.Redis(port=private_valkey.port, socket_timeout=0.1, retry=once) as client:
        client.ping()

        with private_valkey.frozen(), pytest.raises(redis.TimeoutError):
            client.echo("is anybody there?")

        assert client.echo("and now?") == b"and now?"


def test_connections_can_be_cut_by_their_kind(private_valkey: Valkey) -> None:
    """Cutting who listens to announcements leaves who asks commands alone."""
    with redis.Redis(port=private_valkey.port) as client, client.pubsub() as listener:
        listener.subscribe("announcements")
        assert listener.get_message(timeout=5) is not None

        cut_count = private_valkey.cut_connections("pubsub")

        assert cut_count == 1
        assert client.ping()


def test_a_server_takes_options(tmp_path: Path) -> None:
    """A test can have the server that it is about: one that drops rows when memory is short."""
    options = {"maxmemory": "8mb", "maxmemory-policy": "allkeys-lru"}

    with running_valkey(tmp_path, options) as valkey:
        policy = valkey.command("CONFIG", "GET", "maxmemory-policy")

    assert policy == {"maxmemory-policy": "allkeys-lru"}


@pytest.mark.parametrize("_", range(2))
def test_the_shared_server_is_empty_at_first(valkey: Valkey, _: int) -> None:
    """No test finds the rows of the test before it."""
    assert valkey.command("DBSIZE") == 0

    valkey.command("SET", "left behind", "1")


def test_a_server_ends_with_a_killed_test_process(tmp_path: Path) -> None:
    """A process that is killed cleans nothing up, and still leaves no server behind."""
    program = (
        "import os, signal; from pathlib import Path; from tests.servers.valkey import Valkey;"
        f"valkey = Valkey(Path({str(tmp_path)!r})); valkey.start(); print(valkey.port, flush=True);"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )

    told = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )

    orphan = Valkey(tmp_path, port=int(told.stdout))
    eventually(lambda: is_gone(orphan), about="the end of the orphan")


def is_gone(valkey: Valkey) -> bool:
    try:
        return valkey.command("PING") is None
    except redis.ConnectionError:
        return True
