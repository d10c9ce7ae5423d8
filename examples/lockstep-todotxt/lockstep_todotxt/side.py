"""A todo.txt file as a side of a sync."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from lockstep_todotxt.file import Content, TodoFile, id_of
from lockstep_todotxt.line import Line, read_line
from tasks import TaskDefinitionError
from tasks.sides import Attribute, Kind, Listing, PreconditionError, Side, UnfitError, title_key

#: What every task has.
ATTRIBUTES: Mapping[str, Attribute] = {
    "text": Attribute(Kind.TEXT, meaning="title"),
    "done": Attribute(Kind.YES_NO, meaning="done"),
    "priority": Attribute(Kind.PRIORITY, meaning="priority"),
    "due": Attribute(Kind.DATE, meaning="due"),
    "projects": Attribute(Kind.CHOICES, new_options=True),
    "contexts": Attribute(Kind.CHOICES, new_options=True, meaning="tags"),
}
#: Letters of the priorities; those after them are the least urgent, too.
_LETTERS: Mapping[int | None, str] = {None: "", **dict(enumerate("ABCDEFGHI", 1))}
_LEAST = 9
#: The text of a task of which nobody says any.
UNTITLED = "untitled"
#: How often a change is tried while somebody else writes the file.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Task:
    """A task as it was read."""

    line: Line
    #: When its file was written last: no line says when it was edited itself.
    edited: datetime


class TodoTxt(Side):
    """The tasks of a todo.txt file.

    A line is known again by its pair `id:…`. One that has none, as people type it, has an id that follows from its text
    until one is written into the file: with the next change, or when a run ends.
    """

    def __init__(self, file: Path, archive: Path | None = None) -> None:
        self._file = TodoFile(file.expanduser())
        self._files = [self._file, *([TodoFile(archive.expanduser())] if archive is not None else [])]
        self.label = f"the file {file.name}"

    # -- reading ------------------------------------------------------------------------------------------

    def describe(self) -> Mapping[str, Attribute]:
        """What every task has."""
        return ATTRIBUTES

    def check(self, attributes: Collection[str]) -> None:
        """Make sure that there are such attributes, and the files.

        Raises:
            TaskDefinitionError: there is no such attribute.
            SideError: a file is not there, or cannot be read.
        """
        unknown = sorted(set(attributes) - ATTRIBUTES.keys())
        if unknown:
            raise TaskDefinitionError(
                f"a task of {self.label} has no {', '.join(unknown)}; it has {', '.join(ATTRIBUTES)}"
            )
        for file in self._files:
            file.read()

    def scope(self) -> str:
        """The file: what is not in another one was not deleted."""
        return str(self._file.path)

    def list(self) -> Listing:
        """All tasks."""
        content = self._file.read()
        return Listing(Task(line, content.edited) for line in content.lines)

    def is_gone(self, obj_id: str) -> bool:
        """Whether a task was deleted: it is neither in the file nor in the archive."""
        return all(file.read().find(obj_id) is None for file in self._files)

    def id(self, obj: Task) -> str:
        """What its line is known by."""
        return obj.line.id

    def key(self, obj: Task) -> str:
        """Its text, without regard to case."""
        return title_key(obj.line.text)

    def edited(self, obj: Task) -> datetime:
        """When its file was written last."""
        return obj.edited

    def values(self, obj: Task) -> dict[str, Any]:
        """Its values, in the kinds that are described."""
        return _values(obj.line)

    # -- writing ------------------------------------------------------------------------------------------

    def create(self, key: str, values: dict[str, Any]) -> Task:
        """Add a line, unless an earlier try with this key has added it.

        Raises:
            UnfitError: a line cannot hold a value.
        """
        made = _changed(Line(UNTITLED, created=_today(), id=id_of(key)), values)
        return self._edit(made.id, lambda now: None if now.find(made.id) else [*now.rows, made])

    def made(self, key: str) -> str:
        """What a line is known by that is added with this key."""
        return id_of(key)

    def update(self, obj: Task, changes: dict[str, Any]) -> Task:
        """Change a line.

        Raises:
            PreconditionError: it is not what it was when it was read.
            UnfitError: a line cannot hold a value.
        """
        made = _changed(obj.line, changes)

        def with_change(now: Content) -> Sequence[Line | None]:
            old = _unchanged(now, obj)
            return [made if row is old else row for row in now.rows]

        return self._edit(made.id, with_change)

    def delete(self, obj: Task) -> None:
        """Take a line out.

        Raises:
            PreconditionError: it is not what it was when it was read.
        """

        def without(now: Content) -> Sequence[Line | None]:
            old = _unchanged(now, obj)
            return [row for row in now.rows if row is not old]

        self._write(without)

    def remembered(self) -> None:
        """Write ids into the lines that have none, so that the next run knows them also after an edit."""
        self._write(lambda now: None if now.bytes_of(now.rows) == now.data else now.rows)

    def _edit(self, task_id: str, change: Callable[[Content], Sequence[Line | None] | None]) -> Task:
        after = self._write(change)
        line = after.find(task_id)
        assert line is not None  # noqa: S101  # it was just written
        return Task(line, after.edited)

    def _write(self, change: Callable[[Content], Sequence[Line | None] | None]) -> Content:
        """Make a change in the file as it is now, from the start where somebody else writes it meanwhile."""
        for _ in range(_TRIES):
            before = self._file.read()
            rows = change(before)
            if rows is None:
                return before
            self.before_write()
            after = self._file.replace(before, rows)
            if after is not None:
                return after
        raise PreconditionError(f"{self.label} is written by somebody else all the time")


def _unchanged(now: Content, obj: Task) -> Line:
    line = now.find(obj.line.id)
    if line != obj.line:
        raise PreconditionError(f"{obj.line.text!r} was {'edited' if line else 'deleted'} meanwhile")
    return line


def _values(line: Line) -> dict[str, Any]:
    return {
        "text": line.text,
        "done": line.done,
        "priority": min(ord(line.priority) - ord("A") + 1, _LEAST) if line.priority else None,
        "due": line.due,
        "projects": line.projects,
        "contexts": line.contexts,
    }


def _changed(line: Line, changes: dict[str, Any]) -> Line:
    """A line with other values.

    Raises:
        UnfitError: it cannot hold some, such as a text with a line break or a tag with `_`, which stands for a blank.
    """
    unfit = [name for name, value in changes.items() if _with(line, {name: value}) is None]
    made = None if unfit else _with(line, changes)
    if made is None:
        unfit = unfit or [*changes]
        raise UnfitError(f"a line of todo.txt cannot hold this as its {', '.join(unfit)}", unfit)
    return made


def _with(line: Line, changes: dict[str, Any]) -> Line | None:
    """A line with other values, `None` where they would be read as something else."""
    wanted = _values(line) | {name: _plain(value) for name, value in changes.items()}
    wanted["done"] = bool(wanted["done"])
    if wanted["priority"] not in _LETTERS:
        return None
    made = replace(
        line,
        text=wanted["text"] or "",
        done=wanted["done"],
        due=wanted["due"],
        projects=wanted["projects"] or (),
        contexts=wanted["contexts"] or (),
        priority=line.priority
        if wanted["priority"] == _values(line)["priority"]
        else _LETTERS[wanted["priority"]],
        completed=(line.completed if line.done else _today()) if wanted["done"] else None,
        raw="",
    )
    shown = read_line(str(made))
    return made if made.text and shown == made and not {"\n", "\r"} & {*str(made)} else None


def _plain(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _today() -> date:
    return datetime.now(UTC).astimezone().date()
