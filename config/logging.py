"""Log lines as text or JSON, never with a secret in them."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from config.redaction import Redactor, redactor_for
from config.settings import Settings

#: Attributes that every record has; whatever else a record carries came in by `extra=`.
STANDARD_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

#: Libraries that report every step at INFO.
CHATTY = ("httpx", "httpcore", "notion_client", "urllib3", "alembic.runtime")


#: What moves the cursor, changes the terminal or begins a line.
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def visible(text: str) -> str:
    """`text` on one line, with signs for the terminal written out: names and values are other people's."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


class TextFormatter(logging.Formatter):
    """`2026-01-31 12:00:00,123 INFO worker.session.run: message`, then the traceback, indented, if there is one."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record in full, with its traceback, without secrets; only the record itself begins a line."""
        first = visible(self._redactor.text(super().formatMessage(self._told(record))))
        more = [self.formatException(record.exc_info)] if record.exc_info else []
        more += [self.formatStack(record.stack_info)] if record.stack_info else []
        lines = [line for part in more for line in self._redactor.text(part).splitlines()]
        return "\n".join([first, *(f"  {visible(line)}" for line in lines)])

    def _told(self, record: logging.LogRecord) -> logging.LogRecord:
        record.message = record.getMessage().rstrip()
        record.asctime = self.formatTime(record)
        return record


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, exception if any, and the extras by name."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record in full, with its traceback, without secrets."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = self.formatStack(record.stack_info)
        for name, value in vars(record).items():
            if name not in STANDARD_ATTRIBUTES:
                entry.setdefault(name, value)
        # Whatever JSON has no form for becomes text first, so that it is searched for secrets too.
        plain = json.loads(json.dumps(entry, default=str, skipkeys=True))
        return json.dumps(self._redactor.value(plain), ensure_ascii=False)


def configure_logging(
    settings: Settings, *, level: str | int | None = None, stream: TextIO | None = None
) -> logging.Handler:
    """Send all log lines of this process to one stream in the format of the settings.

    Handlers that were on the root logger are taken off, so it may be called again.

    Args:
        settings: give level and format, and the secrets to look for.
        level: comes before `settings.log_level`, for a level given on a command line.
        stream: standard error if not given.

    Returns:
        The handler now in place.
    """
    redactor = redactor_for(settings)
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        JsonFormatter(redactor) if settings.log_format == "json" else TextFormatter(redactor)
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level or settings.log_level)
    for name in CHATTY:
        # DEBUG is asked for when something is searched: then all of it is wanted.
        logging.getLogger(name).setLevel(logging.NOTSET if root.level <= logging.DEBUG else logging.WARNING)
    logging.captureWarnings(capture=True)
    return handler
