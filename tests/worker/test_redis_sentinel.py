"""Clients of a Redis that sentinels watch."""

from __future__ import annotations

import gc
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from celery import Celery

from config import load_settings
from config.celery import celery_settings
from tests.harness import eventually, free_port
from tests.harness.sentinels import SERVICE, Watched
from tests.harness.tls import TlsFront, TlsOrPlainFront, make_certificates
from worker.broker import transport
from worker.cli.doctor.facts.sentinels import sentinel_facts
from worker.redis_client import connect_url, hosts, impatient
from worker.redis_sentinel import PrimaryPool

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """For tests that do not break it."""
    with Watched(tmp_path_factory.mktemp("watched"), sentinels=2) as servers:
        yield servers


def pool_of(client: redis.Redis) -> PrimaryPool:
    pool = client.connection_pool
    assert isinstance(pool, PrimaryPool)
    return pool


def test_a_sentinel_that_hangs_is_passed_over_soon_and_then_asked_last(watched: Watched) -> None:
    first = watched.sentinels[0]
    with connect_url(watched.url) as client:
        os.kill(first.process.pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            assert client.ping()
            assert time.monotonic() - began < 4
            asked = [
                each.connection_pool.connection_kwargs["port"]
                for each in pool_of(client).sentinel_manager.sentinels
            ]
            assert asked == [watched.sentinels[1].port, first.port]
        finally:
            os.kill(first.process.pid, signal.SIGCONT)


def test_threads_that_ask_at_once_lose_no_sentinel(watched: Watched) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with connect_url(watched.url.replace("127.0.0.1:", f"{nobody},127.0.0.1:", 1)) as client:
        manager = pool_of(client).sentinel_manager

        def ask() -> None:
            for number in range(40):
                manager.sentinels = manager.sentinels[number % 3 :] + manager.sentinels[: number % 3]
                assert manager.discover_master(SERVICE)[1] == watched.primary.port

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(map(id, manager.sentinels))) == 3


def test_an_impatient_client_gives_up_early(watched: Watched) -> None:
    nobody = ",".join(f"127.0.0.1:{free_port()}" for _ in range(3))
    with connect_url(f"sentinel://{nobody}/0?service=x") as patient, impatient(patient, 0.2) as hasty:
        began = time.monotonic()
        with pytest.raises(
            redis.ConnectionError, match="no one knows a primary that is up: x of the sentinels"
        ):
            hasty.ping()
        assert time.monotonic() - began < 1.5
    with connect_url(watched.url) as patient, impatient(patient, 0.2) as hasty:
        assert hasty.set("name", "büro")
        assert hasty.get("name") == "büro"
        watched.primary.pause()
        try:
            began = time.monotonic()
            with pytest.raises(redis.RedisError):
                hasty.ping()
            assert time.monotonic() - began < 1.5
        finally:
            watched.primary.resume()


def test_all_connections_are_closed_together(watched: Watched) -> None:
    def connected() -> set[tuple[int, str]]:
        # Without those of the sentinels among themselves; they have names.
        return {
            (sentinel.port, each["id"])
            for sentinel in watched.sentinels
            for each in sentinel.client.client_list()
            if not each["name"]
        }

    before = connected()
    with connect_url(watched.url) as client:
        assert client.ping()
        assert hosts(client) == ("127.0.0.1", "127.0.0.1")
        ours = connected() - before
        assert len(ours) == 1
    eventually(lambda: not connected() & ours)


def test_a_connection_to_a_server_that_is_a_replica_by_now_is_given_up(tmp_path: Path) -> None:
    """Also where Redis says so within the error of a script, or to a client that is in a transaction."""
    with Watched(tmp_path) as watched, impatient(connect_url(watched.url), 2) as client:
        write = client.register_script("return redis.call('SET', KEYS[1], ARGV[1])")
        assert write(["key"], ["before"])
        with connect_url(watched.primary.url) as direct:
            direct.replicaof("127.0.0.1", str(watched.replica.port))
            for attempt in (
                lambda: write(["key"], ["after"]),
                lambda: client.set("key", "after"),
                lambda: client.pipeline(transaction=True).set("key", "after").execute(),
            ):
                with pytest.raises(redis.ConnectionError, match=r"is a replica now|is now a slave"):
                    attempt()
                assert not [each for each in pool_of(client)._available_connections if each._sock]


def test_all_is_encrypted(tmp_path: Path) -> None:
    """What is asked of sentinels, locks, and messages; a certificate of somebody else is refused."""
    trusted, own = make_certificates(tmp_path / "certificates")
    fronts: dict[int, TlsFront] = {}

    def front(port: int) -> int:
        if port not in fronts:
            fronts[port] = (TlsOrPlainFront if not fronts else TlsFront)(own, port)
            fronts[port].__enter__()
        return fronts[port].port

    transport.install()
    try:
        with Watched(
            tmp_path / "redis", front=front, scheme="sentinels", options=f"&ssl_ca_certs={trusted}"
        ) as watched:
            of_redis, of_sentinel = fronts[watched.primary.port], watched.sentinels[0].port
            settings = load_settings(redis_url=watched.url)
            encrypted = of_redis.connections
            with connect_url(settings.redis_address()) as client:
                assert client.set("key", "value")
            assert fronts[of_sentinel].connections == 1
            assert of_redis.connections > encrypted

            encrypted = of_redis.connections
            app = Celery("sender", set_as_current=False)
            app.conf.update(celery_settings(settings))
            app.send_task("any", task_id="one")
            app.backend.store_result("one", 1, "SUCCESS")
            assert of_redis.connections >= encrypted + 2
            assert fronts[of_sentinel].connections >= 3
            with connect_url(watched.primary.url) as direct:
                assert direct.llen("celery") == 1
                assert direct.exists("celery-task-meta-one")
            gc.collect()  # the result of the message is let go of while somebody watches
            app.close()

            stranger, _ = make_certificates(tmp_path / "others")
            url = settings.redis_address().replace(str(trusted), str(stranger))
            with pytest.raises(redis.ConnectionError), impatient(connect_url(url), 2) as client:
                client.ping()
    finally:
        for each in fronts.values():
            each.__exit__(None, None, None)


def test_a_user_of_the_sentinels_with_the_documented_rights_is_enough(watched: Watched) -> None:
    text = (Path(__file__).parents[2] / "docs" / "deployment.md").read_text("utf-8")
    found = re.search(r"sentinel's user needs `([^`]+)` \(`slaves`[^`]*\) and `([^`]+)`", text)
    assert found
    rights = [*found[1].split(), "+sentinel|slaves", found[2]]
    for sentinel in watched.sentinels:
        user = ("ACL", "SETUSER", "watcher", "on", ">word", "resetkeys", "resetchannels", "-@all")
        sentinel.client.execute_command(*user, *rights)  # type: ignore[no-untyped-call]  # so it is there
    url = watched.url + "&sentinel_user=watcher&sentinel_password=word"
    with connect_url(url) as client:
        assert client.ping()
        told = sentinel_facts(client)
        assert told is not None
        assert (told.silent, told.sentinels, told.replicas) == ((), 2, 1)
    with (
        pytest.raises(redis.ConnectionError, match=r"WRONGPASS|invalid username-password"),
        impatient(connect_url(url.replace("=word", "=other")), 2) as client,
    ):
        client.ping()
