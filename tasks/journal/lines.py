"""Lines of the files of a journal: one for each change, as it is written and as it is carried out again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from config.private_files import open_private, private_directory
from tasks.errors import StateError
from tasks.journal.contract import Proof, memory_from_data
from tasks.journal.state import State
from tasks.journal.state_changes import change_state
from tasks.merge import End, Intent, Link
from tasks.values.canonical import dump
from tasks.values.date_range import DateRange
from tasks.values.file import File
from tasks.values.opaque import Opaque
from tasks.values.plain import PLAIN
from tasks.values.references import References

#: Types of most of what is kept, which is nothing that has fields.
_WHOLE = PLAIN | {dict, frozenset}


def append_lines(path: Path, lines: Sequence[Mapping[str, Any]]) -> None:
    """Add lines to a file, on the disk when this returns.

    Raises:
        StateError: it cannot be written.
    """
    try:
        private_directory(path.parent)
        with open_private(path, "a") as file:
            file.write("".join(dump(line) + "\n" for line in lines))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror}") from error


def line_of(proof: Proof) -> dict[str, Any]:
    """What a proof changes."""
    put, drop = proof.put, proof.drop
    return {"put": put and _words_of(put), "drop": drop and _words_of(drop), "settle": list(proof.settle)}


def _words_of(link: Link) -> dict[str, Any]:
    """What `_link` takes; of nearly all links no more than this is to be said."""
    words = {"left_id": link.left_id, "right_id": link.right_id, "left": link.left, "right": link.right}
    return {**words, "parked": link.parked, "apart": link.apart} if link.parked or link.apart else words


def replay(state: State, line: Mapping[str, Any]) -> None:
    """Apply one line of the journal."""
    if "all" in line:
        for part in line["all"]:
            replay(state, part)
        return
    if "begin" in line:
        begun = line["begin"]
        change_state(state, begin=Intent(**{**begun, "side": End(begun["side"])}))
        return
    if "memory" in line:
        change_state(state, memory=memory_from_data(line["memory"]), forget=line["forget"])
        return
    change_state(
        state,
        put=_link(line["put"]),
        drop=_link(line["drop"]),
        settle=line["settle"],
    )


def _link(fields: Mapping[str, Any] | None) -> Link | None:
    return Link(**{**fields, "parked": _sides(fields.get("parked", ()))}) if fields else None


def _sides(names: Iterable[str]) -> frozenset[End]:
    return frozenset(map(End, names))


def fields_of(kept: Any) -> Any:
    """What it holds by name, and what is in it likewise. Values are not taken apart, as `asdict` would do."""
    if not is_dataclass(kept) or isinstance(kept, DateRange | File | Opaque | References):
        return kept
    values = ((each.name, getattr(kept, each.name)) for each in fields(kept))
    return {name: value if type(value) in _WHOLE else fields_of(value) for name, value in values}
