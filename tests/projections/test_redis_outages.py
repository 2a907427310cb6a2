"""The server goes, comes back, forgets, or keeps silent: the store says so, and goes on."""

import asyncio

import pytest

from projections.errors import PositionMoved, StoreUnavailable
from projections.positions import Partition
from projections.redis_store import RedisStore
from projections.redis_store.signals import StoreLost, StoreRecovered
from projections.selection import root_of
from projections.versions import Version
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, customer_key, customer_row, order_row, position
from tests.contracts.store_implementations import subscribed
from tests.projections.redis_watched import hearing, listening_store, watched
from tests.servers.valkey import Valkey

KEY = customer_key()
READ = [root_of(KEY)]
TEN_RETRIES_S = 3.0
"""What redis-py would take to give up by default, at the least."""
RELYING_ON_NEWS = WaiterOptions(first_look_s=60.0, longest_look_s=60.0)
"""So that who waits is released by what the subscription tells, and by nothing else."""


async def bring(store: RedisStore, version: int) -> None:
    await apply_next(store, batch(change(customer_row(version=version)), source="customers"))


async def version_in(store: RedisStore) -> Version | None:
    return (await store.read(READ)).version_of(KEY)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def connection_count(valkey: Valkey) -> int:
    """How many connections the server has for commands."""
    told = str(valkey.command("CLIENT", "LIST", "TYPE", "normal"))
    return len(told.splitlines())


class TestServerThatIsGone:
    async def test_store_opens_before_its_server_does(self, private_valkey: Valkey) -> None:
        """A gateway starts without its store; when the server comes, it is there."""
        private_valkey.kill()

        async with watched(private_valkey.url) as opened:
            lost = await opened.signals.until(lambda signal: isinstance(signal, StoreLost))
            with pytest.raises(StoreUnavailable):
                await opened.store.read(READ)
            private_valkey.start()
            await opened.signals.until_told(StoreRecovered())
            await bring(opened.store, 1)
            found = await version_in(opened.store)

        assert lost == StoreLost("the server cannot be reached")
        assert found == Version(1, 1)

    async def test_server_that_is_gone_is_told_at_once(self, private_valkey: Valkey) -> None:
        """Nobody is kept waiting by retries: a refused connection is an answer."""
        async with listening_store(private_valkey.url) as store:
            await bring(store, 1)
            private_valkey.kill()

            started_at_s = now_s()
            for call in (store.read(READ), store.versions([KEY]), store.heal([customer_row()])):
                with pytest.raises(StoreUnavailable, match="cannot be reached"):
                    await call
            elapsed_s = now_s() - started_at_s

        assert elapsed_s < TEN_RETRIES_S

    async def test_reads_find_the_server_that_was_restarted(self, private_valkey: Valkey) -> None:
        """That all connections are dead is found out by trying, and costs no read."""
        async with listening_store(private_valkey.url) as store:
            await bring(store, 1)

            private_valkey.restart_with_rows()

            assert await version_in(store) == Version(1, 1)
            await bring(store, 2)
            assert await version_in(store) == Version(1, 2)

    async def test_server_that_comes_back_empty_is_filled_from_the_start(
        self, private_valkey: Valkey
    ) -> None:
        """Who goes on as before is refused, and finds no position to go on from."""
        async with listening_store(private_valkey.url) as store:
            await bring(store, 1)

            private_valkey.restart_empty()

            assert await store.position(Partition("customers")) is None
            with pytest.raises(PositionMoved):
                await store.apply(batch(source="customers", after="log-1"))
            await bring(store, 1)
            assert await version_in(store) == Version(1, 1)

    async def test_server_that_lost_its_last_writes_is_filled_from_there(
        self, private_valkey: Valkey
    ) -> None:
        """After a failover the position is older, like the rows, and the log goes on from it."""
        partition = Partition("customers")
        async with listening_store(private_valkey.url) as store:
            await store.apply(batch(source="customers", at=position("log-1")))
            private_valkey.save()
            lost = batch(
                change(customer_row()), source="customers", at=position("log-2"), after="log-1"
            )
            await store.apply(lost)

            private_valkey.restart_without_last_writes()

            kept = await store.position(partition)
            assert kept == position("log-1")
            with pytest.raises(PositionMoved):
                await store.apply(batch(source="customers", after="log-2"))
            await store.apply(lost)
            assert await version_in(store) == Version(1, 1)

    async def test_scripts_that_the_server_forgot_are_told_again(self, valkey: Valkey) -> None:
        """A server remembers scripts as long as it likes."""
        async with listening_store(valkey.url) as store:
            await bring(store, 1)

            valkey.command("SCRIPT", "FLUSH")

            assert await version_in(store) == Version(1, 1)
            await bring(store, 2)

    async def test_connections_that_were_cut_are_replaced(self, valkey: Valkey) -> None:
        """What a proxy or an administrator cuts is opened again by whoever needs it."""
        async with listening_store(valkey.url) as store:
            await bring(store, 1)

            cut_count = valkey.cut_connections("normal")

            assert cut_count > 0
            assert await version_in(store) == Version(1, 1)


