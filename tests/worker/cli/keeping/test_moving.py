"""`lockstep export` and `lockstep import`, as they are typed."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config import get_settings
from tasks.errors import StateError
from tasks.local import alone, run_once
from tasks.registry import load_tasks
from tests.worker.cli.conftest import Here
from worker.cli.app import app
from worker.lock import MemorySyncLock
from worker.machine.state_directory import node_lock

#: How the command line ends that is called in this process.
Ends = Callable[..., tuple[int, str]]


@pytest.fixture
def ends(here: Here) -> Ends:
    """Exit code, and all that was said."""

    def call(*arguments: str) -> tuple[int, str]:
        get_settings.cache_clear()
        done = CliRunner().invoke(app, arguments)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            return int(getattr(done.exception, "code", -1)), str(done.exception)
        return done.exit_code, done.output

    return call


def forget_all(project: Path) -> None:
    """Another house: nothing is remembered here."""
    shutil.rmtree(project / ".lockstep")


def objects(project: Path, side: str = "notion") -> list[str]:
    return sorted(one["title"] for one in json.loads((project / f"to-dos-{side}.json").read_text()))


def edit(project: Path, title: str) -> None:
    path = project / "to-dos-notion.json"
    found = json.loads(path.read_text())
    path.write_text(json.dumps([{**found[0], "title": title, "edited": 4e9}, *found[1:]]))


@pytest.mark.parametrize("name", ["state.jsonl", "state.jsonl.gz"])
def test_a_task_moves_and_goes_on(here: Here, ends: Ends, name: str) -> None:
    here("run", "to-dos")
    said = here("export", "to-dos", "--to", name)
    assert "to-dos: exported 2 rows of link, 1 row of memory, 1 row of run" in said
    file = here.project / name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(here.project.glob("*.new"))
    assert (file.read_bytes()[:2] == b"\x1f\x8b") is name.endswith(".gz")
    forget_all(here.project)
    assert "imported 2 rows of link" in here("import", name)
    assert json.loads(here("plan", "to-dos", "--json"))["plan"]["actions"] == []
    here("run", "to-dos")
    assert json.loads(here("history", "to-dos", "--json"))["items"][0]["counts"] == {"in_step": 2}
    edit(here.project, "Oat milk")
    here("run", "to-dos")
    assert "Oat milk" in objects(here.project, "other")


def test_a_state_that_is_there_goes_only_when_that_is_meant(here: Here, ends: Ends) -> None:
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl")
    code, said = ends("import", "state.jsonl")
    assert (code, "has a state already (2 rows of link): --replace" in said) == (4, True)
    code, said = ends("import", "state.jsonl", "--replace")
    assert (code, "Nothing was changed: --replace --yes does it." in said) == (4, True)
    edit(here.project, "Oat milk")
    here("run", "to-dos")
    told = json.loads(here("import", "state.jsonl", "--replace", "--yes", "--json"))
    assert (told["task"], told["new"]["link"], told["known"]["run"]) == ("to-dos", 2, 1)
    halted = ends("run", "to-dos")
    assert halted[0] == 0, "what both sides have alike needs no word"


def test_an_older_state_waits_for_a_word_before_it_writes(here: Here, ends: Ends) -> None:
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl")
    edit(here.project, "Oat milk")
    here("import", "state.jsonl", "--replace", "--yes")
    before = objects(here.project, "other")
    code, said = ends("run", "to-dos")
    assert (code, "state was imported" in said, objects(here.project, "other")) == (3, True, before)


def test_what_is_refused_names_the_thing_and_the_mend(here: Here, ends: Ends) -> None:
    assert ends("export", "to-dos")[0] == 4
    assert ends("export", "todos") == (2, "there is no task 'todos': did you mean 'to-dos'?")
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl.gz")
    whole = (here.project / "state.jsonl.gz").read_bytes()
    forget_all(here.project)
    for number, (broken, words) in enumerate(
        [
            (whole[: len(whole) // 2], "is cut off or damaged"),
            (gzip.compress(gzip.decompress(whole)[:-5]), "cannot be read"),
            (gzip.compress(b"".join(gzip.decompress(whole).splitlines(keepends=True)[:-1])), "it is cut off"),
            (b"hello\n", "no state that `lockstep export` wrote"),
            (b"", "no state that `lockstep export` wrote"),
            (gzip.compress(gzip.decompress(whole).replace(b'"version":1', b'"version":9')), "or a newer one"),
        ]
    ):
        file = here.project / f"broken-{number}"
        file.write_bytes(broken)
        code, said = ends("import", file.name)
        assert (code, words in said, said.startswith(file.name)) == (2, True, True), said
        assert said.endswith("; nothing was changed")
    assert ends("import", "none")[1] == "none cannot be read: No such file or directory; nothing was changed"
    code, said = ends("export", "to-dos", "--to", "no/where")
    assert (code, said) == (4, "nothing is remembered of 'to-dos': there is nothing to export")
    here("import", "state.jsonl.gz")
    code, said = ends("export", "to-dos", "--to", "no/where")
    assert (code, said) == (5, "no/where cannot be written: No such file or directory")


def test_a_task_of_another_name_needs_to_be_told(here: Here, ends: Ends) -> None:
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl")
    module = here.project / "file_tasks.py"
    module.write_text(module.read_text().replace('Files("to-dos"', 'Files("errands"'))
    for side in ("notion", "other"):
        (here.project / f"to-dos-{side}.json").rename(here.project / f"errands-{side}.json")
    forget_all(here.project)
    here("status", "--json")
    code, said = ends("import", "state.jsonl")
    assert (code, "state of 'to-dos', and there is no task 'to-dos' here" in said, "--as NAME" in said) == (
        2,
        True,
        True,
    )
    here("import", "state.jsonl", "--as", "errands")
    assert json.loads(here("run", "errands", "--json"))["counts"] == {"in_step": 2}


def test_a_run_that_is_under_way_keeps_its_state(here: Here, ends: Ends) -> None:
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl")
    with node_lock(get_settings(), "to-dos") as lock:
        held = lock.acquire("to-dos")
        code, said = ends("import", "state.jsonl", "--replace", "--yes")
        lock.release(held, "done")
    assert (code, "busy" in said, isinstance(lock, MemorySyncLock)) == (4, True, True)


def test_state_in_files_is_exported_from_them_and_replaced(here: Here, ends: Ends) -> None:
    here("tasks")
    task: Any = load_tasks(get_settings())["to-dos"]
    asyncio.run(run_once(task))
    state = here.project / ".lockstep" / "to-dos.json"
    before = state.read_bytes()
    said = here("export", "to-dos", "--to", "state.jsonl")
    assert "2 rows of link, 1 row of memory" in said
    assert state.read_bytes() == before
    code, said = ends("import", "state.jsonl")
    assert (code, said) == (
        4,
        "'to-dos' has a state already (that in .lockstep/to-dos.json, of runs without a database): --replace puts that "
        "of the file in its place, while history and ledger stay; nothing was changed",
    )
    with alone("to-dos", state):  # a run without a database goes on
        _, said = ends("import", "state.jsonl", "--replace", "--yes")
        assert ("another process" in said, state.read_bytes() == before) == (True, True)
    here("import", "state.jsonl", "--replace", "--yes")
    assert json.loads(state.read_text()) == {"moved": "database"}
    assert state.with_suffix(".json.imported").read_bytes() == before
    assert json.loads(here("run", "to-dos", "--json"))["counts"] == {"in_step": 2}


def test_no_run_without_a_database_goes_by_another_state_than_the_one_that_was_imported(here: Here) -> None:
    here("run", "to-dos")
    here("export", "to-dos", "--to", "state.jsonl")
    forget_all(here.project)
    get_settings.cache_clear()
    here("import", "state.jsonl")
    task: Any = load_tasks(get_settings())["to-dos"]
    with pytest.raises(StateError, match="kept by the database now: run it with `lockstep run to-dos`"):
        asyncio.run(run_once(task))


def test_it_goes_through_a_pipe(here: Here) -> None:
    here("run", "to-dos")
    out = CliRunner().invoke(app, ["export", "to-dos"])
    assert "exported 2 rows of link" in out.stderr
    lines = out.stdout.splitlines()
    assert (json.loads(lines[0])["format"], json.loads(lines[-1])["rows"]) == (
        "lockstep state",
        len(lines) - 2,
    )
    forget_all(here.project)
    get_settings.cache_clear()
    done = CliRunner().invoke(app, ["import", "-"], input=out.stdout_bytes)
    assert "imported 2 rows of link" in done.output, done.exception
