"""What can go wrong around a run; each message names the thing and the mend."""

from __future__ import annotations

from tasks.errors import StateError, TaskError


class WorkerError(TaskError):
    """Base of all foreseen errors of the worker's own parts; shown without a traceback."""


class RedisUnavailableError(WorkerError):
    """Redis could not be reached or refused the command; nothing may be started that needs a lock."""


class BrokerUnavailableError(WorkerError):
    """A broker beside Redis could not be reached, or does not take messages; what is to be sent waits."""


class ServerStartError(WorkerError):
    """An embedded Redis server could not be started: no binary, a port in use, unreadable data."""


class StoreError(WorkerError, StateError):
    """The database cannot be reached, is too busy, or was made by another version."""
