"""`lockstep migrate`: bring the database up to this version, before the processes of this version are started."""

from __future__ import annotations

from contextlib import ExitStack

from config import get_settings
from worker.cli.bars import waiting
from worker.cli.context import open_store
from worker.store.migrating import newest_version
from worker.telling.exit_codes import ExitCode
from worker.telling.screen import say


def migrate() -> ExitCode:
    """Make the tables of this version, or change those of an older one into them.

    Raises:
        StoreError: the database cannot be used, or a newer version of Lockstep made it.
    """
    with ExitStack() as stack:
        with waiting("Making the tables"):
            store = stack.enter_context(open_store(get_settings()))
        say(f"The database {store.address} has the tables of version {newest_version()}.")
    return ExitCode.OK
