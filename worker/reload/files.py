"""The files in which the tasks of this process are defined."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from config.sources import toml_file
from tasks.registry import own_modules


def watched(modules: Iterable[str]) -> Mapping[Path, str]:
    """Each file with a digest of what is in it; empty where it is not there.

    That is `lockstep.toml`, or the file that is named in its place, and the modules that are named or were imported
    from this directory.
    """
    paths = {toml_file().absolute(), *own_modules().values()}
    for name in modules:
        if name not in sys.modules:  # one that could not be found, and may come
            paths.add(Path(*name.split(".")).with_suffix(".py").absolute())
    return {path: _digest(path) for path in sorted(paths)}


def _digest(path: Path) -> str:
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
