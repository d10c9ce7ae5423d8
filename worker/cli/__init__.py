"""The command line `lockstep`: a package for the commands that serve one thing, and what all of them share."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

#: That of `ExitCode`, which may not be there yet.
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command of `arguments`, or of the process, and exit with its code.

    A foreseeable error is one line on standard error. Any other is a fault of ours and keeps its traceback.
    """
    try:  # all of it takes a second, in which a person may think otherwise
        from worker.cli.app import app
        from worker.machine.collector import collect_seldom
        from worker.telling.pipes import ended_by_its_reader
        from worker.telling.signs import speak_plainly

        collect_seldom()
        speak_plainly(sys.stdout)
        speak_plainly(sys.stderr)
        with ended_by_its_reader():
            code = app(args=arguments, prog_name="lockstep", standalone_mode=True)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except Exception as error:
        code = _tell(error)
    sys.exit(int(code or 0))


def _tell(error: Exception) -> int:
    """Print a foreseeable error and give its exit code; print any other with its traceback. None with a secret."""
    from config.redaction import redacted
    from worker.telling.failures import explain

    explained = explain(error)
    if explained is None:
        sys.stderr.write(redacted("".join(traceback.format_exception(error))))
        return 1
    message, code = explained
    for line in redacted(message).splitlines():
        if sys.stderr.isatty():
            from worker.telling.screen import console, say

            say(f"lockstep: {line}", console(stderr=True))
        else:
            print(f"lockstep: {line}", file=sys.stderr)  # noqa: T201
    return int(code)
