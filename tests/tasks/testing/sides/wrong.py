"""Sides with one mistake each, of the kind that people make; by class, the rule that it breaks."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tasks import Changes, ItemError, Listing, PreconditionError, UnfitError
from tasks.sides import Attribute, File, Kind, Side, State
from tests.tasks.testing.sides.shelf import ATTRIBUTES, AsyncBooks, Books

#: Every side of this module, with the name of the rule that it breaks.
WRONG: list[tuple[type[Side], str]] = []


def breaks(rule: str) -> Any:
    def enter(kind: type[Side]) -> type[Side]:
        WRONG.append((kind, rule))
        return kind

    return enter


# -- a run --------------------------------------------------------------------------------------------------


@breaks("open and close")
class ClosesOnlyWhatIsOpen(Books):
    def close(self) -> Any:
        assert self.open_now
        super().close()


@breaks("open and close")
class OpensOnce(Books):
    opened = 0

    def open(self) -> Any:
        self.opened += 1
        if self.opened > 1:
            raise RuntimeError("the client was closed")
        super().open()


@breaks("description")
class KindAsText(Books):
    def describe(self) -> Any:
        return {**ATTRIBUTES, "pages": Attribute("number")}  # type: ignore[arg-type]


@breaks("description")
class ChosenFromNothing(Books):
    def describe(self) -> Any:
        return {**ATTRIBUTES, "shelf": Attribute(Kind.CHOICE)}


@breaks("description")
class TwoDues(Books):
    def describe(self) -> Any:
        return {**ATTRIBUTES, "printed": replace(ATTRIBUTES["printed"], meaning="due")}


@breaks("title attribute")
class NoTitle(Books):
    def describe(self) -> Any:
        return {**ATTRIBUTES, "title": Attribute(Kind.TEXT)}


@breaks("check")
class ChecksNothing(AsyncBooks):
    async def check(self, attributes: Any) -> None:
        return None


@breaks("scope")
class ScopeOfTheHour(AsyncBooks):
    numbers = itertools.count()

    def scope(self) -> str:
        return f"all books, {next(self.numbers)}"


@breaks("memory")
class RemembersASet(AsyncBooks):
    def remembered(self) -> Any:
        return {"seen": {self.seen}}


@breaks("memory")
class NeedsItsMemory(AsyncBooks):
    """Lists only what is new since the run that it remembers."""

    after = 0

    async def recall(self, remembered: Any, synced: Any) -> None:
        self.after = (remembered or {}).get("seen", 0)

    async def list(self) -> Any:
        found = await super().list()
        return Listing(found[self.after :], cursor=found.cursor)


# -- reading ------------------------------------------------------------------------------------------------


@breaks("complete listing")
class FirstPageOnly(Books):
    def list(self) -> Any:
        return super().list()[:7]


@breaks("complete listing")
class NeverComplete(Books):
    def list(self) -> Any:
        return Listing(super().list(), partial="there may be more")


@breaks("complete listing")
class Generates(Books):
    def list(self) -> Any:
        return iter(super().list())


@breaks("pages")
class LacksTheLastPage(AsyncBooks):
    async def pages(self) -> Any:
        listing = await self.list()
        yield Listing(listing[:-1], cursor=listing.cursor)


@breaks("pages")
class PagesOverlap(AsyncBooks):
    async def pages(self) -> Any:
        listing = await self.list()
        yield listing
        yield listing[-1:]


@breaks("pages")
class PagesWithoutACursor(AsyncBooks):
    async def pages(self) -> Any:
        yield list(await self.list())


@breaks("ids")
class NumbersAsIds(Books):
    def id(self, obj: Any) -> Any:
        return int(obj["id"].split("-")[1])


@breaks("ids")
class ListsTwice(Books):
    def list(self) -> Any:
        found = super().list()
        return [*found, *found[:1]] if len(found) > 1 else found


@breaks("keys")
class KeyOfTheMoment(Books):
    numbers = itertools.count()

    def key(self, obj: Any) -> Any:
        return f"{obj['title']} {next(self.numbers)}"


@breaks("keys tell apart")
class OneKeyForAll(Books):
    def key(self, obj: Any) -> Any:
        return "book"


@breaks("times")
class LocalTimes(Books):
    def edited(self, obj: Any) -> Any:
        return obj["edited"].replace(tzinfo=None)


@breaks("times")
class TimesAsText(Books):
    def edited(self, obj: Any) -> Any:
        return obj["edited"].isoformat()


@breaks("values")
class LacksAValue(Books):
    def values(self, obj: Any) -> Any:
        return {name: value for name, value in super().values(obj).items() if name != "edited"}


@breaks("forms of kinds")
class ListsOfTags(Books):
    def values(self, obj: Any) -> Any:
        return {**super().values(obj), "tags": list(obj["tags"])}


@breaks("forms of kinds")
class StatesInOwnWords(Books):
    def values(self, obj: Any) -> Any:
        word = "NEEDS-ACTION" if obj["read"] is State.OPEN else obj["read"]
        return {**super().values(obj), "read": word}

    def create(self, key: str, values: dict[str, Any]) -> Any:
        return super().create(key, values)


@breaks("title and address")
class TitleOfSeveralLines(AsyncBooks):
    def title(self, obj: Any) -> Any:
        return f"{obj['title']}\n{obj['blurb']} "


@breaks("get")
class GetsLess(AsyncBooks):
    async def get(self, obj_id: str) -> Any:
        found = await super().get(obj_id)
        return found and {**found, "blurb": found["blurb"][:3], "pages": None}


@breaks("get of nothing")
class GetsFromTheTrash(AsyncBooks):
    async def get(self, obj_id: str) -> Any:
        return await super().get(obj_id) or self.shelf.trash.get(obj_id)


@breaks("there is not gone")
class AllIsGone(AsyncBooks):
    async def is_gone(self, obj_id: str) -> bool:
        return True


@breaks("gone")
class NothingIsGone(AsyncBooks):
    async def is_gone(self, obj_id: str) -> bool:
        return False


@breaks("known")
class KnownIsNeverLookedAt(AsyncBooks):
    def look(self, obj: Any) -> None:
        if "known" not in obj:
            super().look(obj)


@breaks("events")
class StumblesOverEvents(AsyncBooks):
    def concerns(self, event: Any) -> bool:
        return bool(event["type"] == "book")


# -- writing ------------------------------------------------------------------------------------------------


@breaks("create")
class ReturnsNothing(Books):
    def create(self, key: str, values: dict[str, Any]) -> Any:
        super().create(key, values)


@breaks("create")
class ReturnsWhatItWasGiven(Books):
    """The service trims texts, and the side does not look."""

    def create(self, key: str, values: dict[str, Any]) -> Any:
        made = super().create(key, {**values, "blurb": values["blurb"][:1]})
        return {**made, **values}


@breaks("made is listed")
class ListsLater(Books):
    def list(self) -> Any:
        return [book for book in super().list() if book["version"] > 1]


@breaks("create takes all")
class DropsOnCreate(Books):
    def create(self, key: str, values: dict[str, Any]) -> Any:
        return super().create(key, {**values, "due": None})


@breaks("create as given")
class CapitalTitles(Books):
    def create(self, key: str, values: dict[str, Any]) -> Any:
        return super().create(key, {**values, "title": values["title"].title()})


@breaks("create as given")
class DaysInUTC(Books):
    """Keeps a day as a moment in another zone."""

    def create(self, key: str, values: dict[str, Any]) -> Any:
        day = values["printed"]
        return super().create(key, {**values, "printed": day and day.replace(day=day.day - 1)})


@breaks("create of few")
class NeedsEverything(Books):
    def create(self, key: str, values: dict[str, Any]) -> Any:
        return super().create(key, {name: values[name] for name in ATTRIBUTES if name != "edited"})


@breaks("create once")
class NoPlaceForAKey(Books):
    numbers = itertools.count()

    def create(self, key: str, values: dict[str, Any]) -> Any:
        return super().create(f"{key} {next(self.numbers)}", values)


@breaks("made by its key")
class TellsTheLastOneMade(AsyncBooks):
    async def made(self, key: str) -> Any:
        return [*self.shelf.keys.values()][-1]


@breaks("made by its key")
class TellsTheKey(AsyncBooks):
    async def made(self, key: str) -> Any:
        return key


@breaks("update")
class ForgetsOneAttribute(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return super().update(obj, {name: value for name, value in changes.items() if name != "printed"})


@breaks("update")
class CannotEmpty(Books):
    """Leaves out what is empty, as if it were not named."""

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return super().update(obj, {name: value for name, value in changes.items() if value is not None})


@breaks("update of the rest")
class ReplacesTheWhole(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return super().update(obj, {"site": None, **changes})


@breaks("update of several")
class WritesTheFirst(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        return super().update(obj, dict([next(iter(changes.items()))]))


@breaks("update returns")
class ReturnsTheOldObject(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        super().update(obj, changes)
        return obj


@breaks("update keeps")
class ReplacesByDeleteAndCreate(Books):
    numbers = itertools.count()

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        self.look(obj)
        self.delete(obj)
        rest = {name: obj[name] for name in ATTRIBUTES if name != "edited"}
        return self.create(f"again {next(self.numbers)}", {**rest, **changes})


@breaks("fixpoint")
class GrowsWithEachWrite(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        if changes.get("blurb"):
            changes = {**changes, "blurb": f"{changes['blurb']}."}
        return super().update(obj, changes)


@breaks("fixpoint")
class LosesTheMinutes(Books):
    """Only at the nasty ones: a moment with another zone than UTC loses its minutes each time."""

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        due = changes.get("due")
        if isinstance(due, datetime) and due.second:
            changes = {**changes, "due": due.replace(second=due.second - 1)}
        return super().update(obj, changes)


@breaks("unfit values")
class TakesAnything(Books):
    def refuse_unfit(self, values: dict[str, Any]) -> None:
        return None


@breaks("unfit values")
class NamesAnother(Books):
    def refuse_unfit(self, values: dict[str, Any]) -> None:
        try:
            super().refuse_unfit(values)
        except UnfitError as error:
            raise UnfitError("something does not fit", ["title"]) from error


@breaks("nothing of what is refused")
class WritesUntilItFails(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        for name, value in changes.items():
            obj = super().update(obj, {name: value})
        return obj


@breaks("calls")
class StumblesOverNastyTexts(Books):
    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        for value in changes.values():
            str(value).encode()  # half a pair is no UTF-8
        return super().update(obj, changes)


@breaks("update of what changed")
class WritesOver(Books):
    def look(self, obj: Any) -> None:
        if obj["id"] not in self.shelf.books:
            raise PreconditionError("it is gone")

    def delete(self, obj: Any) -> Any:
        super().look(obj)
        super().delete(obj)


@breaks("update of what changed")
class RefusesInOtherWords(Books):
    def look(self, obj: Any) -> None:
        try:
            super().look(obj)
        except PreconditionError as error:
            raise ItemError("412") from error

    def delete(self, obj: Any) -> Any:
        super().look(obj)
        self.shelf.take(obj["id"])


@breaks("delete of what changed")
class DeletesWhatWasEdited(Books):
    def delete(self, obj: Any) -> Any:
        self.shelf.take(obj["id"])


@breaks("update of what is gone")
class BringsBack(Books):
    def look(self, obj: Any) -> None:
        if obj["id"] in self.shelf.books:
            super().look(obj)

    def update(self, obj: Any, changes: dict[str, Any]) -> Any:
        if obj["id"] not in self.shelf.books:
            changes = {**{name: obj[name] for name in ATTRIBUTES if name != "edited"}, **changes}
        return super().update(obj, changes)


@breaks("delete")
class MarksAsDeleted(Books):
    def delete(self, obj: Any) -> Any:
        self.look(obj)
        self.shelf.put(obj["id"], {"deleted": True})


@breaks("delete of the rest")
class DeletesAllOfThatTitle(Books):
    """Takes all titles that begin alike."""

    def delete(self, obj: Any) -> Any:
        super().delete(obj)
        for book in [one for one in self.shelf.books.values() if one["title"][:1] == obj["title"][:1]]:
            self.shelf.take(book["id"])


@breaks("restore")
class RestoresACopy(AsyncBooks):
    async def restore(self, obj_id: str) -> Any:
        if obj_id not in self.shelf.trash:
            return None
        book = self.shelf.trash.pop(obj_id)
        return self.shelf.put(f"{obj_id}-again", {**book, "id": f"{obj_id}-again"})


@breaks("restore of the rest")
class RestoresEverything(AsyncBooks):
    async def restore(self, obj_id: str) -> Any:
        for one in list(self.shelf.trash):
            restored = await super().restore(one)
            found = restored if one == obj_id else None
        return found


@breaks("restore of values")
class RestoresLess(AsyncBooks):
    async def restore(self, obj_id: str) -> Any:
        book = await super().restore(obj_id)
        return book and self.shelf.put(obj_id, {"site": None})


# -- files --------------------------------------------------------------------------------------------------


@breaks("files")
class CutsFilesShort(Books):
    def read_file(self, obj_id: str, file: File, path: Path) -> Any:
        path.write_bytes(self.shelf.pages[file.content][:20])


@breaks("files")
class NeedsNoBytes(Books):
    def lacks_files(self, obj: Any, attribute: str, files: Any) -> Any:
        return []


@breaks("files")
class NamesFilesByTheirPlace(Books):
    def values(self, obj: Any) -> Any:
        values = super().values(obj)
        scans = [
            one if one.address else replace(one, content=f"at:{one.name}") for one in values["scans"] or ()
        ]
        return {**values, "scans": tuple(scans)}


@breaks("files once")
class AsksForAllFiles(Books):
    def lacks_files(self, obj: Any, attribute: str, files: Any) -> Any:
        return [file for file in files if file.address is None]


# -- changes ------------------------------------------------------------------------------------------------


@breaks("changes")
class ChangesAsAList(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        return (await super().changes(cursor)).changed


@breaks("changes")
class CursorOfTimes(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        return replace(await super().changes(cursor), cursor=self.shelf.now)


@breaks("no change missed")
class NamesOnlyWhatIsNew(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        changes: Changes = await super().changes(cursor)
        return replace(changes, changed=[one for one in changes.changed if one["version"] == 1])


@breaks("no change missed")
class NamesSomeDeletions(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        changes: Changes = await super().changes(cursor)
        return replace(changes, deleted=list(changes.deleted)[:1])


@breaks("no change invented")
class NamesWhatIsThereAsDeleted(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        changes: Changes = await super().changes(cursor)
        return replace(changes, deleted=[*changes.deleted, *list(self.shelf.books)[-1:]])


@breaks("no change invented")
class ShowsTheStateBefore(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        changes: Changes = await super().changes(cursor)
        return replace(changes, changed=[{**one, "pages": None, "weight": 9} for one in changes.changed])


@breaks("next changes")
class CursorTooFar(AsyncBooks):
    """Two edits later than it should be."""

    async def changes(self, cursor: Any) -> Any:
        log = len(self.shelf.log)
        changes: Changes = await super().changes(min(cursor, log))
        return replace(changes, cursor=log + 1)


@breaks("edits while listing")
class CursorAfterTheListing(AsyncBooks):
    async def list(self) -> Any:
        books = list(await super().list())
        await asyncio.sleep(0)
        return Listing(books, cursor=len(self.shelf.log))


@breaks("expired cursor")
class AnyCursorWillDo(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        return await super().changes(cursor if isinstance(cursor, int) else len(self.shelf.log))


@breaks("expired cursor")
class StumblesOverCursors(AsyncBooks):
    async def changes(self, cursor: Any) -> Any:
        return await super().changes(int(cursor))
