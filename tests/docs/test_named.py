"""What README and docs name is there: commands, options, variables, files, modules, targets of make, links."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from config import Settings
from config.sources import TABLES, variable_name
from tests.docs.pages import PAGES, ROOT, anchors, blocks, links, prose, spans
from worker.cli.app import app

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

#: A slip of the pen that a page shows on purpose, and a name that is the reader's own.
NO_SETTINGS = {"NOTION_TOEKN", "NOTION_TOKEN_WORK"}

#: Options of pg_dump, pg_restore, docker, pip, useradd and systemctl.
OF_OTHERS = (
    "--format --file --clean --if-exists --dbname --detach --build --require-hashes --no-deps --no-build-isolation "
    "--system --home-dir --now --unit"
)

#: A command of Typer's, which has a click of its own.
Command = Any


@cache
def lockstep() -> Command:
    return typer.main.get_command(app)


def is_group(command: Command) -> bool:
    return hasattr(command, "commands")


def options_of(command: Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def all_commands(group: Command) -> Iterator[Command]:
    for command in group.commands.values():
        yield command
        if is_group(command):
            yield from all_commands(command)


def find(words: str) -> list[Command]:
    """The commands that are meant by what follows `lockstep`; alternatives have a bar between them."""
    group: Command = lockstep()
    found = [group]
    for word in words.replace("\\|", "|").split():
        if not is_group(group) or not re.fullmatch(r"[a-z][a-z|-]*", word):
            break
        found = [group.commands[name] for name in word.split("|")]  # KeyError: there is no such command
        group = found[0]
    return found


def lines(page: Path) -> Iterator[str]:
    """Each code span, and each line of a block in which something may be typed."""
    yield from spans(page)
    for block in blocks(page):
        if block.language in ("", "console", "sh"):
            yield from block.text.splitlines()


def known_options() -> set[str]:
    """All options of ours, and those of the programs that are named in the docs."""
    own = {option for command in all_commands(lockstep()) for option in options_of(command)}
    own |= options_of(lockstep()) | {"--help", *OF_OTHERS.split()}
    for script in (
        *(ROOT / "proof").glob("*.py"),
        ROOT / "bench/__main__.py",
        ROOT / "bench/scale.py",
        ROOT / "bench/two_nodes/one_process.py",
        ROOT / "worker/web/__main__.py",
        ROOT / "tasks/services/google_tasks/__main__.py",
    ):
        own |= set(re.findall(r'"(--[a-z][a-z-]*)"', script.read_text(encoding="utf-8")))
    from celery.bin.celery import celery
    from tornado.options import options

    for command in celery.commands.values():
        own |= options_of(command)
    importlib.import_module("flower.options")
    return own | {f"--{name.replace('_', '-')}" for name in options} | {f"--{name}" for name in options}


@each_page
def test_every_command_is_there_with_its_options(page: Path) -> None:
    for line in lines(page):
        for words in re.findall(r"(?:^ *|[$;&=] ?|LOUD )lockstep((?: [^\s`]+)+)", line.partition("  #")[0]):
            if not re.match(r" [a-z-]", words):
                continue
            try:
                (*_, command) = found = find(words)
            except KeyError as error:
                raise AssertionError(f"{page.name}: lockstep has no command {error}: {line}") from None
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", words):
                known = {each for one in found for each in options_of(one)} | {"--help"}
                assert option in known, f"{page.name}: lockstep {command.name} has no option {option}: {line}"


def test_the_table_of_commands_is_whole_and_its_options_are_those_of_the_command() -> None:
    rows = re.findall(r"^\| `lockstep ([^`]+)` \| (.+) \|$", (ROOT / "docs/cli.md").read_text("utf-8"), re.M)
    named: set[str | None] = set()
    for words, meaning in rows:
        found = find(words)
        named |= {command.name for command in found}
        for option in re.findall(r"`(--[a-z][a-z-]*)", f"`{words}` {meaning}"):
            assert any(option in options_of(command) for command in found), (words, option)
    leaves = {one.name for one in all_commands(lockstep()) if not is_group(one)}
    assert leaves <= named


@each_page
def test_every_option_is_there(page: Path) -> None:
    known = known_options()
    for line in lines(page):
        for option in re.findall(r"(?<![\w-])--[a-z][a-z_-]*[a-z]", line):
            assert option in known, f"{page.name}: {option} in {line}"


@each_page
def test_every_variable_is_there(page: Path) -> None:
    settings = {variable_name(name) for name in Settings.model_fields if name not in TABLES}
    ours, read_by_tests = r'"([A-Z]+_[A-Z_]+)"', r'environ(?:\.get\(|\[)"([A-Z]+_[A-Z_]+)"'
    flower = Path(str(importlib.import_module("flower").__file__)).parent
    folders = [(ROOT / name, ours) for name in ("config", "tasks", "worker", "sandbox", "bench", "proof")]
    used = settings | {
        name
        for folder, pattern in (*folders, (ROOT / "tests", read_by_tests), (flower, r"(FLOWER_[A-Z_]+)"))
        for path in folder.rglob("*.py")
        for name in re.findall(pattern, path.read_text(encoding="utf-8"))
    }
    text = page.read_text(encoding="utf-8")
    for name in re.findall(
        r"\b(?:LOCKSTEP|NOTION|CALDAV|FLOWER|REDIS|DATABASE|SENTRY|CELERY)_[A-Z_]*[A-Z]\b", text
    ):
        assert name in used | NO_SETTINGS, f"{page.name}: {name}"


@each_page
def test_every_file_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name in re.findall(
        r"(?<![\w/.:-])((?:tests|tasks|worker|config|sandbox|proof|bench|docs)/[\w./*-]*\w\*?)", text
    ):
        assert (ROOT / name).exists() or any(ROOT.glob(name)), f"{page.name}: {name}"


@each_page
def test_every_module_and_name_in_it_is_there(page: Path) -> None:
    for span in spans(page):
        if not re.fullmatch(r"(?:tasks|worker|config|sandbox\.notion)(?:\.\w+)+", span) or span.endswith(
            ".py"
        ):
            continue
        parts = span.split(".")
        for length in range(len(parts), 0, -1):
            try:
                thing = importlib.import_module(".".join(parts[:length]))
            except ModuleNotFoundError:
                continue
            for part in parts[length:]:
                thing = getattr(thing, part)
            break


@each_page
def test_every_target_of_make_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in lines(page):
        for name in re.findall(r"(?:^|[\s;(])make ([a-z]+)", line):
            assert name in targets, f"{page.name}: make {name}"


@each_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_what_is_looked_for_is_found() -> None:
    """The tests above can fail: a wrong name in a text is seen."""
    assert find("nodes status laptop")[0].name == "status"
    assert {one.name for one in find("webhooks open\\|show\\|close")} == {"open", "show", "close"}
    with pytest.raises(KeyError):
        find("fly --high")
    assert "--ids" in known_options()
    assert "--flying" not in known_options()
    everything = [block for page in PAGES for block in blocks(page)]
    assert sum(block.language == "" for block in everything) > 10
    assert all(block.text.strip() for block in everything)
    assert "lockstep plan todos" not in prose(ROOT / "README.md")
    assert "after-a-halt-a-mistake-a-conflict" in anchors(ROOT / "docs/cli.md")
