"""Watching the files in which tasks are defined, from a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import Settings, SettingsError, load_settings
from config.redaction import know, redacted
from tasks.errors import TaskError
from tasks.scheduled import Scheduled
from worker.reload.check import refusal
from worker.reload.files import watched
from worker.signs import Definition

log = logging.getLogger(__name__)

#: Seconds between two looks at the files. What has changed is read when it is the same at two looks in a row.
LOOK = 5.0
#: Settings that say which tasks there are; others count when a process starts.
OF_TASKS = ("sync", "node", "tasks")


@dataclass(frozen=True, slots=True)
class News:
    """The tasks as they are defined by now."""

    tasks: list[Scheduled]
    definitions: Mapping[str, Definition]


class Watch:
    """Looks at the files, and has what changed in them for whoever asks."""

    def __init__(
        self,
        settings: Settings,
        load: Callable[[Settings], News],
        read_from: Mapping[Path, str],
        *,
        look: float = LOOK,
        refused_by: Callable[[], str] = refusal,
        on_news: Callable[[News], None] | None = None,
    ) -> None:
        """`settings` are those with which the process has started, and read its tasks.

        Args:
            settings: with them the process started.
            load: reads the tasks that settings name in this process.
            read_from: the files from which it read its tasks, as they were then.
            look: seconds between two looks.
            refused_by: finds out what is wrong with the files, without reading them here.
            on_news: called in the thread of the watch with what changed; without it, `news` has it until it is `taken`.
        """
        self._settings = settings
        self._load = load
        self._look = look
        self._refused_by = refused_by
        self._on_news = on_news
        self._stop = threading.Event()
        self._read = self._seen = read_from
        self._told_others: set[str] = set()
        #: What changed and is to be taken over.
        self.news: News | None = None
        #: Why what changed is not.
        self.refused = ""
        self._thread = threading.Thread(target=self._work, name="watch of tasks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Watch no more; a look that goes on ends by itself."""
        self._stop.set()

    def taken(self, news: News) -> None:
        """That was taken over; what came meanwhile waits."""
        if self.news is news:
            self.news = None

    def told(self) -> dict[str, Any]:
        """What a sign of life says of it."""
        return {"reloads": True, "refused": self.refused}

    def _work(self) -> None:
        while not self._stop.wait(self._look):
            try:
                self.look()
            except Exception:
                # Whatever fails here must end neither the watch nor the process.
                log.exception("The files in which tasks are defined cannot be looked at.")

    def look(self) -> None:
        """Look at the files once; read them if they have changed, and do so no more."""
        seen, before = watched(self._settings.tasks), self._seen
        self._seen = seen
        if seen == self._read:
            if self.refused:
                log.warning("The tasks are defined as before again; nothing had been taken over meanwhile.")
            self.refused = ""
            return
        if seen != before or self._stop.is_set():
            return
        self._read_anew(seen)

    def _read_anew(self, seen: Mapping[Path, str]) -> None:
        told = self._refused_by()
        news = None
        if not told:
            try:
                news = self._load_anew()
            except (TaskError, SettingsError) as error:
                told = redacted(str(error))
        if news is None:
            if told != self.refused:
                log.error("The tasks have changed, but are refused, and the old ones go on: %s", told)
            self.refused = told
            return
        # The modules that were imported may be other ones by now.
        self._seen = watched(self._settings.tasks)
        self._read = {path: seen.get(path, digest) for path, digest in self._seen.items()}
        self.refused = ""
        if self._on_news is not None:
            self._on_news(news)
        else:
            self.news = news

    def _load_anew(self) -> News:
        fresh = load_settings()
        self._tell_others(fresh)
        settings = self._settings.model_copy(update={name: getattr(fresh, name) for name in OF_TASKS})
        know(settings)
        news = self._load(settings)
        self._settings = settings
        return news

    def _tell_others(self, fresh: Settings) -> None:
        names = [name for name in type(fresh).model_fields if name not in OF_TASKS]
        others = {name for name in names if getattr(fresh, name) != getattr(self._settings, name)}
        if others - self._told_others:
            log.warning(
                "Settings have changed as well: %s. They count when this process is started again.",
                ", ".join(sorted(others)),
            )
        self._told_others = others
