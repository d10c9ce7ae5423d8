"""One check on a fresh task: of one of its sides, or of what both have to agree on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tasks.errors import ItemError
from tasks.sync_task.sides import METHODS
from tasks.sync_task.task import SyncTask, wrote
from tasks.testing.equality import SIDES, agree
from tasks.testing.histories.history import Alphabet
from tasks.testing.histories.player import Setup
from tasks.testing.histories.reading import ENDS, Reader
from tasks.testing.invariants import BrokenError, Invariant
from tasks.testing.sides.rules import BrokenRuleError, Rule
from tasks.testing.sides.trial import Seen, Trial, offers
from tasks.testing.sides.tried import Samples, Tried


class TaskTrial:
    """One check on one fresh task.

    Attributes:
        told: what was done, one line each.
        sides: a trial of each side, once the task is open.
    """

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.task = setup.make_task()
        self.alphabet = setup.alphabet
        self.reader = Reader(self.task)
        self.told: list[str] = []
        self.sides: dict[str, Trial] = {}

    async def run(self, check: Callable[[TaskTrial], Awaitable[None]]) -> BrokenError | None:
        """What the check found broken, if it did."""
        try:
            async with self.reader.opened():
                self.sides = {word: self._trial(word) for word in SIDES}
                await check(self)
        except BrokenError as broken:
            return broken
        except BrokenRuleError as broken:
            return BrokenError(broken.rule.invariant, broken.message)
        except Exception as error:
            last = self.told[-1] if self.told else "opening"
            return BrokenError(Invariant.CONTRACT, f"{last}: raises {type(error).__name__}: {error}")
        return None

    def _trial(self, word: str) -> Trial:
        side, task = self.reader.sides[word], self.task

        def has(method: str) -> bool:
            if method == "pages":
                return side.lists_in_pages
            if isinstance(task, SyncTask):
                return method in METHODS and wrote(task, METHODS[method].format(word))
            return offers(side, method)

        # That keys tell objects apart is for the author to say where the key was not found by that.
        trial = Trial(
            side, samples_at(self.reader, word, self.alphabet), seed=word, without=(Rule.APART,), has=has
        )
        trial.told = self.told
        trial.one_by_one = has("update_one") and not has("update")
        return trial

    # -- both sides -----------------------------------------------------------------------------------------

    async def make(self, word: str, token: str, values: Mapping[str, Any] | None = None) -> Seen:
        """Make an object of values in common form."""
        filled = self.alphabet.filled(token, values or {})
        return await self.sides[word].make_of(self.reader.new_values(word, filled))

    async def set(self, word: str, seen: Seen, attribute: str, value: Any) -> Seen:
        """Set an attribute to a value in common form."""
        return await self.sides[word].change(seen, self.reader.native_values(word, {attribute: value}))

    def common(self, word: str, seen: Seen) -> dict[str, Any]:
        """The values of an object in common form."""
        mapping, end = self.reader.mapping, ENDS[word]
        return {
            name: mapping.by_name[name].converter.common(end, seen.values[mapping.name_at(end, name)])
            for name in self.reader.names
        }

    def agree(self, attribute: str, one: Any, two: Any) -> bool:
        """Whether both sides show the same."""
        return agree(self.reader.lossy, attribute, one, two)


def samples_at(reader: Reader, word: str, alphabet: Alphabet) -> Samples:
    """What histories are made of, by the names of one side and in its own form."""

    def natives(attribute: str, values: Any) -> tuple[Any, ...]:
        found: list[Any] = []
        for value in dict.fromkeys(values) if attribute == alphabet.key else values:
            try:
                found += reader.native_values(word, {attribute: value}).values()
            except ItemError:  # of a kind that this side does not have; histories leave it out as well
                continue
        return tuple(found)

    tried = {
        reader.native(word, name): Tried(natives(name, values)) for name, values in alphabet.values.items()
    }
    lossy = {name: one.side for name, one in reader.lossy.items() if name in reader.names}
    names = [name for token in alphabet.names.values() for name in token]
    return Samples(
        reader.native(word, alphabet.key),
        natives(alphabet.key, names),
        tried,
        reader.mapping.constants[ENDS[word]],
        coarse=[
            reader.native(word, name) for name, side in lossy.items() if side in (word, ENDS[word].value)
        ],
    )
