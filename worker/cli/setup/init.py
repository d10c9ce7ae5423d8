"""`lockstep init`: asks for two services and what goes where, and writes it down as a task."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from config import get_settings
from config.sources import CONFIG_VARIABLE, toml_file
from tasks.errors import TaskDefinitionError
from tasks.mapping import Pair
from tasks.nearest import nearest
from tasks.registry import load_tasks
from tasks.schedule import read_period
from tasks.services.found import Found, service, services
from tasks.sides import End, Service, Side
from tasks.tables import ends
from tasks.tables.reading import read_table
from tasks.two_way import TwoWay
from worker.cli.doctor.doctor import examine_machine
from worker.cli.doctor.finding import State
from worker.cli.doctor.view import tell
from worker.cli.runs.run import plan, quiet_logging, run
from worker.cli.setup.asking import Asker, WrongAnswerError
from worker.cli.setup.end_asked import ChosenEnd, EndAsked
from worker.cli.setup.looking import PATIENCE, Seen, look
from worker.cli.setup.pairs import Offer
from worker.cli.setup.task_files import table_of, write
from worker.cli.setup.told import Told, parts_of
from worker.telling.exit_codes import ExitCode
from worker.telling.failures import CommandError
from worker.telling.numbers import some

#: The options that name the place of each end.
_PLACE_FLAGS = {End.LEFT: "--from-place", End.RIGHT: "--to-place"}
_EVERY = "5m"


def init(told: Told) -> ExitCode:
    """Ask, write the files, show the first plan, and carry it out where that is wanted.

    Raises:
        CommandError: something is not known and nobody is there to be asked, or Ctrl-C.
    """
    try:
        with _environment_kept() as toml:
            name = _SettingUp(told, Asker.on_terminal(interactive=told.interactive), toml).write()
    except (KeyboardInterrupt, EOFError, asyncio.CancelledError):
        raise CommandError("interrupted; nothing was written", ExitCode.INTERRUPTED) from None
    return _first_run(told, name)


@dataclass(frozen=True, slots=True)
class _SettingUp:
    told: Told
    asker: Asker
    #: The file in which the task is written.
    toml: Path

    def write(self) -> str:
        """Ask for all, and write the files; gives the task's name."""
        asker = self.asker
        names = set(load_tasks(get_settings()))  # says what is wrong with a file that is there
        quiet_logging(get_settings())
        found = services()
        left = self._service(self.told.left, "--from", found)
        asker.head(left.label)
        one = self._end(End.LEFT, _words(left.name, self.told.right)[0], left)
        _set(one.variables)
        right = self._right(found)
        words = _words(left.name, right.name)
        asker.head(right.label)
        one = replace(one, word=words[0])
        other = self._end(End.RIGHT, words[1], right)
        _set(other.variables)
        chosen = {End.LEFT: one, End.RIGHT: other}
        asker.head("What goes where")
        sides = {end: each.side() for end, each in chosen.items()}
        seen, pairs = asyncio.run(look(sides))
        self._tell_objects(seen)
        offer = Offer(seen, dict(zip(End, words, strict=True)))
        pairs = self._pairs(offer, pairs)
        asker.head("The task")
        name = self._name(one.title or other.title or f"{one.word}-{other.word}", names, sides)
        every = self._every()
        table = table_of(name, every, chosen, offer.written(pairs))
        read_table(table, found)
        write(self.asker, self.toml, table, chosen)
        return name

    def _service(self, name: str, flag: str, found: Mapping[str, Found]) -> Service:
        try:
            return service(name, found)
        except TaskDefinitionError as error:
            raise CommandError(f"{flag}: {error}") from None

    def _right(self, found: Mapping[str, Found]) -> Service:
        if self.told.right is not None:
            return self._service(self.told.right, "--to", found)
        self.asker.head("The other service")
        known = {}
        for name, one in found.items():
            try:
                known[name] = one.load()
            except TaskDefinitionError as error:
                self.asker.tell(str(error), style="dim")
        for name, loaded in known.items():
            self.asker.tell(f"{name:<16}{loaded.label}")

        def read(said: str) -> Service:
            if said not in known:
                raise WrongAnswerError(f"there is no service {said!r}: {nearest(said, known)}")
            return known[said]

        return self.asker.ask("Which service", f"--to, one of {', '.join(known)}", read)

    def _end(self, end: End, word: str, chosen: Service) -> ChosenEnd:
        given: dict[str, str] = {}
        plain = set()
        for said in self.told.said:
            whose, name, value, by_file = parts_of(said)
            alike = (word, end.value, *((chosen.name,) if word != ends.SAME[1] else ()))
            if whose in alike:
                given[name] = value
                if not by_file:
                    plain.add(name)
        place, flag = self.told.places[end], _PLACE_FLAGS[end]
        return EndAsked(self.asker, word, chosen, given, frozenset(plain), place, flag).ask()

    def _tell_objects(self, seen: Mapping[End, Seen]) -> None:
        for one in seen.values():
            many = (
                f"listing them takes more than {PATIENCE:.0f} s, so no values are shown"
                if one.objects is None
                else some(one.objects, "object")
            )
            self.asker.tell(f"{one.label}: {many}")

    def _pairs(self, offer: Offer, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
        try:
            for said in self.told.drops:
                pairs = offer.without(pairs, said)
            for said in self.told.pairs:
                pairs = offer.with_pair(pairs, said)
        except WrongAnswerError as error:
            raise CommandError(f"--map or --drop: {error}") from None
        if self.asker.interactive:
            return offer.ask(self.asker, pairs)
        refusal = offer.refusal(pairs)
        if refusal:
            raise CommandError(f"{refusal} (--map 'NAME = NAME')")
        offer.show(self.asker, pairs)
        return tuple(pairs)

    def _name(self, title: str, taken: set[str], sides: Mapping[End, Side]) -> str:
        def read(said: str) -> str:
            if said in taken:
                raise WrongAnswerError(f"there is a task {said!r} already: give another name")
            try:
                TwoWay(said, sides[End.LEFT], sides[End.RIGHT])
            except TaskDefinitionError as error:
                raise WrongAnswerError(str(error)) from None
            return said

        usual = re.sub(r"[^\w]+", "-", title.casefold()).strip("-") or "sync"
        usual = next(name for name in (usual, *(f"{usual}-{n}" for n in range(2, 1000))) if name not in taken)
        return self._said(self.told.name, "--name", "Its name", read, usual)

    def _every(self) -> str:
        def read(said: str) -> str:
            try:
                read_period(said)
            except ValueError as error:
                raise WrongAnswerError(str(error)) from None
            return said

        return self._said(
            self.told.every, "--every", "How often it runs, such as 30s, 5m or 1h", read, _EVERY
        )

    def _said(self, said: str | None, flag: str, text: str, read: Any, usual: str) -> str:
        """What an option says, what is usual where nobody is there, or an answer."""
        if said is None and self.asker.interactive:
            return str(self.asker.ask(text, flag, read, default=usual))
        try:
            return str(read(usual if said is None else said))
        except WrongAnswerError as error:
            raise CommandError(f"{flag}: {error}") from None


def _words(left: str, right: str | None) -> tuple[str, str]:
    """What the two ends are called in a table."""
    return ends.SAME if left == right else (left, right or "")


def _set(variables: Mapping[str, str]) -> None:
    """Let the sides see the answers, as they will see `.env`."""
    os.environ.update(variables)
    get_settings.cache_clear()


@contextmanager
def _environment_kept() -> Iterator[Path]:
    """Put the environment back at the end, and give the file that is to be written.

    One that `--config` names need not be there yet; until then an empty file stands for it.
    """
    before, target = dict(os.environ), toml_file()
    try:
        if not target.exists():
            os.environ[CONFIG_VARIABLE] = os.devnull
        get_settings.cache_clear()
        yield target
    finally:
        os.environ.clear()
        os.environ.update(before)
        get_settings.cache_clear()


def _first_run(told: Told, name: str) -> ExitCode:
    """Show what the first run would do, and make it where that is wanted."""
    asker = Asker.on_terminal(interactive=told.interactive)
    unwell = [finding for finding in examine_machine(get_settings()) if finding.state is not State.OK]
    if unwell:
        asker.head("What is not well here")
        for finding in unwell:
            tell(finding, asker.screen)
    asker.head("The first run")
    code = plan(name, as_json=False)
    apply = told.apply
    if apply is None and code is ExitCode.OK:
        apply = asker.confirm("Carry it out now?")
    if apply:
        code = run(name, as_json=False)
    else:
        asker.tell(f"lockstep run {shlex.quote(name)} carries it out.", indent=0)
    asker.tell("lockstep up keeps all tasks going.", indent=0)
    return code
