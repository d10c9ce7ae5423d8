"""Modules of the user with names of ours, for the processes that look into the current directory first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.shadowed import PACKAGES, ROOT, shadowed

pytestmark = pytest.mark.processes

CELERY = (sys.executable, "-m", "celery", "-A", "worker", "beat")
WEB = (sys.executable, "-m", "worker.web", "--port", "0")
UP = (sys.executable, "-c", "from worker.cli import main; main(['up', '--no-flower', '--no-web'])")


def start(arguments: tuple[str, ...], directory: Path) -> subprocess.CompletedProcess[str]:
    """The process as an installation starts it, which finds our packages after what stands in its directory."""
    safe = {"PYTHONSAFEPATH": "1"} if arguments is UP else {}  # as the script `lockstep`
    env = {name: value for name, value in os.environ.items() if not name.startswith("LOCKSTEP_")}
    env |= {"PYTHONPATH": str(ROOT), "REDIS_URL": "redis://127.0.0.1:1/0", **safe}
    return subprocess.run(
        arguments, cwd=directory, env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (CELERY, "tasks"),
        (CELERY, "config"),
        (WEB, "tasks"),
        (WEB, "config"),
        *((UP, name) for name in PACKAGES),
    ],
)
@pytest.mark.parametrize("package", [False, True])
def test_one_line_says_what_collides(
    tmp_path: Path, arguments: tuple[str, ...], name: str, package: bool
) -> None:
    own = tmp_path / name if package else tmp_path / f"{name}.py"
    if package:
        own.mkdir()
    (own / "__init__.py" if package else own).write_text("raise ZeroDivisionError\n")
    done = start(arguments, tmp_path)
    (line,) = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert line.startswith(f"lockstep: {own} has the name of a package of Lockstep")
    assert f"such as my_{own.name}" in line
    assert done.returncode == 2


def test_a_directory_of_other_files_is_no_package_and_a_checkout_is_ours(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "nginx.conf").touch()
    assert shadowed([str(tmp_path), str(ROOT)]) is None
    assert shadowed([str(ROOT)]) is None
    assert shadowed([]) is None
    # Where our packages are found by a hook of the installation, which comes last, the bare directory is taken.
    told = shadowed([str(tmp_path)])
    assert told is not None
    assert told.startswith(f"{tmp_path / 'config'} has the name")
