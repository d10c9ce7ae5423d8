from __future__ import annotations

from pathlib import Path

import pytest

from config import Settings, SettingsError, load_settings
from worker.lock import MemorySyncLock, RedisSyncLock
from worker.machine.redis_server import RedisServer
from worker.machine.state_directory import node_lock, publish_redis, reachable_redis, sole_use
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REDIS_URL", raising=False)
    return load_settings(state_dir=tmp_path / "state")


def test_without_redis_the_lock_is_in_memory_and_a_file(settings: Settings) -> None:
    with node_lock(settings, "a/b: c") as lock:
        assert isinstance(lock, MemorySyncLock)
        with (
            pytest.raises(CommandError, match="node 'a/b: c' is busy") as caught,
            node_lock(settings, "a/b: c"),
        ):
            pass
        assert caught.value.code is ExitCode.SKIPPED
        with node_lock(settings, "another"):
            pass
    with node_lock(settings, "a/b: c"):
        pass


def test_up_and_single_runs_shut_each_other_out(settings: Settings) -> None:
    with node_lock(settings, "a"), pytest.raises(CommandError) as caught, sole_use(settings):
        pass
    assert caught.value.code is ExitCode.UNAVAILABLE
    assert "wait for it to end" in str(caught.value)
    with sole_use(settings), pytest.raises(CommandError), sole_use(settings):
        pass


def test_a_second_state_directory_is_another_machine(settings: Settings, tmp_path: Path) -> None:
    with sole_use(settings), sole_use(load_settings(state_dir=tmp_path / "second")):
        pass


@pytest.mark.processes
def test_the_redis_of_up_is_found_while_it_runs(settings: Settings) -> None:
    assert reachable_redis(settings) is None
    with sole_use(settings), RedisServer(settings.state_dir / "redis") as server:
        with publish_redis(settings, server.url):
            assert (settings.state_dir / "redis.url").stat().st_mode & 0o077 == 0
            with node_lock(settings, "a") as lock:
                assert isinstance(lock, RedisSyncLock)
                lock.release(lock.acquire("a"), "succeeded")
        assert not (settings.state_dir / "redis.url").exists()
    assert reachable_redis(settings) is None


def test_an_address_that_a_killed_up_left_behind_is_not_used(settings: Settings) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "redis.url").write_text("redis://127.0.0.1:1/0")
    assert reachable_redis(settings) is None
    with sole_use(settings), publish_redis(settings, "redis://127.0.0.1:2/0"):
        assert (settings.state_dir / "redis.url").read_text() == "redis://127.0.0.1:2/0"


def test_up_with_a_redis_that_is_not_known_here(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.machine.state_directory.STARTING", 0.3)
    with sole_use(settings), pytest.raises(CommandError, match="set REDIS_URL as it is set there"):
        reachable_redis(settings)


def test_a_state_directory_that_cannot_be_made(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match="LOCKSTEP_STATE_DIR"),
        node_lock(load_settings(state_dir=tmp_path / "file" / "inner"), "a"),
    ):
        pass
