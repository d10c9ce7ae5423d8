"""Writes the package of a service: its side, its table, its entry point and the test that holds it to the contract."""

from __future__ import annotations

import keyword
import os
import re
import shlex
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from tasks.services.found import RESERVED, services
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import say

#: Files that are written, by what is read for them. `NAME` stands for the service's name.
_FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "package.py": "lockstep_NAME/__init__.py",
    "service.py": "lockstep_NAME/service.py",
    "side.py": "lockstep_NAME/side.py",
    "store.py": "lockstep_NAME/store.py",
    "typed": "lockstep_NAME/py.typed",
    "test.py": "test_NAME.py",
}


def new_service(name: str, folder: Path | None) -> ExitCode:
    """Write the package of a service called `name`.

    Args:
        name: as tables of `lockstep.toml` are to name it.
        folder: where the package is written; `lockstep-NAME` by default.

    Raises:
        CommandError: the name cannot be used, there is something in the folder, or it cannot be written.
    """
    _check(name)
    target = folder or Path(f"lockstep-{name.replace('_', '-')}")
    contents = render(name)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise CommandError(
                f"there is something in {target}: give another folder with --dir", ExitCode.USAGE
            )
        for path, content in contents.items():
            file = target / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(content, encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"the package cannot be written to {target} ({error.strerror or error})", ExitCode.USAGE
        ) from error
    for path in contents:
        say(f"{target / path}")
    place = shlex.quote(f"{target}{os.sep}")
    say(f"It works as it is, on a JSON file: put your service in its place, in lockstep_{name}/store.py.")
    for step, why in (
        (f"python -m pytest {place}", "holds the side to its contract"),
        (f"pip install --editable {place}", "makes it known to Lockstep"),
        (f"lockstep services {name}", "shows it"),
    ):
        say(f"  {step}  # {why}")
    return ExitCode.OK


def render(name: str) -> dict[str, str]:
    """The files of the package by their paths."""
    words = {
        "name": name,
        "distribution": f"lockstep-{name.replace('_', '-')}",
        "package": f"lockstep_{name}",
        "words": name.replace("_", " "),
        "class_name": "".join(part.capitalize() for part in name.split("_")),
    }
    folder: Traversable = files("worker.cli.new") / "template"
    return {
        path.replace("NAME", name): Template(
            (folder / f"{source}.template").read_text(encoding="utf-8")
        ).substitute(words)
        for source, path in _FILES.items()
    }


def _check(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise CommandError(
            f"{name!r} is no name for a service: take small letters, digits and single underscores, such as shelf",
            ExitCode.USAGE,
        )
    if name in RESERVED:
        raise CommandError(
            f"{name!r} is a word of lockstep.toml itself: give your service another name", ExitCode.USAGE
        )
    if name in services():
        raise CommandError(f"there is a service {name!r} already: give yours another name", ExitCode.USAGE)
