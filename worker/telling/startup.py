"""How a process of ours refuses to start."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from config.redaction import redacted
from worker.telling.failures import explain


@contextmanager
def refusing(*kinds: type[Exception]) -> Iterator[None]:
    """End the process with one line on standard error where a foreseeable error comes up in the block.

    Only errors of these kinds end it, if some are given; others are for the caller.

    Celery prints a traceback of every `Exception` that an application raises while it is loaded.

    Raises:
        SystemExit: with the exit code of the command line.
    """
    try:
        yield
    except Exception as error:
        told = explain(error) if not kinds or isinstance(error, kinds) else None
        if told is None:
            raise
        message, code = told
        sys.stderr.write("".join(f"lockstep: {line}\n" for line in redacted(message).splitlines()))
        raise SystemExit(int(code)) from None
