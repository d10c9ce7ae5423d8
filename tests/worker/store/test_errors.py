"""A database that cannot be used is told in one line that names it and shows no password."""

from __future__ import annotations

import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from tasks.errors import ItemError, StateError
from tasks.merge import End, Intent
from tests.harness.refusing import refusing_writes
from tests.harness.stores import in_another_encoding
from worker.errors import StoreError
from worker.store import RunRecord, Store
from worker.store.database import CONNECT
from worker.store.tables import intents
from worker.store.tables.fences import take_fence

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
    monkeypatch.setitem(CONNECT, "connect_timeout", 2)
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


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_in_another_encoding(postgres: str, encoding: str) -> None:
    store = Store(in_another_encoding(postgres, encoding))
    store.migrate()
    store.migrate()
    for number, reason in enumerate(("für Ada", "für Ada 👩‍🚀")):
        record = RunRecord(run_id=f"r{number}", task=f"t{number}", status="running")
        assert store.runs.start(record, None) is None
        ended = replace(record, status="failed", reason=reason)
        if encoding == "LATIN1" and number:  # which has no such sign
            with pytest.raises(ItemError, match="the database cannot keep it"):
                store.runs.finish(ended)
        else:
            store.runs.finish(ended)
            assert [one.reason for one in store.runs.list(f"t{number}")] == [reason]
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
    monkeypatch.setattr("worker.store.database.BUSY_SECONDS", 0.2)
    first, second = (Store(f"sqlite:///{tmp_path / 'lockstep.db'}") for _ in range(2))
    first.migrate()
    with first.write(), pytest.raises(StoreError, match="database is locked"):
        second.runs.abandon("x", "y")
    second.runs.abandon("x", "y")
    with first.write():
        assert second.links.count("x") == 0  # readers are in nobody's way
    first.close()
    second.close()


def test_a_value_that_the_database_cannot_keep_is_not_told(postgres: str) -> None:
    store = Store(postgres)
    store.migrate()
    intent = Intent("key", End.RIGHT, "x" * 401, {"Title": PASSWORD})
    with (
        pytest.raises(ItemError, match="the database cannot keep it: value too long") as caught,
        store.write() as connection,
    ):
        intents.begin(connection, "task", [intent], "run")
    told(caught.value)
    store.close()


def test_a_reason_with_signs_that_a_database_refuses_is_kept(store: Store) -> None:
    record = RunRecord(run_id="r", task="t", status="running")
    assert store.runs.start(record, None) is None
    store.runs.finish(replace(record, status="failed", reason="a\0b \ud800", notes=["\udc00"]))
    (kept,) = store.runs.list("t")
    assert (kept.status, kept.reason, list(kept.notes)) == ("failed", "a\\0b \\ud800", ["\\udc00"])


def test_every_writer_gets_its_turn(tmp_path: Path) -> None:
    """Left to SQLite, a thread may wait for as long as others go on."""
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    writers = 40
    written = [0] * writers
    give_up_at = time.monotonic() + 20

    def write(number: int) -> None:
        while min(written) < 3 and time.monotonic() < give_up_at:
            with store.write() as connection:
                take_fence(connection, f"node{number}", 1)
            written[number] += 1

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    store.close()
    assert min(written) >= 3


def test_a_turn_that_does_not_come_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.database.BUSY_SECONDS", 0.2)
    store = Store(f"sqlite:///{tmp_path / 'lockstep.db'}")
    store.migrate()
    with store.write(), ThreadPoolExecutor(1) as other:
        late = other.submit(store.runs.abandon, "run", "reason")
        with pytest.raises(StoreError, match="no turn to write came within"):
            late.result()
    store.runs.abandon("run", "reason")
    store.close()


def test_connections_that_stay_in_use_are_told(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(postgres)
    monkeypatch.setattr(store.engine.pool, "_timeout", 0.2)
    with ExitStack() as held:
        for _ in range(15):
            held.enter_context(store.read())
        with pytest.raises(StoreError, match="all connections stayed in use"):
            store.links.count("task")
    store.close()


def test_a_database_that_can_be_read_and_takes_no_writes(url: str) -> None:
    """Such as one that was made read-only, or has no room."""
    first = Store(url)
    first.migrate()
    first.prove_writable()
    with ExitStack() as stack:
        if url.startswith("sqlite"):
            stack.enter_context(refusing_writes(Path(make_url(url).database or "")))
        else:
            with first.write() as connection:
                connection.execute(
                    text(f"ALTER DATABASE {make_url(url).database} SET default_transaction_read_only = on")
                )
        first.close()
        assert first.runs.list() == []
        for use in (
            first.prove_writable,
            lambda: first.runs.enter(RunRecord(run_id="1", task="t", status="x")),
        ):
            with pytest.raises(StoreError) as caught:
                use()
            assert "cannot be used: " in told(caught.value)
    first.close()


def test_tables_and_rights_that_are_missing_are_told_in_a_line(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        Store(url).prove_writable()
    assert "node" in told(caught.value)
