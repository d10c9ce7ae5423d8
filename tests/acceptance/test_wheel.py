"""Installation without a checkout: the wheel, in an empty environment, has all that it needs and works there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.notion import Sandbox
from tests.worker.cli.setup.conftest import TOKEN, Notion

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "sandbox", "tasks", "worker")
BUILD = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
pytestmark = [pytest.mark.processes, pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built of a copy, so that nothing is left in the checkout."""
    copy, built = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    subprocess.run(
        [sys.executable, "-c", BUILD, built], cwd=copy, check=True, capture_output=True, timeout=200
    )
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with nothing of ours but the wheel; what that depends on comes from the one of the tests."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


def lockstep(
    installed: Path, here: Path, *arguments: str, timeout: float = 60, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command that the wheel's metadata names."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["lockstep"]
    module, _, function = named.partition(":")
    ours = ("LOCKSTEP_", "REDIS_", "DATABASE_", "NOTION_", "CALDAV_", "SENTRY_", "FLOWER_", "PYTHON")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [installed / "bin/python", "-c", f"from {module} import {function}; {function}()", *arguments],
        cwd=here,
        env={**clean, "COLUMNS": "200", "NO_COLOR": "1", "HOME": str(here), **variables},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def test_every_file_of_the_packages_is_in_it(wheel: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", *PACKAGES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    tracked = set(listed.stdout.split()) or {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*.*")
        if "__pycache__" not in path.parts
    }
    assert len(tracked) > 500
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert tracked - names == set()


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    code = (
        "import worker, importlib.metadata as m; "
        "print(worker.__file__, m.distribution('lockstep-sync').locate_file(''))"
    )
    done = subprocess.run(
        [installed / "bin/python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(Path(found).is_relative_to(installed) for found in done.stdout.split())


@pytest.fixture
def notion(tmp_path: Path) -> Iterator[Notion]:
    with Sandbox(tmp_path / "notion.db") as sandbox:
        workspace = Notion(sandbox.url)
        workspace.database("To-dos", "Water the plants")
        yield workspace


def test_a_first_object_is_synced(installed: Path, notion: Notion, tmp_path: Path) -> None:
    here = tmp_path / "here"
    (here / "notes").mkdir(parents=True)
    options = ("init", "--to", "markdown", "--set", "markdown.folder=notes", "--apply")
    done = lockstep(installed, here, *options, NOTION_TOKEN=TOKEN, NOTION_BASE_URL=notion.url)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (here / "notes").glob("*.md")] == ["Water the plants.md"]


def test_the_demo(installed: Path, tmp_path: Path) -> None:
    done = lockstep(installed, tmp_path, "demo", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The demo took" in done.stdout