class TestServerThatIsSlow:
    async def test_read_takes_no_longer_than_its_timeout(self, private_valkey: Valkey) -> None:
        """A server that does not answer costs one short timeout; afterwards it is as before."""
        async with watched(private_valkey.url, read_timeout_s=0.1) as opened:
            store = opened.store
            await subscribed(store)
            await bring(store, 1)

            with private_valkey.frozen():
                started_at_s = now_s()
                with pytest.raises(StoreUnavailable, match=r"no answer within 0\.1 s"):
                    await store.read(READ)
                elapsed_s = now_s() - started_at_s

            await store.position(Partition("customers"))
            assert await version_in(store) == Version(1, 1)
        assert 0.1 <= elapsed_s < 1.0

    async def test_late_answer_is_nobody_elses(self, private_valkey: Valkey) -> None:
        """A read given up by its reader leaves no answer behind that another could take for his."""
        async with listening_store(private_valkey.url) as store:
            await store.heal([customer_row("c-1"), customer_row("c-2")])

            with private_valkey.frozen():
                async with asyncio.TaskGroup() as group:
                    given_up = group.create_task(store.position(Partition("customers")))
                    await asyncio.sleep(0)
                    given_up.cancel()
            found = [await store.read([root_of(customer_key(f"c-{n}"))]) for n in (1, 2, 1)]

        assert given_up.cancelled()
        assert [list(cut.rows) for cut in found] == [
            [customer_key("c-1")],
            [customer_key("c-2")],
            [customer_key("c-1")],
        ]

    async def test_silent_server_is_lost_and_found(self, private_valkey: Valkey) -> None:
        """A connection that stays open and says nothing is not taken for quiet."""
        async with watched(private_valkey.url, quiet_s=0.02, connect_timeout_s=0.2) as opened:
            await subscribed(opened.store)

            with private_valkey.frozen():
                await opened.signals.until(lambda signal: isinstance(signal, StoreLost))
            await opened.signals.until_told(StoreRecovered())


class TestBounds:
    async def test_who_finds_all_connections_taken_waits(self, valkey: Valkey) -> None:
        """More callers than connections are served one after the other, and none is refused."""
        async with watched(valkey.url, connection_limit=2) as opened:
            await subscribed(opened.store)
            before = connection_count(valkey)
            async with asyncio.TaskGroup() as group:
                calls = [
                    group.create_task(opened.store.position(Partition("orders"))) for _ in range(50)
                ]
            used = connection_count(valkey) - before

        assert [call.result() for call in calls] == [None] * 50
        assert used <= 2

    async def test_full_server_refuses_a_batch_whole(self, private_valkey: Valkey) -> None:
        """Where there is no room, nothing of a batch is written, and all can still be read."""
        async with listening_store(private_valkey.url) as store:
            await bring(store, 1)
            private_valkey.command("CONFIG", "SET", "maxmemory", "1mb")

            with pytest.raises(StoreUnavailable, match="the server is full"):
                await store.apply(
                    batch(
                        change(customer_row(version=2)),
                        change(order_row()),
                        source="customers",
                        at=position("log-2"),
                        after="log-1",
                    )
                )

            assert await version_in(store) == Version(1, 1)
            assert await store.position(Partition("customers")) == position("log-1")
            await store.forget(Partition("customers"), "log-1")
            assert await version_in(store) is None


class TestSubscription:
    async def test_who_waits_is_released_though_the_news_were_lost(self, valkey: Valkey) -> None:
        """What was written while nobody listened is looked for when somebody listens again."""
        async with (
            listening_store(valkey.url) as store,
            listening_store(valkey.url) as writer,
            Waiters(store, RELYING_ON_NEWS).open() as waiters,
            asyncio.TaskGroup() as group,
        ):
            waiting = group.create_task(
                waiters.wait_for({KEY: Version(1, 2)}, subject="ada", timeout_s=10.0)
            )
            await bring(writer, 1)

            assert valkey.cut_connections("pubsub") > 0
            await bring(writer, 2)

            assert await waiting is WaitEnd.REACHED

    async def test_listener_is_told_to_look_when_the_subscription_was_cut(
        self, valkey: Valkey
    ) -> None:
        """Lost and found again: both times something may have been missed."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            await subscribed(opened.store)
            with hearing(opened.store) as heard:
                valkey.cut_connections("pubsub")
                await opened.signals.until_told(StoreRecovered())

        assert heard.told
        assert set(heard.told) == {None}

    async def test_listener_is_told_again_and_again_while_nothing_can_be_heard(
        self, private_valkey: Valkey
    ) -> None:
        """Whoever waits while the server is gone looks for himself, and need not be called."""
        async with watched(private_valkey.url) as opened:
            await subscribed(opened.store)
            with hearing(opened.store) as heard:
                private_valkey.kill()
                await heard.until_count(3)

        assert set(heard.told) == {None}
        assert not isinstance(opened.signals.told[-1], StoreRecovered)
