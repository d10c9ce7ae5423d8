from __future__ import annotations

import time
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tasks.database.records.record import SyncRecord
from tasks.database.sql import SQLAlchemyStorage
from tasks.database.sql.orm import Synced, capture_sessions
from tasks.errors import TaskDefinitionError

Node = Any  # the class of the conftest


class Base(DeclarativeBase):
    pass


class Person(Synced, Base):
    __tablename__ = "person"

    number: Mapped[int] = mapped_column("id", primary_key=True)
    name: Mapped[str | None]
    size: Mapped[float | None]
    more: Mapped[Any] = mapped_column(sa.JSON, nullable=True)


@pytest.fixture
def program(node: Node) -> tuple[sessionmaker[Session], SQLAlchemyStorage]:
    storage = node.storage()
    storage.prepare(triggers=False)
    sessions = sessionmaker(sa.create_engine(node.url))
    capture_sessions(sessions, storage)
    return sessions, storage


def changed(storage: SQLAlchemyStorage, since: int = 0) -> dict[str, SyncRecord]:
    storage.horizon(time.time_ns() // 1_000_000 << 16)
    return storage.get_changed_since("person", since)


def test_edits_of_objects_are_stamped_per_field(
    program: tuple[sessionmaker[Session], SQLAlchemyStorage],
) -> None:
    sessions, storage = program
    with sessions.begin() as session:
        session.add(Person(number=7, name="Ada", more={"a": [1]}))
    made = changed(storage)["7"]
    assert set(made.timestamps) == set(storage.tables["person"].fields)
    with sessions.begin() as session:
        session.get_one(Person, 7).name = "Ada L."
    edited = changed(storage, made.received_at)["7"]
    assert {name for name, stamp in edited.timestamps.items() if stamp != made.timestamps[name]} == {"name"}
    assert edited.timestamps["name"] > made.timestamps["name"]
    with sessions.begin() as session:
        session.get_one(Person, 7).name = "Ada L."
    assert changed(storage, edited.received_at) == {}
    with sessions.begin() as session:
        session.delete(session.get_one(Person, 7))
    assert changed(storage) == {}
    assert storage.get_deletes_since("person", 0)["7"] > edited.timestamps["name"]
    with sessions.begin() as session:
        session.add(Person(number=7, name="again"))
    assert changed(storage)["7"].data["name"] == "again"
    assert storage.get_deletes_since("person", 0) == {}


def test_several_flushes_of_one_transaction(program: tuple[sessionmaker[Session], SQLAlchemyStorage]) -> None:
    sessions, storage = program
    with sessions.begin() as session:
        person = Person(number=7, name="Ada")
        session.add(person)
        session.flush()
        person.size = 2.0
        session.flush()
        person.name = "Bob"
    record = changed(storage)["7"]
    assert (record.data["name"], record.data["size"]) == ("Bob", 2.0)
    assert record.timestamps["id"] < record.timestamps["size"] < record.timestamps["name"]


def test_an_edit_before_the_rest_is_loaded_again(
    program: tuple[sessionmaker[Session], SQLAlchemyStorage],
) -> None:
    sessions, storage = program
    with sessions() as session:
        person = Person(number=7, name="Ada")
        session.add(person)
        session.commit()
        made = changed(storage)["7"]
        person.name = "Bob"
        assert person.size is None  # loads what the commit has made stale
        session.commit()
    edited = changed(storage, made.received_at)["7"]
    assert edited.timestamps["name"] > made.timestamps["name"]
    assert edited.timestamps["size"] == made.timestamps["size"]


def test_another_key_is_another_record(program: tuple[sessionmaker[Session], SQLAlchemyStorage]) -> None:
    sessions, storage = program
    with sessions.begin() as session:
        session.add(Person(number=7, name="Ada"))
    with sessions.begin() as session:
        session.get_one(Person, 7).number = 8
    assert set(changed(storage)) == {"8"}
    assert set(storage.get_deletes_since("person", 0)) == {"7"}


def test_what_is_rolled_back_is_not_captured(
    program: tuple[sessionmaker[Session], SQLAlchemyStorage],
) -> None:
    sessions, storage = program
    with sessions() as session:
        session.add(Person(number=7, name="Ada"))
        session.flush()
        session.rollback()
    assert changed(storage) == {}


def test_bulk_statements_are_refused(program: tuple[sessionmaker[Session], SQLAlchemyStorage]) -> None:
    sessions, _ = program
    with sessions() as session, pytest.raises(TaskDefinitionError, match="Person"):
        session.execute(sa.update(Person).values(name="x"))
