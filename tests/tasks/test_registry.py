from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from tasks import TaskDefinitionError, all_tasks
from tasks.registry import load_anew, load_tasks, own_modules

GOOD = """
from tests.tasks.sync_task.seed_style import Services, ToDos
ToDos(Services(), "beta").run_every(minutes=5).schedule()
ToDos(Services(), "alpha").schedule()
ToDos(Services(), "not scheduled")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(tmp_path)])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("own_"):
            del sys.modules[name]


def test_the_modules_of_the_settings_are_imported_from_here(here: Path) -> None:
    (here / "own_good.py").write_text(GOOD)
    settings = Settings(tasks=("own_good",))
    tasks = load_tasks(settings)
    assert list(tasks) == ["alpha", "beta"]
    assert set(tasks.values()) == all_tasks
    assert load_tasks(settings) == tasks  # a second call defines nothing twice


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "LOCKSTEP_TASKS names 'own_bad', but there is no such module"),
        ("import own_missing", "module 'own_bad' of LOCKSTEP_TASKS needs 'own_missing', which is missing"),
        ("import sys; sys.exit(7)", "cannot be imported: SystemExit: 7"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("def", "cannot be imported: SyntaxError"),
        (
            "from tests.tasks.sync_task.seed_style import *\nToDos(Services(), 'a/b')",
            "module 'own_bad' of LOCKSTEP_TASKS: task name 'a/b': use letters",
        ),
        (
            "from tests.tasks.sync_task.seed_style import *\nfor _ in 'ab': ToDos(Services(), 'x').schedule()",
            "two tasks are named 'x'",
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_told(here: Path, content: str | None, message: str) -> None:
    if content is not None:
        (here / "own_bad.py").write_text(content)
    with pytest.raises(TaskDefinitionError) as caught:
        load_tasks(Settings(tasks=("own_bad",)))
    assert message in str(caught.value)


def test_a_module_in_a_package_that_is_missing_is_told(here: Path) -> None:
    with pytest.raises(TaskDefinitionError, match=r"names 'own_package\.tasks', but there is no such module"):
        load_tasks(Settings(tasks=("own_package.tasks",)))


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        ("tasks", "a package of Lockstep"),
        ("config", "a package of Lockstep"),
        ("worker", "a package of Lockstep"),
        ("calendar", "a module of Python"),
        ("queue", "a module of Python"),
        ("pytest", "an installed package"),
    ],
)
@pytest.mark.parametrize("package", [False, True])
def test_a_module_whose_name_is_taken_is_told(here: Path, name: str, taken: str, package: bool) -> None:
    if package:
        (here / name).mkdir()
        (here / name / "__init__.py").write_text(GOOD)
    else:
        (here / f"{name}.py").write_text(GOOD)
    with pytest.raises(TaskDefinitionError) as caught:
        load_tasks(Settings(tasks=(name,)))
    file = name if package else f"{name}.py"
    assert str(caught.value) == (
        f"LOCKSTEP_TASKS names {name!r}, but {name!r} is the name of {taken}: give your {file} another name, "
        f"such as my_{file}, and write 'my_{name}'"
    )


def test_a_module_in_a_directory_whose_name_is_taken_is_told(here: Path) -> None:
    (here / "tasks").mkdir()
    (here / "tasks" / "mine.py").write_text(GOOD)
    with pytest.raises(TaskDefinitionError, match=r"'tasks' is the name of a package of Lockstep"):
        load_tasks(Settings(tasks=("tasks.mine",)))


def test_tasks_are_loaded_anew_in_the_place_of_the_old(here: Path) -> None:
    (here / "own_part.py").write_text("NAME = 'alpha'\n")
    (here / "own_good.py").write_text(f"from own_part import NAME\n{GOOD}")
    settings = Settings(tasks=("own_good",))
    before = load_tasks(settings)
    assert set(own_modules()) >= {"own_good", "own_part"}
    (here / "own_part.py").write_text("NAME = 'another'\n")
    (here / "own_good.py").write_text(
        f"from own_part import NAME\n{GOOD.replace(chr(34) + 'alpha' + chr(34), 'NAME')}"
    )
    after = load_anew(settings)
    assert list(after) == ["another", "beta"]
    assert set(after.values()) == all_tasks
    assert after["beta"] is not before["beta"]
    assert load_tasks(settings) == after


def test_what_cannot_be_loaded_anew_leaves_all_as_it_was(here: Path) -> None:
    (here / "own_good.py").write_text(GOOD)
    settings = Settings(tasks=("own_good",))
    before, module = load_tasks(settings), sys.modules["own_good"]
    (here / "own_good.py").write_text(f"{GOOD}\nToDos(Services(), 'beta').schedule()\n")
    with pytest.raises(TaskDefinitionError, match="two tasks are named 'beta'"):
        load_anew(settings)
    assert sys.modules["own_good"] is module
    assert set(before.values()) == all_tasks
    assert load_tasks(settings) == before
