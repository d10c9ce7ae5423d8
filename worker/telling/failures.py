"""Foreseeable errors as one line for a person and an exit code for a script."""

from __future__ import annotations

import errno

from config import SettingsError
from tasks.errors import TaskDefinitionError, TaskError
from worker.errors import BrokerUnavailableError, RedisUnavailableError, ServerStartError, StoreError
from worker.telling.exit_codes import ExitCode

_OF_A_FILE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_MENDS = {
    **dict.fromkeys(_OF_A_FILE, "see that this user may read and write it"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room where it is written"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "let more files be open (ulimit -n)"),
}


class CommandError(Exception):
    """A command cannot do what was asked; the message says why and what to do."""

    def __init__(self, message: str, code: ExitCode = ExitCode.USAGE) -> None:
        super().__init__(message)
        self.code = code


def explain(error: BaseException) -> tuple[str, ExitCode] | None:
    """The message and exit code of a foreseeable error; `None` for any other, which is a fault of ours."""
    if isinstance(error, CommandError):
        return str(error), error.code
    if isinstance(error, SettingsError | TaskDefinitionError):
        return str(error), ExitCode.USAGE
    if isinstance(error, BrokerUnavailableError | RedisUnavailableError | ServerStartError | StoreError):
        return str(error), ExitCode.UNAVAILABLE
    if isinstance(error, TaskError):
        from worker.lock import NodeBusyError

        return str(error), ExitCode.SKIPPED if isinstance(error, NodeBusyError) else ExitCode.FAILED
    return _explain_library(error)


def _explain_library(error: BaseException) -> tuple[str, ExitCode] | None:
    """Errors of the library that talks to Redis, in our words."""
    import redis.exceptions

    if isinstance(error, redis.exceptions.RedisError):
        return f"Redis: {error}; is the server of REDIS_URL running?", ExitCode.UNAVAILABLE
    return _explain_machine(error) if isinstance(error, OSError) else None


def _explain_machine(error: OSError) -> tuple[str, ExitCode] | None:
    """What a machine refuses; where that is about a file, only if it is known which."""
    mend = _MENDS.get(error.errno or 0)
    if mend is None or (error.errno in _OF_A_FILE and not error.filename):
        return None
    what = f"{error.filename}: " if error.filename else ""
    return f"{what}{error.strerror}: {mend}", ExitCode.UNAVAILABLE
