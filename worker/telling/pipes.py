"""Standard output that nobody reads any more: `head` ends after its lines, a pager when it is left."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: What a shell says of a program that SIGPIPE has ended, as it ends most of them.
NOT_READ = 141
_OUTPUT = 1


@contextmanager
def ended_by_its_reader() -> Iterator[None]:
    """End the process without a word where the block ends since nobody reads what it writes.

    Libraries that print end with 1 then, and one of them does so at any pipe: what was not about our output is raised.

    Raises:
        SystemExit: with `NOT_READ`.
        BrokenPipeError: it was another pipe or connection.
    """
    place = _place()
    try:
        try:
            yield
        except SystemExit as end:
            if isinstance(end.__context__, BrokenPipeError):
                raise end.__context__ from None
            _flush()
            raise
        _flush()
    except BrokenPipeError:
        if not _has_no_reader() and _place() == place:
            raise
        _lead_nowhere()
        raise SystemExit(NOT_READ) from None


def _flush() -> None:
    if sys.stdout is not None:  # it may be closed from the start
        sys.stdout.flush()


def _place() -> tuple[int, int] | None:
    """Where standard output leads: rich leads it elsewhere when its reader is gone."""
    with suppress(OSError):
        found = os.fstat(_OUTPUT)
        return found.st_dev, found.st_ino
    return None


def _has_no_reader() -> bool:
    poll = select.poll()
    poll.register(_OUTPUT, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


def _lead_nowhere() -> None:
    """Python writes what is left in its buffers at its very end."""
    nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    os.dup2(nowhere, _OUTPUT)
    os.close(nowhere)
