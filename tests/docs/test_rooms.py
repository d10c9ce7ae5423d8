"""The house is as it is drawn: every package has a door sign and is watched, and what is general names no service."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import ROOT

CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = CONFIG["tool"]["importlinter"]
PRODUCT = ("config", "sandbox", "tasks", "worker")
#: Alembic loads its scripts by their paths.
SCRIPTS = ROOT / "worker/store/migrations"
#: How deep import-linter looks below an ancestor where nothing is said.
DEPTH = 10


def contract(name: str) -> dict[str, Any]:
    (found,) = (one for one in LINTER["contracts"] if one["name"] == name)
    return dict(found)


def folders(*names: str) -> list[Path]:
    """Every folder with modules in it."""
    found = {path.parent for name in names for path in (ROOT / name).rglob("*.py")}
    return sorted(folder for folder in found if not folder.is_relative_to(SCRIPTS))


def test_every_package_is_looked_at_for_circles() -> None:
    assert {
        name.removesuffix("*") for name in CONFIG["tool"]["setuptools"]["packages"]["find"]["include"]
    } == {*PRODUCT}
    assert sorted(LINTER["root_packages"]) == sorted(PRODUCT)
    circles = contract("no circles")
    assert circles.keys() == {"name", "type", "ancestors"}, "nothing is left out"
    assert sorted(circles["ancestors"]) == sorted(PRODUCT)
    packages = folders(*PRODUCT)
    assert len(packages) > 50
    assert [folder for folder in packages if not (folder / "__init__.py").exists()] == [], (
        "seen as no package"
    )
    assert max(len(folder.relative_to(ROOT).parts) for folder in packages) <= DEPTH


def test_no_service_is_known_to_the_worker_unsaid() -> None:
    services = {
        f"tasks.services.{folder.name}" for folder in folders("tasks/services")[1:] if is_child(folder)
    }
    assert set(contract("worker knows no particular service")["forbidden_modules"]) == services


def is_child(folder: Path) -> bool:
    return folder.parent == ROOT / "tasks/services"


@pytest.mark.parametrize("room", ["engine", "journal", "mapping", "merge"])
def test_what_is_general_names_no_service(room: str) -> None:
    paths = sorted((ROOT / "tasks" / room).rglob("*.py"))
    assert len(paths) > 3
    named = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"notion|caldav|google|github", line, re.IGNORECASE)
    ]
    assert named == []


@pytest.mark.parametrize("name", [*PRODUCT, "bench", "proof"])
def test_every_package_says_what_it_is(name: str) -> None:
    signs = {
        path: ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert [path for path, sign in signs.items() if not sign or len(sign.split()) < 4] == []


@pytest.mark.parametrize("house", ["tasks", "worker", "sandbox"])
def test_every_room_is_drawn(house: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = [folder.name for folder in folders(house) if folder.parent == ROOT / house]
    assert rooms
    assert [room for room in rooms if f"{room}/" not in page] == []
