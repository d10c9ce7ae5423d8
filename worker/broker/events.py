"""What Flower and others are told of runs: everybody who reads Redis can read it, so no secret is in it."""

from __future__ import annotations

from typing import Any

from celery.app import events
from celery.events.dispatcher import EventDispatcher

from config.redaction import redacted

#: Fields of an event that hold what an error or a task says.
TOLD = ("exception", "traceback", "result", "args", "kwargs")


class Dispatcher(EventDispatcher):
    """Sends events without secrets."""

    def send(self, type: str, *arguments: Any, **fields: Any) -> Any:
        """As Celery's."""
        told = {name: redacted(str(fields[name])) for name in TOLD if fields.get(name) is not None}
        return super().send(type, *arguments, **{**fields, **told})


class Events(events.Events):
    """Celery's, with the dispatcher above."""

    dispatcher_cls = "worker.broker.events:Dispatcher"
