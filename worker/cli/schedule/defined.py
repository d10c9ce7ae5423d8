"""`lockstep schedule add` and `remove`: tables of `lockstep.toml`, whose comments stay."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from config import load_settings
from config.settings import get_settings
from config.sources import TOML_FILE
from tasks.registry import load_anew
from worker.cli.context import find_task
from worker.cli.schedule.times import defined_in
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import say

#: A line that begins a table: its brackets, and its key.
_HEAD = re.compile(r"\s*(\[\[?)\s*([\w.\"'-]+)\s*\]\]?\s*(?:#.*)?$")
#: The tables that are tasks.
KINDS = ("sync", "node")


def add(file: Path) -> ExitCode:
    """Add the tables of a file to `lockstep.toml`, if all goes together."""
    try:
        text = sys.stdin.read() if file == Path("-") else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None
    new = _parsed(text, str(file))
    others = sorted(set(new) - set(KINDS))
    if others or not new:
        what = f"{', '.join(map(repr, others))} is none" if others else "there is none"
        raise CommandError(f"{file}: only tables [[sync]] and [[node]] can be added, {what}")
    before = TOML_FILE.read_text(encoding="utf-8") if TOML_FILE.exists() else ""
    after = before + ("" if not before or before.endswith("\n") else "\n") + ("\n" if before else "")
    after += text if text.endswith("\n") else f"{text}\n"
    _check(after)
    _write(after)
    names = [str(each.get("name")) for kind in KINDS for each in new.get(kind, [])]
    say(
        f"Added to lockstep.toml: {', '.join(names)}. Beat and workers that run take that over within a minute."
    )
    return ExitCode.OK


def remove(name: str) -> ExitCode:
    """Take the table of a task out of `lockstep.toml`."""
    task = find_task(name)
    if defined_in(task, get_settings()) != "lockstep.toml":
        raise CommandError(
            f"{name!r} is defined in Python, not in lockstep.toml: take it out there, or use lockstep pause {name}"
        )
    after = _without(TOML_FILE.read_text(encoding="utf-8"), name)
    _check(after)
    _write(after)
    say(
        f"Taken out of lockstep.toml: {name}. Its links and history stay in the database; with the same name again it "
        "goes on where it was. Beat and workers that run let it go within a minute."
    )
    return ExitCode.OK


def _without(text: str, name: str) -> str:
    """The text without the table of a task. Comments stay that stand before it, or between it and the next one."""
    content = _parsed(text, TOML_FILE.name)
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
        left = _parsed(after, TOML_FILE.name).unwrap()
    except CommandError:
        left = None
    if left == {key: value for key, value in wanted.items() if value != []}:
        return after
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
    content = _parsed(text, "lockstep.toml as it would be").unwrap()
    load_anew(load_settings(**{kind: tuple(content.get(kind, ())) for kind in KINDS}))


def _write(text: str) -> None:
    """Put the text in the place of the file at once: whoever reads it meets all of it, or what was before."""
    target = TOML_FILE.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".lockstep-", suffix=".toml")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        if target.exists():
            Path(name).chmod(target.stat().st_mode & 0o777)
        else:
            Path(name).chmod(0o644)
        Path(name).replace(target)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise CommandError(f"lockstep.toml cannot be written: {error}") from None
