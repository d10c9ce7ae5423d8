"""`lockstep prune`: drop what is old from the database now, as beat does it once a day."""

from __future__ import annotations

from config import get_settings
from worker.cli.bars import waiting
from worker.cli.context import open_store
from worker.cli.runs.run import in_loop, quiet_logging
from worker.lock import MemorySyncLock
from worker.machine.state_directory import node_lock
from worker.session.pruning import in_words, pruning_of
from worker.session.run import run_session
from worker.telling.exit_codes import OF_RUN, ExitCode
from worker.telling.screen import print_json, say


def prune(*, dry_run: bool, as_json: bool) -> ExitCode:
    """Drop what is older than the settings say, or only count it."""
    settings = get_settings()
    quiet_logging(settings)
    pruning = pruning_of(settings)
    with open_store(settings) as store, waiting("Pruning"):
        if dry_run:
            record = in_loop(run_session(pruning, store=store, lock=MemorySyncLock(), dry_run=True))
        else:
            with node_lock(settings, pruning.name) as lock:
                record = in_loop(run_session(pruning, store=store, lock=lock))
    if as_json:
        print_json(record.to_json())
        return OF_RUN[record.status]
    told = in_words(record.counts)
    match record.status:
        case "planned":
            say(f"Would be pruned: {told}.")
        case "succeeded":
            say(f"Pruned: {told}.")
        case _:
            say(f"{record.status}: {record.reason}")
    return OF_RUN[record.status]
