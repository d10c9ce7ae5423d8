"""Finding the tasks: modules named in the settings, and tables of `lockstep.toml`."""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from config import Settings
from tasks.errors import TaskDefinitionError
from tasks.linked_tasks import check_links
from tasks.scheduled import Scheduled, all_tasks
from tasks.tables import declare

#: Ours, beside which no module of the user may have the same name.
PACKAGES = frozenset({"config", "sandbox", "tasks", "worker"})
ROOT = Path(__file__).resolve().parents[1]
#: Names already declared from tables in this process, so that a second call changes nothing.
_declared: set[str] = set()


def load_tasks(settings: Settings) -> dict[str, Scheduled]:
    """All scheduled tasks by name: those of `LOCKSTEP_TASKS` and those of `[[sync]]` and `[[node]]` tables.

    Raises:
        TaskDefinitionError: a module cannot be imported, or a table or a task is wrong.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    for module in settings.tasks:
        _import(module)
    fresh = [table for table in settings.sync if table.get("name") not in _declared]
    if fresh:
        _declared.update(task.name for task in declare(fresh))
    nodes = [table for table in settings.node if table.get("name") not in _declared]
    if nodes:
        from tasks.node_task import declare_nodes

        declare_nodes(nodes)
        _declared.update(str(table.get("name")) for table in nodes)
    check_links(all_tasks)
    return {task.name: task for task in sorted(all_tasks, key=lambda task: task.name)}


def load_anew(settings: Settings) -> dict[str, Scheduled]:
    """All scheduled tasks by name, from the files as they are now, in the place of those that were loaded before.

    Modules that were imported from this directory are imported again. Where that fails, all is as it was. Tasks that
    run go on as the objects that they are.

    Raises:
        TaskDefinitionError: as `load_tasks`.
    """
    modules = {name: sys.modules[name] for name in own_modules()}
    tasks, declared = set(all_tasks), set(_declared)
    all_tasks.clear()
    _declared.clear()
    for name in modules:
        del sys.modules[name]
    importlib.invalidate_caches()
    try:
        with _from_source():
            return load_tasks(settings)
    except BaseException:
        for name in own_modules():
            del sys.modules[name]
        sys.modules.update(modules)
        all_tasks.clear()
        all_tasks.update(tasks)
        _declared.clear()
        _declared.update(declared)
        raise


@contextmanager
def _from_source() -> Iterator[None]:
    """Import from the text of modules: compiled ones pass for current if it changed within a second by no byte."""
    before = sys.pycache_prefix
    with tempfile.TemporaryDirectory(prefix="lockstep-") as empty:
        sys.pycache_prefix = empty
        try:
            yield
        finally:
            sys.pycache_prefix = before


def own_modules() -> dict[str, Path]:
    """The modules that were imported from this directory, without those of packages that are installed in it."""
    here = str(Path.cwd())
    found = {}
    for name, module in tuple(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is None or name == "__main__" or name.partition(".")[0] in PACKAGES:
            continue
        path = _own(file, here)
        if path is not None:
            found[name] = path
    return found


@cache
def _own(file: str, here: str) -> Path | None:
    """The path of a module of this directory; kept, as it is asked for a thousand modules every few seconds."""
    path = Path(file)
    own = path.is_relative_to(here) and not _is_installed(path.relative_to(here))
    return path if own else None


def _is_installed(path: Path) -> bool:
    return any(part in {"site-packages", "dist-packages"} or part.startswith(".") for part in path.parts)


def _import(module: str) -> None:
    _refuse_taken(module)
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise TaskDefinitionError(
                f"LOCKSTEP_TASKS names {module!r}, but there is no such module; it is looked for in "
                "this directory and among the installed packages"
            ) from None
        raise TaskDefinitionError(
            f"module {module!r} of LOCKSTEP_TASKS needs {error.name!r}, which is missing"
        ) from error
    except TaskDefinitionError as error:
        raise TaskDefinitionError(f"module {module!r} of LOCKSTEP_TASKS: {error}") from error
    except (Exception, SystemExit) as error:
        raise TaskDefinitionError(
            f"module {module!r} of LOCKSTEP_TASKS cannot be imported: {type(error).__name__}: {error}"
        ) from error


def _refuse_taken(module: str) -> None:
    """See to it that the name leads to what the user wrote.

    Raises:
        TaskDefinitionError: it is that of a module which is loaded already or comes with Python: that one would be
            taken without a word, and no task be found.
    """
    top = module.partition(".")[0]
    own = next((path for path in (Path(top, "__init__.py"), Path(f"{top}.py")) if path.is_file()), None)
    if top in PACKAGES and (own is None or not own.samefile(ROOT / top / "__init__.py")):
        taken = "a package of Lockstep"
    elif own is not None and top in sys.stdlib_module_names:
        taken = "a module of Python"
    elif own is not None and not _is_loaded_from(top, own):
        taken = "an installed package"
    else:
        return
    shown = own.parent if own is not None and own.name == "__init__.py" else Path(f"{top}.py")
    raise TaskDefinitionError(
        f"LOCKSTEP_TASKS names {module!r}, but {top!r} is the name of {taken}: give your {shown} another name, "
        f"such as my_{shown.name}, and write {'my_' + module!r}"
    )


def _is_loaded_from(top: str, own: Path) -> bool:
    file = getattr(sys.modules.get(top), "__file__", None)
    return file is None or (Path(file).exists() and own.samefile(file))
