"""One `[[sync]]` table: what it says of the sync, and the sides that its services make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tasks.conflict_modes import ConflictMode
from tasks.errors import TaskDefinitionError
from tasks.mapping import pairs_of
from tasks.nearest import likely, nearest
from tasks.policies import read_rules
from tasks.services.found import NONE_AT_ALL, Found
from tasks.sides import End
from tasks.tables import ends, mistakes
from tasks.tables.sync_table import SyncTable
from tasks.two_way import TwoWay

#: Conflict modes that name no end.
MODES = ("newer", "error")
#: Keys of which a table has one that does not give each service a table of its own.
FLAT = frozenset({"attr_map", "calendar_url", "data_source", "kind"})
#: What is said of such a table.
FORM = (
    'each service has a table of its own: [sync.notion] with data_source = "…", [sync.caldav] with calendar = "…"; and '
    '[sync.map] says what goes where: Name = "summary", Status = { to = "status", values = { Waiting = "needs '
    'action" }, conflict_mode = "notion" }'
)


@dataclass(frozen=True, slots=True)
class Read:
    """A table that was read."""

    table: SyncTable
    left: ends.MadeEnd
    right: ends.MadeEnd

    def task(self) -> TwoWay:
        """The task, not scheduled yet.

        Raises:
            TaskDefinitionError: its name does not fit.
        """
        table, left, right = self.table, self.left, self.right
        modes = {left.word: ConflictMode.NOTION, right.word: ConflictMode.OTHER}
        task = TwoWay(
            table.name,
            left.side,
            right.side,
            table.map,
            modes.get(table.conflict_mode, table.conflict_mode),
            constants=table.new,
            ends={left.word: End.LEFT, right.word: End.RIGHT},
            **table.said,
        )
        task.edit_beats_delete = table.edit_beats_delete
        task.delete_share, task.change_share = table.delete_share, table.change_share
        task.handful = table.handful
        if table.full_listing_every is not None:
            task.full_listing_every = table.full_listing_every
        return task


def read_table(table: Mapping[str, Any], found: Mapping[str, Found]) -> Read:
    """A table with its sides made.

    Arguments:
        table: As TOML gives it.
        found: The services that there are.

    Raises:
        TaskDefinitionError: all that is wrong with it.
    """
    if not FLAT.isdisjoint(table):
        raise TaskDefinitionError(FORM)
    known = mistakes.keys_of(SyncTable)
    rest = {key: value for key, value in table.items() if key not in known}
    wrong = list(_strange(rest, known, found))
    read = None
    try:
        read = SyncTable.model_validate({key: table[key] for key in table if key in known})
    except ValidationError as error:
        wrong += mistakes.of_model(error, SyncTable)
    of_services = ends.of({key: value for key, value in rest.items() if ends.is_table(value)})
    made = [ends.make(end, found, wrong) for end in of_services if end.service in found]
    if len(of_services) == 2 and read is not None:
        wrong += _misspoken(read, dict(zip((end.word for end in of_services), End, strict=True)))
    elif len(of_services) != 2:
        there = ", ".join(f"[sync.{end.service}]" for end in of_services)
        wrong.append(f"it needs the tables of two services, as [sync.notion], and has {there or 'none'}")
    match made:
        case [ends.MadeEnd() as left, ends.MadeEnd() as right] if read is not None and not wrong:
            wrong += _absent(read, left, right)
            if wrong:
                raise TaskDefinitionError("; ".join(wrong))
            return Read(read, left, right)
        case _:
            raise TaskDefinitionError("; ".join(wrong))


def _strange(rest: Mapping[str, Any], known: list[str], found: Mapping[str, Found]) -> Iterator[str]:
    """What is wrong with keys that are none of a sync: each is to be a service with its table."""
    for key, value in rest.items():
        if not ends.is_table(value):
            yield (
                f"{key} is a service, and has a table: [sync.{key}]"
                if key in found
                else mistakes.unknown(key, [*known, *found])
            )
        elif key not in found:
            there = likely(key, [*found, *known]) or nearest(key, found) or NONE_AT_ALL
            yield f"there is no service {key!r}: {there}"


def _misspoken(read: SyncTable, words: Mapping[str, End]) -> Iterator[str]:
    """What is wrong where the ends are called by their words: conflict mode, constants and map."""
    if read.conflict_mode not in (*MODES, *words):
        yield f"conflict_mode: it is one of {mistakes.listed([*MODES, *words])}"
    for word in read.new:
        if word not in words:
            yield mistakes.unknown(word, list(words), "new")
    wrong_pairs = _wrong_pairs(read.map, words) if read.map is not None else []
    yield from wrong_pairs
    try:
        rules = read_rules(read.said, words)
        if not wrong_pairs:
            rules.check_pairs(pairs_of(read.map, words) if read.map is not None else (), words)
        if rules.only_to is not None and any(words.get(word) is rules.only_to.opposite for word in read.new):
            yield "new: nothing is made in the source of a mirror: leave its table out"
    except TaskDefinitionError as error:
        yield str(error)


def _absent(read: SyncTable, left: ends.MadeEnd, right: ends.MadeEnd) -> Iterator[str]:
    """What is named of a service whose objects never have it; where it depends on the place, the run looks."""
    pairs = pairs_of(read.map, {left.word: End.LEFT, right.word: End.RIGHT}) if read.map is not None else ()
    for end, named in ((left, [pair.left for pair in pairs]), (right, [pair.right for pair in pairs])):
        there = end.service.attributes
        for name in (*named, *read.new.get(end.word, ())):
            if there and name not in there:
                yield f"{end.word} has no attribute {name!r}: {nearest(name, there)}"


def _wrong_pairs(pairs: Mapping[str, Any], words: Mapping[str, End]) -> list[str]:
    """What is wrong with single pairs, else with all of them together."""
    alone = [_wrong({name: said}, words) for name, said in pairs.items()]
    return [wrong for wrong in alone if wrong] or [wrong for wrong in (_wrong(pairs, words),) if wrong]


def _wrong(pairs: Mapping[str, Any], words: Mapping[str, End]) -> str:
    try:
        pairs_of(pairs, words)
    except TaskDefinitionError as error:
        return str(error)
    return ""
