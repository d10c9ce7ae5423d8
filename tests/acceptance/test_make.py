"""`make` on a machine that has an older Python only: it says what is needed and where to name it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here"),
]


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make` with nothing on the PATH but a shell and a `python3` of 3.10."""
    programs = directory / "bin"
    programs.mkdir()
    for name in ("sh", "make", "touch"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    old = programs / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.13 && exit 0\nexit 1\n')
    old.chmod(0o755)
    shutil.copy(MAKEFILE, directory)
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (directory / name).touch()
    return subprocess.run(
        [programs / "make", *arguments],
        cwd=directory,
        env={"PATH": str(programs), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "found", "goal"),
    [
        (("demo",), "python3 is Python 3.10.13", "demo"),
        (("up",), "python3 is Python 3.10.13", "up"),
        (("test",), "python3 is Python 3.10.13", "test"),
        ((), "python3 is Python 3.10.13", "demo"),
        (("up", "PYTHON=python3"), "python3 is Python 3.10.13", "up"),
        (("up", "PYTHON=/nowhere/python"), "/nowhere/python is not to be had", "up"),
    ],
)
def test_an_older_python_is_told(tmp_path: Path, arguments: tuple[str, ...], found: str, goal: str) -> None:
    done = make(tmp_path, *arguments)
    first = done.stderr.splitlines()[0]
    assert first == (
        f"make: Python 3.11 or newer is needed; {found}. "
        f"Say where a newer one is: make {goal} PYTHON=/path/to/python3.12"
    )
    assert done.returncode == 2
    assert not (tmp_path / ".venv").exists()
