from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tasks.errors import TaskDefinitionError
from tasks.services import found
from tests.harness.distributions import announce
from tests.tasks.tables import doubles

MODULE = "tests.tasks.tables.doubles"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_services_of_all_distributions_are_found(folder: Path) -> None:
    announce(folder, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"}, "2.1")
    announce(folder, "lockstep-book", {"book": f"{MODULE}:BOOK_SERVICE"})
    known = found.services()
    assert known["board"].distributions == ("lockstep-board 2.1",)
    assert known["book"].load() is doubles.BOOK_SERVICE
    assert found.service("board") is doubles.BOARD_SERVICE
    assert list(known) == sorted(known)


def test_a_service_is_loaded_when_it_is_asked_for(folder: Path) -> None:
    (folder / "slow_to_load.py").write_text(f"from {MODULE} import BOARD_SERVICE\n")
    announce(folder, "lockstep-board", {"board": "slow_to_load:BOARD_SERVICE"})
    known = found.services()
    assert "slow_to_load" not in sys.modules
    known["board"].load()
    assert sys.modules.pop("slow_to_load")


@pytest.mark.parametrize(
    ("name", "where", "message"),
    [
        ("odd", "no_such_module:SERVICE", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("odd", f"{MODULE}:NO_SUCH", "cannot be loaded: AttributeError: "),
        ("odd", "broken_service:SERVICE", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("odd", "leaving_service:SERVICE", "cannot be loaded: SystemExit: 7"),
        ("odd", f"{MODULE}:NOTES", f"{MODULE}:NOTES is no tasks.sides.Service"),
        ("odd", f"{MODULE}:BOOK_SERVICE", f"{MODULE}:BOOK_SERVICE calls itself 'book'"),
        ("map", f"{MODULE}:BOOK_SERVICE", "a service cannot have this name; it has small letters"),
        ("Odd!", f"{MODULE}:BOOK_SERVICE", "a service cannot have this name; it has small letters"),
    ],
)
def test_a_broken_one_is_told_and_hides_no_other(folder: Path, name: str, where: str, message: str) -> None:
    (folder / "broken_service.py").write_text("1 / 0")
    (folder / "leaving_service.py").write_text("raise SystemExit(7)")
    importlib.invalidate_caches()
    announce(folder, "lockstep-odd", {name: where})
    announce(folder, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"})
    with pytest.raises(TaskDefinitionError) as caught:
        found.service(name)
    assert str(caught.value).startswith(f"service {name!r} of lockstep-odd 1.0")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert found.service("board") is doubles.BOARD_SERVICE


def test_two_of_one_name_are_refused_with_both_distributions(folder: Path) -> None:
    announce(folder, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"})
    announce(folder, "other-board", {"board": f"{MODULE}:BOARD_SERVICE"}, "0.3")
    announce(folder, "lockstep-book", {"book": f"{MODULE}:BOOK_SERVICE"})
    with pytest.raises(TaskDefinitionError) as caught:
        found.service("board")
    told = str(caught.value)
    assert "lockstep-board 1.0" in told
    assert "other-board 0.3" in told
    assert "two have this name" in told
    assert found.service("book") is doubles.BOOK_SERVICE


def test_one_distribution_seen_twice_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(folder / "again", "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"})
    announce(folder, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"})
    monkeypatch.syspath_prepend(folder / "again")
    assert found.service("board") is doubles.BOARD_SERVICE


def test_an_unknown_one_is_told_with_the_nearest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    announce(folder, "lockstep-board", {"board": f"{MODULE}:BOARD_SERVICE"})
    with pytest.raises(TaskDefinitionError, match="there is no service 'baord': did you mean 'board'"):
        found.service("baord")
    with pytest.raises(TaskDefinitionError, match=r"there is no service 'xyz': there are .*board"):
        found.service("xyz")
    with pytest.raises(TaskDefinitionError, match="not even by Lockstep; install it anew"):
        found.service("board", {})
