"""A database that cannot be used is told in one line that names it and shows no password."""

from __future__ import annotations

import socket
import time
import traceback
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tasks.errors import StateError
from worker.errors import StoreError
from worker.store import Store

PASSWORD = "hunter2"


def told(error: BaseException) -> str:
    """The message, after a look at all that a log of it would show."""
    message = str(error)
    assert message
    assert "\n" not in message
    assert PASSWORD not in "".join(traceback.format_exception(error))
    assert PASSWORD not in repr(error)
    return message


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        f"oracle+none://me:{PASSWORD}@host/name",
        f"mysql://me:{PASSWORD}@host/name",
        f"postgresql+psycopg://me:{PASSWORD}/x@host:1/name",
        f"postgresql+psycopg://me@host:{PASSWORD}/name",
    ],
)
def test_an_address_that_cannot_be_used(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url).migrate()
    assert isinstance(caught.value, StateError)
    assert "cannot be used" in told(caught.value)


def test_a_server_that_cannot_be_reached() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = Store(f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:{port}/name")
    for use in (store.migrate, lambda: store.links.count("x")):
        with pytest.raises(StoreError) as caught:
            use()
        message = told(caught.value)
        assert message.startswith(
            f"the database postgresql+psycopg://me:***@127.0.0.1:{port}/name cannot be used: "
        )
        assert "refused" in message
    store.close()


def test_a_server_that_does_not_answer_is_not_waited_for_by_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.store.CONNECT_SECONDS", 2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = Store(f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/name")
        began = time.monotonic()
        with pytest.raises(StoreError) as caught:
            store.migrate()
        assert time.monotonic() - began < 10
        assert "timeout" in told(caught.value)


def test_a_database_that_the_server_does_not_have(postgres: str) -> None:
    url = make_url(postgres).set(password=PASSWORD, database="unknown").render_as_string(hide_password=False)
    store = Store(url)
    with pytest.raises(StoreError, match='database "unknown" does not exist') as caught:
        store.migrate()
    told(caught.value)
    store.close()


def test_a_server_that_ends_our_connection_is_used_again(store: Store) -> None:
    if store.engine.dialect.name == "sqlite":
        pytest.skip("there is no server")
    other = Store(store.engine.url.render_as_string(hide_password=False))
    with other.write() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
        )
    assert store.links.count("x") == 0
    with pytest.raises(StoreError, match="cannot be used"), store.write() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert store.links.count("x") == 0
    other.close()


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"the directory of .* cannot be made: ") as caught:
        Store(f"sqlite:///{tmp_path}/file/below/lockstep.db")
    told(caught.value)
    with pytest.raises(StoreError, match="cannot be made: ") as caught:
        Store("sqlite:////proc/lockstep/lockstep.db")
    told(caught.value)


@pytest.mark.parametrize("place", ["/proc/lockstep.db", "/sys/lockstep.db"])
def test_a_directory_that_cannot_be_written(place: str) -> None:
    store = Store(f"sqlite:///{place}")
    with pytest.raises(StoreError, match="unable to open database file") as caught:
        store.migrate()
    assert place in told(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "lockstep.db"
    path.write_text("these are my notes, do not overwrite them " * 100)
    before = path.read_bytes()
    store = Store(f"sqlite:///{path}")
    with pytest.raises(StoreError, match="file is not a database") as caught:
        store.migrate()
    told(caught.value)
    store.close()
    assert path.read_bytes() == before


def test_a_writer_that_is_in_the_way_for_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.store.BUSY_SECONDS", 0.2)
    first, second = (Store(f"sqlite:///{tmp_path / 'lockstep.db'}") for _ in range(2))
    first.migrate()
    with first.write(), pytest.raises(StoreError, match="database is locked"):
        second.runs.abandon("x", "y")
    second.runs.abandon("x", "y")
    with first.write():
        assert second.links.count("x") == 0  # readers are in nobody's way
    first.close()
    second.close()
