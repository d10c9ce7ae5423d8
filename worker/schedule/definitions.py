"""What the tasks are made of, as this process has read it; others can see where they have read something else."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path

from config import Settings
from config.redaction import redactor_for
from tasks.registry import PACKAGES
from tasks.scheduled import Scheduled
from worker.signs import Definition

#: Signs of a digest; enough to tell two versions of a file apart.
DIGEST = 16


def definitions(tasks: Iterable[Scheduled], settings: Settings) -> dict[str, Definition]:
    """Each task with its schedule and a digest of what it is made of, by name.

    That is its table of `lockstep.toml`, without what is secret in it, or else the text of the modules in which tasks
    are defined. The files of modules are read anew: call it right after the tasks were loaded.
    """
    redactor = redactor_for(settings)
    tables = {str(table.get("name")): redactor.value(table) for table in (*settings.sync, *settings.node)}
    read = cache(_text)  # many tasks are of one module
    modules = {name: read(name) for name in settings.tasks}
    made = {}
    for task in tasks:
        parts: list[object] = [tables[task.name]] if task.name in tables else [modules]
        own = type(task).__module__
        if own.partition(".")[0] not in PACKAGES and own not in modules:
            parts.append(read(own))
        text = json.dumps(parts, sort_keys=True, default=str)
        made[task.name] = Definition.of(task.plan_schedule, sha256(text.encode()).hexdigest()[:DIGEST])
    return made


def _text(module: str) -> str:
    """The source of a module; empty where it has none that can be read."""
    file = getattr(sys.modules.get(module), "__file__", None)
    try:
        return "" if file is None else Path(file).read_text("utf-8", "replace")
    except OSError:
        return ""
