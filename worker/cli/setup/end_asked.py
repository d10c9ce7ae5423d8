"""One end of a sync, as the answers make it: its service, the login, and the place."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, SecretStr, ValidationError

from config import get_settings
from tasks.errors import TaskError
from tasks.services.options import TableOption, options_of
from tasks.sides import Place, Question, Service, SetUp, Side
from tasks.tables import mistakes
from worker.cli.setup.asking import Asker, WrongAnswerError, place_of
from worker.telling.failures import CommandError


@dataclass(frozen=True, slots=True)
class ChosenEnd:
    """An end that was chosen."""

    #: What messages and tables call it: the service, or `first` and `second`.
    word: str
    service: Service
    #: What the service's table says.
    options: Mapping[str, Any]
    #: What people call the place; empty where it was not chosen from a list.
    title: str
    #: Variables that it needs, by name.
    variables: Mapping[str, str] = field(repr=False)

    def side(self) -> Side:
        """The side.

        Raises:
            CommandError: the options do not fit.
        """
        return self.service.make(_read(self.service.table, self.options, self.word))


@dataclass(frozen=True, slots=True)
class EndAsked:
    """One end that is being asked for."""

    asker: Asker
    word: str
    service: Service
    #: What options say: keys of the table, variables and words of the set-up.
    given: Mapping[str, str]
    #: Which of them stand on the command line as they are.
    plain: frozenset[str]
    #: The place, by its title or number, where an option says it.
    place: str | None
    #: The option that would say it.
    place_flag: str

    def ask(self) -> ChosenEnd:
        """Log in, and choose a place.

        Raises:
            CommandError: nobody is there to be asked, or an option does not fit.
            TaskError: the service refuses, and nobody is there to answer anew.
        """
        self._refuse_unknown()
        options = {one.name: self.given[one.name] for one in self._known if one.name in self.given}
        variables = {name: value for name, value in self.given.items() if name.isupper()}
        title, set_up = "", self.service.set_up
        if set_up is not None and not self._is_whole(options):
            chosen, variables = self._chosen(set_up, variables)
            # What was only asked for on the way, such as a server, is said by the place already.
            asked = {one.name for one in set_up.questions(self.given)}
            more = {name: value for name, value in options.items() if name not in asked}
            title, options = chosen.title, {**chosen.options, **more}
        elif set_up is not None:
            questions = [one for one in set_up.questions(self._answers(variables)) if one.name.isupper()]
            variables = {**variables, **self._answered(questions, variables)}
        for option in self._known:
            if option.required and option.name not in options:
                options[option.name] = self._option(option)
        _read(self.service.table, options, self.word)
        return ChosenEnd(self.word, self.service, options, title, variables)

    @property
    def _known(self) -> Sequence[TableOption]:
        return options_of(self.service.table)

    def _is_whole(self, options: Mapping[str, Any]) -> bool:
        """Whether options say all that a table has to; a table that may be empty is asked for all the same."""
        required = [one.name for one in self._known if one.required]
        return bool(required) and all(name in options for name in required)

    def _refuse_unknown(self) -> None:
        words = [one.name for one in self._known]
        if self.service.set_up is not None:
            words += [one.name for one in self.service.set_up.questions(self.given)]
        for name in self.given:
            if not name.isupper() and name not in words:
                raise CommandError(f"--set {self.word}: {mistakes.unknown(name, words)}")

    def _chosen(self, set_up: SetUp, variables: dict[str, str]) -> tuple[Place, dict[str, str]]:
        """A place out of those that the login can see; a login that is refused is asked for anew."""
        wrong: Mapping[str, str] = {}
        while True:
            questions = set_up.questions(self._answers(variables))
            answered = self._answered(questions, variables, wrong)
            kept = {**variables, **{name: said for name, said in answered.items() if name.isupper()}}
            try:
                places = in_loop(set_up.places, self._answers({**kept, **answered}), self.asker.tell)
                return self._place(set_up, places), kept
            except TaskError as error:
                if not self.asker.interactive:
                    raise
                self.asker.tell(str(error), style="red")
                variables = {name: said for name, said in kept.items() if name not in answered}
                wrong = answered

    def _place(self, set_up: SetUp, places: Sequence[Place]) -> Place:
        said, flag = self.place, self.place_flag
        for name in {name: name for one in places for name in one.options if name in self.given}:
            said, flag = self.given[name], f"--set {self.word}.{name}"
        if said is not None:
            try:
                return place_of(said, places)
            except WrongAnswerError as error:
                raise CommandError(f"{flag}: {error}") from None
        if len(places) == 1:
            self.asker.tell(f"{set_up.noun}: {places[0].title} ({places[0].about})")
            return places[0]
        titles = ", ".join(repr(one.title) for one in places)
        return self.asker.choose(f"Which {set_up.noun}", f"{flag}, one of {titles}", places)

    def _answered(
        self,
        questions: Sequence[Question],
        variables: Mapping[str, str],
        wrong: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, str]:
        """The answers to these questions: from options, from the environment, or asked for.

        Args:
            questions: what is asked.
            variables: those that are known.
            wrong: answers with which the service let nobody in, so that each is asked for again.
        """
        answered = {}
        for question in questions:
            if question.secret and question.name in self.plain:
                raise CommandError(
                    f"--set {self.word}.{question.name}: other users of this machine can read a command line; give "
                    + self._flag(question)
                )
            known = variables.get(question.name) or self.given.get(question.name)
            if question.name.isupper():
                known = known or _from_environment(question.name)
            if known and question.name not in wrong:
                answered[question.name] = known
                if question.name.isupper() and question.name not in variables:
                    self.asker.tell(f"{question.name} is set already, and is used.", style="dim")
                continue
            if question.told and self.asker.interactive and question.name not in wrong:
                self.asker.tell(question.told, style="dim")
            answered[question.name] = self.asker.ask(
                question.text,
                self._flag(question),
                lambda said, question=question: _given(said, question),  # type: ignore[misc]
                default="" if question.secret else wrong.get(question.name, ""),
                secret=question.secret,
            )
        return answered

    def _flag(self, question: Question) -> str:
        if question.secret:
            named = f"--set {self.word}.{question.name} names as @FILE"
            return f"{question.name} in the environment or in .env, or a file that {named}"
        return f"--set {self.word}.{question.name}=…"

    def _option(self, option: TableOption) -> str:
        self.asker.tell(
            f"{option.description} ({option.type})" if option.description else option.type, style="dim"
        )

        def read(said: str) -> str:
            if not said:
                raise WrongAnswerError(f"{option.name} must be given")
            try:
                self.service.table.model_validate({option.name: said})
            except ValidationError as error:
                wrong = [one["msg"] for one in error.errors() if one["loc"][:1] == (option.name,)]
                if wrong:
                    raise WrongAnswerError(f"{option.name}: {'; '.join(wrong)}") from None
            return said

        return self.asker.ask(option.name, f"--set {self.word}.{option.name}=…", read)

    def _answers(self, more: Mapping[str, str]) -> dict[str, str]:
        """All that is known, as a set-up reads it."""
        return {**self.given, **more}


def in_loop(work: Any, *arguments: Any) -> Any:
    """What a plain function or a coroutine gives."""

    async def awaited() -> Any:
        answer = work(*arguments)
        return await answer if inspect.isawaitable(answer) else answer

    return asyncio.run(awaited())


def _from_environment(name: str) -> str:
    """A variable as it is set: a setting is read as settings are, any other from the environment and `.env`."""
    value = getattr(get_settings(), name.lower(), None)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return os.environ.get(name, "")


def _given(said: str, question: Question) -> str:
    if not said and not question.optional:
        raise WrongAnswerError("it must be given; Ctrl-C ends this, and nothing is written")
    if not said.isprintable():
        raise WrongAnswerError("it has signs that cannot be meant: copy it again")
    return said


def _read(model: type[BaseModel], options: Mapping[str, Any], word: str) -> BaseModel:
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise CommandError("; ".join(mistakes.of_model(error, model, word))) from None
