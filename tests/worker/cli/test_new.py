"""`lockstep new` writes a package that works as it is: its test passes, Lockstep finds it, the linters are content."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.distributions import announce
from worker.cli.new.new import new_service
from worker.cli.services import show_service
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert new_service("book_shelf", None) == ExitCode.OK
    return tmp_path / "lockstep-book-shelf"


def of_the_package(*arguments: str, made: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=made, env={"PYTHONPATH": f"{ROOT}:{made}", "PATH": "", "HOME": str(made)},
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip


@pytest.mark.processes
def test_its_test_passes_as_it_is_and_fails_once_the_side_is_wrong(made: Path) -> None:
    done = of_the_package("pytest", "-q", "-p", "no:cacheprovider", made=made)
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout + done.stderr
    store = made / "lockstep_book_shelf" / "store.py"
    right = 'if item is None or item["version"] != version:'
    assert right in store.read_text()
    store.write_text(store.read_text().replace(right, "if item is None:"))
    wrong = of_the_package("pytest", "-q", "-p", "no:cacheprovider", made=made)
    assert wrong.returncode == 1, wrong.stdout
    assert "changed since it was read" in wrong.stdout, wrong.stdout


def test_linters_have_nothing_to_say(made: Path) -> None:
    for arguments in (
        ("ruff", "check", "--isolated", "--select", "E,F,W,I,B,UP,D1", "--ignore", "D104,D105,D107", "."),
        ("ruff", "format", "--isolated", "--check", "."),
        ("mypy", "--strict", "--no-incremental", "--follow-imports=silent", "lockstep_book_shelf"),
    ):
        done = of_the_package(*arguments, made=made)
        assert done.returncode == 0, done.stdout + done.stderr


def test_lockstep_finds_it(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 'book_shelf = "lockstep_book_shelf:SERVICE"' in (made / "pyproject.toml").read_text()
    announce(tmp_path, "lockstep-book-shelf", {"book_shelf": "lockstep_book_shelf:SERVICE"})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.syspath_prepend(made)
    capsys.readouterr()
    assert show_service("book_shelf", as_json=False) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "book_shelf: book shelf, from lockstep-book-shelf" in shown
    assert {"title", "done", "due", "file"} <= set(shown.split())


@pytest.mark.parametrize(
    "name", ["Shelf", "2shelf", "my-shelf", "_shelf", "shelf_", "my__shelf", "class", "a/b", ""]
)
def test_names_that_cannot_be_used(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="is no name for a service"):
        new_service(name, None)
    assert list(tmp_path.iterdir()) == []


def test_words_of_the_tables_are_no_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="'map' is a word of lockstep"):
        new_service("map", None)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match="there is a service 'caldav' already"):
        new_service("caldav", None)
    (tmp_path / "lockstep-shelf").mkdir()
    (tmp_path / "lockstep-shelf" / "mine.txt").write_text("mine")
    with pytest.raises(CommandError, match="there is something in lockstep-shelf: give another folder"):
        new_service("shelf", None)
    with pytest.raises(CommandError, match=r"cannot be written to lockstep-shelf/mine\.txt"):
        new_service("shelf", Path("lockstep-shelf/mine.txt"))
    assert [path.name for path in tmp_path.rglob("*")] == ["lockstep-shelf", "mine.txt"]
    assert (tmp_path / "lockstep-shelf" / "mine.txt").read_text() == "mine"
