"""`lockstep logs`: what the processes of `lockstep up` have said."""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from config import Settings, get_settings
from config.logging import visible
from config.redaction import redacted
from worker.cli.context import known_task, open_store
from worker.cli.runs.history import begin_of
from worker.machine.kept_lines import Follower, KeptLine, file_of, lines_in
from worker.machine.state_directory import up_is_running
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.screen import console, moment, print_json, say

#: From the least to the most urgent.
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
#: Seconds between two looks at the file.
EVERY = 0.5

_TEXT = re.compile(rf"\d{{4}}-\d\d-\d\d \S+ ({'|'.join(LEVELS)}) ")


@dataclass(frozen=True, slots=True)
class Shown:
    """A line with the level of the message that it belongs to; none where it belongs to no message."""

    at: datetime
    process: str
    level: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines are asked for."""

    task: re.Pattern[str] | None
    since: datetime | None
    level: str | None

    def of(self, lines: Iterable[KeptLine]) -> Iterator[Shown]:
        """Those of them. A line that begins no message, as in a traceback, goes with that of its process before it."""
        levels: dict[str, str | None] = {}
        named: dict[str, bool] = {}
        for line in lines:
            if (begun := level_of(line.text)) is not None:
                levels[line.process] = begun
                named[line.process] = False
            level = levels.get(line.process)
            if self.task is not None and self.task.search(line.text):
                named[line.process] = True
            if self.task is not None and not named.get(line.process, False):
                continue
            if self.since is not None and line.at < self.since:
                continue
            if self.level is not None and (level is None or LEVELS.index(level) < LEVELS.index(self.level)):
                continue
            yield Shown(line.at, line.process, level, line.text)


def logs(
    name: str | None, *, since: str | None, follow: bool, level: str | None, limit: int, as_json: bool
) -> ExitCode:
    """Show the newest lines that are asked for, and with `follow` those that come, until Ctrl-C.

    Raises:
        CommandError: no lines are kept here, or what is asked for does not exist.
    """
    settings = get_settings()
    path = file_of(settings.state_dir)
    wanted = Wanted(_of_task(name, settings), begin_of(since), _level(level))
    running = up_is_running(settings)
    if not path.exists() and not (follow and running):
        raise CommandError(
            f"no lines are kept in {path.parent}, where `lockstep up` keeps those of its processes. What systemd "
            "starts is shown by journalctl --unit='lockstep-*' (--follow), and what compose starts by docker compose "
            "logs (--follow). Other processes say it on their standard error",
            ExitCode.SKIPPED,
        )
    if not running:
        say("No `lockstep up` runs here now: these are lines of earlier ones.", console(stderr=True))
    follower = Follower(path) if follow else None
    shown = list(deque(wanted.of(lines_in(path)), maxlen=limit))
    if as_json:
        print_json([asdict(line) | {"text": redacted(line.text)} for line in shown])
        return ExitCode.OK
    _print(shown)
    if follower is not None:
        _follow(follower, wanted)
    return ExitCode.OK


def _follow(follower: Follower, wanted: Wanted) -> None:
    try:
        while True:
            _print(wanted.of(follower.more()))
            time.sleep(EVERY)
    except KeyboardInterrupt:
        return


def _print(lines: Iterable[Shown]) -> None:
    screen = console()
    for line in lines:
        text = visible(redacted(line.text))
        screen.print(
            f"{moment(line.at)} {line.process:<6} | {text}",
            soft_wrap=True,
            style=_STYLES.get(line.level or ""),
        )


_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}


def level_of(text: str) -> str | None:
    """The level of the message that a line begins, in either form of log lines; `None` where it begins none."""
    if found := _TEXT.match(text):
        return found[1]
    if text.startswith("Traceback "):  # nobody caught it
        return "ERROR"
    if not text.startswith("{"):
        return None
    try:
        said: Any = json.loads(text).get("level")
    except ValueError:
        return None
    return said if said in LEVELS else None


def _of_task(name: str | None, settings: Settings) -> re.Pattern[str] | None:
    """Lines that name a task, which is known.

    Raises:
        CommandError: it is not.
    """
    if name is None:
        return None
    with open_store(settings) as store:
        known_task(name, settings, store)
    return re.compile(rf"(?<![\w.-])(?:sync\.)?{re.escape(name)}(?![\w-])")


def _level(said: str | None) -> str | None:
    if said is None or said.upper() in LEVELS:
        return said and said.upper()
    raise CommandError(f"--level {said!r}: use one of {', '.join(LEVELS)}")
