"""Names of tasks for the shell that completes a command line."""

from __future__ import annotations


def task_names(incomplete: str) -> list[str]:
    """The names that begin so. Tables of `lockstep.toml` are read alone, and modules only where it names some.

    A completion says nothing of what is wrong with them: the command itself does.
    """
    from config import SettingsError, get_settings
    from tasks.errors import TaskDefinitionError

    try:
        settings = get_settings()
        names = {str(table.get("name", "")) for table in (*settings.sync, *settings.node)}
        if settings.tasks:
            from tasks.registry import load_tasks

            names |= set(load_tasks(settings))
    except (SettingsError, TaskDefinitionError):
        return []
    return sorted(name for name in names if name and name.startswith(incomplete))
