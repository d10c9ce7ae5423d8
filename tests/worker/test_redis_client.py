from __future__ import annotations

import time
from pathlib import Path

import pytest
import redis
from pydantic import SecretStr

from config import Settings, SettingsError
from tests.harness import RedisServer, free_port
from worker.redis_client import address, connect, connect_url, impatient


@pytest.mark.processes
def test_a_client_answers_with_text_and_survives_a_restart(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = connect(Settings(redis_url=SecretStr(server.url)))
        client.set("name", "büro")
        assert client.get("name") == "büro"
        server.restart()
        assert client.get("name") == "büro"
        client.close()


@pytest.mark.processes
def test_an_impatient_client_gives_up_early(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        hasty = impatient(connect_url(server.url), 0.2)
        assert hasty.ping()
        server.pause()
        started = time.monotonic()
        with pytest.raises(redis.RedisError):
            hasty.ping()
        assert time.monotonic() - started < 1.5
        server.resume()
        hasty.close()


def test_a_missing_server_fails_within_seconds() -> None:
    started = time.monotonic()
    with pytest.raises(redis.ConnectionError), connect_url(f"redis://127.0.0.1:{free_port()}/0") as client:
        client.ping()
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("url", ["localhost:6379", "http://:geheim@host/0", "redis://host:port/0", ""])
def test_a_wrong_address_is_named_but_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL") as caught:
        connect_url(url).ping()
    assert "geheim" not in str(caught.value)


def test_without_an_address_the_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        connect(Settings(redis_url=None))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:geheim@example.org:6380/2", "example.org:6380"),
        ("rediss://:geheim@example.org?ssl_cert_reqs=none", "example.org:6379"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
    ],
)
def test_an_address_is_shown_without_the_password(url: str, shown: str) -> None:
    assert address(connect_url(url)) == shown
