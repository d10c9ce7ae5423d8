"""One line of the ledger, as people and programs are shown it: objects of services and records of nodes alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tasks.journal.ledger import Version
from worker.cli.called import Called
from worker.store.tables.conflicts import ConflictRecord
from worker.telling.screen import moment, printable, short

#: What stayed where neither version did, by the rule.
_THIRD = {"method": "what the task decided"}


def called(record: ConflictRecord) -> Called:
    """What its object is called: a record without a title by its table and key."""
    entry = record.entry
    known = f"{entry.model} {entry.first.id}" if entry.model else ""
    return Called((entry.first.id, entry.second.id), entry.name, known, record.task)


def columns(record: ConflictRecord) -> tuple[str, ...]:
    """The cells What, Base, Stayed, Lost, Why and Address."""
    entry = record.entry
    gone = entry.lost if record.taken is None else (entry.at(record.taken.opposite),)
    return (
        entry.attribute or "(deleted)",
        _value(entry.base, 24),
        stayed(record),
        _each(gone),
        short(entry.why or entry.rule, 100),
        entry.name.address or "-",
    )


def fields(record: ConflictRecord, *, ids: bool) -> list[tuple[str, str]]:
    """All that is known, line by line; ids where they are asked for, or nothing else says which object it is."""
    entry, object_ = record.entry, called(record)
    title = object_.title or object_.else_
    ids = not entry.model and (ids or not title)
    run = f", in run {record.run_id[:8]}" if record.run_id else ""
    lines = [
        ("Conflict", f"{record.id} of {record.task}"),
        ("Object", title),
        ("Record", object_.else_ if entry.model and object_.title else ""),
        ("Address", entry.name.address),
        ("When", f"{moment(record.at)}{run}"),
        ("What", entry.attribute or "deleted in one place, edited in the other"),
        ("Base", _value(entry.base, 2000)),
        ("Stayed", "" if entry.stayed else stayed(record)),
        *(("Stayed", _edited(version, ids=ids)) for version in entry.stayed),
        *(("Lost", _edited(version, ids=ids)) for version in entry.lost),
        ("Why", entry.why or entry.rule),
        ("Now", stayed(record) if record.taken is not None else ""),
        ("Seen", seen(record)),
    ]
    return [(name, text) for name, text in lines if text]


def stayed(record: ConflictRecord) -> str:
    """What both places show by now, as far as the ledger knows."""
    entry = record.entry
    if record.taken is not None:
        return f"{_each([entry.at(record.taken)])}, brought back {moment(record.taken_at)}"
    if not entry.stayed:
        return _THIRD.get(entry.rule, "a value made of both")
    return f"{'both: ' if entry.open else ''}{_each(entry.stayed)}"


def seen(record: ConflictRecord) -> str:
    """By whom and when it was marked as seen; empty where nobody has."""
    return "" if record.done_at is None else f"by {record.done_by}, {moment(record.done_at)}"


def to_json(record: ConflictRecord) -> dict[str, Any]:
    """The same for programs; `stayed` and `lost` are as it was decided, `taken` is what was brought back since."""
    entry = record.entry
    return {
        "id": record.id,
        "task": record.task,
        "run_id": record.run_id,
        "at": record.at,
        "title": entry.name.title or None,
        "address": entry.name.address or None,
        "model": entry.model or None,
        "attribute": entry.attribute,
        "base": entry.base,
        "stayed": [_version_json(version) for version in entry.stayed],
        "lost": [_version_json(version) for version in entry.lost],
        "rule": entry.rule,
        "why": entry.why or None,
        "taken": None if record.taken is None else _version_json(entry.at(record.taken)),
        "taken_at": record.taken_at,
        "done_at": record.done_at,
        "done_by": record.done_by,
    }


def _version_json(version: Version) -> dict[str, Any]:
    return {name: value for name, value in asdict(version).items() if name != "stayed"}


def _each(versions: Sequence[Version]) -> str:
    return ", ".join(f"{_value(version.value, 24)} ({version.where})" for version in versions) or "-"


def _edited(version: Version, *, ids: bool) -> str:
    known = f"{version.where}, {version.id}" if ids else version.where
    return f"{_value(version.value, 2000)}   ({known}, edited {moment(version.edited)})"


def _value(value: Any, length: int) -> str:
    if isinstance(value, Mapping):
        return short(", ".join(f"{name}: {printable(part)}" for name, part in value.items()), length)
    return "-" if value is None else short(value, length) or '""'
