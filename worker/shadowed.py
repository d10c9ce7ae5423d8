"""Files of the user that Python would load in place of our packages. Imports nothing of ours, which may be shadowed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

PACKAGES = ("config", "sandbox", "tasks", "worker")
ROOT = Path(__file__).resolve().parents[1]


def shadowed(path: Sequence[str]) -> str | None:
    """One line about the first of our packages that a process with this path to modules would not find."""
    for name in PACKAGES:
        found = _place(PathFinder.find_spec(name, path))
        if found is not None and found.resolve() not in (ROOT / name, ROOT / name / "__init__.py"):
            return (
                f"{found} has the name of a package of Lockstep and would be loaded in its place: give it another "
                f"name, such as my_{found.name}" + (", and name that in LOCKSTEP_TASKS" * (name == "tasks"))
            )
    return None


def refuse_shadowed() -> None:
    """End a process that has found other packages than ours.

    Raises:
        SystemExit: with the exit code of the command line; standard error has one line about it.
    """
    told = None if {"config", "tasks"} <= sys.modules.keys() else shadowed(sys.path)
    if told is not None:
        sys.stderr.write(f"lockstep: {told}\n")
        raise SystemExit(2)


def _place(spec: ModuleSpec | None) -> Path | None:
    """The file of a module or the directory of a package; `None` where only a hook of the installation knows."""
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None
