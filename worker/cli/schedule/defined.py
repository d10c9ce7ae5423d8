"""`lockstep schedule add` and `remove`: tables of `lockstep.toml`, whose comments stay."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from config import load_settings
from config.settings import get_settings
from config.sources import toml_file
from config.texts import decoded, line_end, parted
from tasks.registry import load_anew
from worker.cli.context import find_task
from worker.cli.schedule.times import PYTHON, defined_in
from worker.cli.written import NewFile, write_all
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import say

#: A line that begins a table: its brackets, and its key.
_HEAD = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?\s*(?:#.*)?$")
#: The tables that are tasks.
KINDS = ("sync", "node")
#: Stands for standard input.
_STANDARD = Path("-")


def add(file: Path) -> ExitCode:
    """Add the tables of a file to `lockstep.toml`, if all goes together."""
    said = "standard input" if file == _STANDARD else str(file)
    _, text = parted(_text(file, said))
    new = _parsed(text, said)
    others = sorted(set(new) - set(KINDS))
    if others or not new:
        what = f"{', '.join(map(repr, others))} is none" if others else "there is none"
        raise CommandError(f"{said}: only tables [[sync]] and [[node]] can be added, {what}")
    toml = toml_file()
    before = _text(toml, str(toml)) if toml.exists() else ""
    end = line_end(before or text)
    gap = "" if not before else end if before.endswith("\n") else end * 2
    added = text.replace("\r\n", "\n").removesuffix("\n") + "\n"
    after = before + gap + added.replace("\n", end)
    _check(after)
    write_all([NewFile(toml, after)])
    names = [str(each.get("name")) for kind in KINDS for each in new.get(kind, [])]
    say(f"Added to {toml}: {', '.join(names)}. Beat and workers that run take that over within a minute.")
    return ExitCode.OK


def remove(name: str) -> ExitCode:
    """Take the table of a task out of `lockstep.toml`."""
    task, toml = find_task(name), toml_file()
    if defined_in(task, get_settings()) == PYTHON:
        raise CommandError(
            f"{name!r} is defined in Python, not in {toml}: take it out there, or use lockstep pause {name}"
        )
    after = _without(_text(toml, str(toml)), name)
    _check(after)
    write_all([NewFile(toml, after)])
    say(
        f"Taken out of {toml}: {name}. Its links and history stay in the database; with the same name again it "
        "goes on where it was. Beat and workers that run let it go within a minute."
    )
    return ExitCode.OK


def _text(file: Path, said: str) -> str:
    """What a file holds, or standard input, with its mark and its ends of lines.

    Raises:
        CommandError: it cannot be read.
        SettingsError: it is not in UTF-8.
    """
    try:
        return decoded(sys.stdin.buffer.read() if file == _STANDARD else file.read_bytes(), said)
    except OSError as error:
        raise CommandError(f"{said} cannot be read: {error.strerror or error}") from None


def _without(text: str, name: str) -> str:
    """The text without the table of a task. Comments stay that stand before it, or between it and the next one."""
    mark, text = parted(text)
    content = _parsed(text, str(toml_file()))
    kind, place = next(
        (kind, place)
        for kind in KINDS
        for place, each in enumerate(content.get(kind, ()))
        if each.get("name") == name
    )
    wanted = content.unwrap()
    del wanted[kind][place]
    lines = text.splitlines(keepends=True)
    heads = [
        (number, found[1], found[2]) for number, line in enumerate(lines) if (found := _HEAD.match(line))
    ]
    begins = [number for number, brackets, key in heads if (brackets, key) == ("[[", kind)]
    begin = begins[place] if place < len(begins) else len(lines)
    ends = (
        number
        for number, _, key in heads
        if number > begin and (number in begins or key.split(".")[0] != kind)
    )
    end = next(ends, len(lines))
    while end > begin and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    after = "".join([*lines[:begin], *lines[end:]])
    try:
        left = _parsed(after, str(toml_file())).unwrap()
    except CommandError:
        left = None
    if left == {key: value for key, value in wanted.items() if value != []}:
        return mark + after
    raise CommandError(f"the table of {name!r} is written in a way that cannot be cut out: remove it by hand")


def _parsed(text: str, name: str) -> Any:
    try:
        return tomlkit.parse(text)
    except TOMLKitError as error:
        raise CommandError(f"{name} is not valid TOML: {error}") from None


def _check(text: str) -> None:
    """See to it that the tasks can be read from this text as a whole.

    Raises:
        CommandError: it is no TOML.
        SettingsError: a setting is wrong.
        TaskDefinitionError: a task is.
    """
    content = _parsed(parted(text)[1], f"{toml_file()} as it would be").unwrap()
    load_anew(load_settings(**{kind: tuple(content.get(kind, ())) for kind in KINDS}))
