"""Components of one kind, such as to-dos, as objects in common form, and edits that leave everything else as it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any, ClassVar

from tasks.errors import ItemError, UnfitError
from tasks.services.caldav.lines.content_lines import Component, Property, escape, uids_in, unescape
from tasks.services.caldav.lines.reading import may_recur, read_text, read_timestamp
from tasks.services.caldav.lines.writing import Writing, count_edit
from tasks.values.opaque import Opaque

_PRODUCT = "-//Lockstep//CalDAV//EN"


@dataclass(frozen=True)
class Entry:
    """One to-do or event of a calendar, as it was read. Its repr shows no content."""

    uid: str
    #: Where its resource lies; several entries may share one.
    href: str
    #: Names the resource's version; every write demands it unchanged.
    etag: str | None
    #: The whole resource, as the server sent it.
    text: str = field(repr=False)
    #: By the names of its codec's attributes; `Opaque` where a line cannot be read.
    values: Mapping[str, Any] = field(repr=False)
    #: Last edit, in UTC.
    timestamp: datetime
    #: Whether it stands for several.
    recurs: bool = False


@dataclass(frozen=True)
class Reading:
    """What a calendar resource holds."""

    entries: list[Entry]
    #: Entries that cannot be read: by UID, why; one without a UID by the address of the resource.
    unreadable: Mapping[str, str] = field(default_factory=dict)


class Codec(ABC):
    """One kind of component: which attributes it has, and by which lines it says them."""

    #: As iCalendar calls it.
    component: ClassVar[str]
    #: As people call it, one of it and several.
    noun: ClassVar[str]
    one: ClassVar[str]
    nouns: ClassVar[str]
    #: The names of the attributes; the first one is the title.
    attributes: ClassVar[tuple[str, ...]]
    #: Those that become others by time alone, of an entry that recurs.
    passing: tuple[str, ...] = ()

    @abstractmethod
    def value(self, entry: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
        """An attribute by its name.

        Raises:
            ValueError: a line of it cannot be read.
        """

    @abstractmethod
    def write(self, writing: Writing, stamp: str) -> None:
        """Write the changes one by one, each by `writing.write`.

        Arguments:
            writing: The component and the changes.
            stamp: The present moment, as iCalendar writes it.
        """

    def shown(self, entry: Component, calendar: Component, floating: tzinfo, name: str) -> Any:
        """An attribute by its name, `Opaque` where a line of it cannot be read."""
        try:
            return self.value(entry, calendar, floating, name)
        except ValueError as error:
            return Opaque(str(error), odd=True)

    def read(self, text: str, *, href: str, etag: str | None, floating: tzinfo = UTC) -> Reading:
        """The entries of a calendar resource; of one that recurs, the rule's own and not its exceptions.

        Arguments:
            text: The resource.
            href: Where it lies.
            etag: Its version.
            floating: The zone of times that name none.

        Raises:
            ValueError: it cannot be read, and names no UID.
        """
        try:
            calendar = Component.parse(text)
        except ValueError as error:
            uids = uids_in(text)
            if not uids:
                raise
            return Reading([], dict.fromkeys(uids, str(error)))
        entries: list[Entry] = []
        unreadable: dict[str, str] = {}
        uids = []
        for component in calendar.components(self.component):
            try:
                uids.append(self._uid(component))
            except ValueError as error:
                unreadable[href] = str(error)
        if unreadable and not uids:
            raise ValueError(unreadable[href])
        for uid in dict.fromkeys(uids):
            try:
                entries.append(self._read(calendar, uid, text, href, etag, floating))
            except ValueError as error:
                unreadable[uid] = str(error)
        return Reading(entries, unreadable)

    def new(
        self, uid: str, values: Mapping[str, Any], *, floating: tzinfo = UTC, now: datetime | None = None
    ) -> str:
        """The resource of a new entry.

        Raises:
            ItemError: a value does not fit its attribute.
        """
        stamp = _stamp(now)
        entry = Component(self.component, [f"UID:{escape(uid)}", f"DTSTAMP:{stamp}", f"CREATED:{stamp}"])
        calendar = Component("VCALENDAR", ["VERSION:2.0", f"PRODID:{_PRODUCT}", entry])
        self._write(entry, calendar, values, floating, stamp, is_new=True)
        entry.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
        return calendar.to_text()

    def edit(
        self,
        text: str,
        uid: str,
        changes: Mapping[str, Any],
        *,
        floating: tzinfo = UTC,
        now: datetime | None = None,
    ) -> str | None:
        """The resource with some attributes of one entry changed, or `None` where it has these values already.

        Raises:
            UnfitError: a value does not fit its attribute or the entry; without it the others can be written.
            ValueError: the resource cannot be read.
        """
        stamp = _stamp(now)
        calendar = Component.parse(text)
        entry = self._main(calendar, uid)
        before = calendar.to_text()
        self._write(entry, calendar, changes, floating, stamp)
        if calendar.to_text() == before:
            return None
        count_edit(entry)
        entry.put("LAST-MODIFIED", Property("LAST-MODIFIED", (), stamp))
        entry.put("DTSTAMP", Property("DTSTAMP", (), stamp))
        return calendar.to_text()

    def without(self, text: str, uid: str) -> str | None:
        """The resource without one entry and its exceptions, or `None` where nothing else is in it.

        Raises:
            ValueError: the resource cannot be read.
        """
        calendar = Component.parse(text)
        calendar.parts = [
            part
            for part in calendar.parts
            if not (isinstance(part, Component) and part.name == self.component and self._is_of(part, uid))
        ]
        rest = [component for component in calendar.components() if component.name != "VTIMEZONE"]
        return calendar.to_text() if rest else None

    def _write(
        self,
        entry: Component,
        calendar: Component,
        changes: Mapping[str, Any],
        floating: tzinfo,
        stamp: str,
        *,
        is_new: bool = False,
    ) -> None:
        unknown = sorted(set(changes) - set(self.attributes))
        if unknown:
            raise ItemError(
                f"{self.one} has no attribute {', '.join(unknown)}: there are {', '.join(self.attributes)}"
            )
        writing = Writing(entry, calendar, changes, floating, self.shown, is_new=is_new)
        self.write(writing, stamp)
        if writing.unfit:
            raise UnfitError("; ".join(dict.fromkeys(writing.unfit.values())), writing.unfit)

    def _uid(self, component: Component) -> str:
        uid = component.filled("UID")
        if uid is None:
            raise ValueError(f"{self.one} has no UID")
        return unescape(uid.value.strip())

    def _is_of(self, component: Component, uid: str) -> bool:
        try:
            return self._uid(component) == uid
        except ValueError:
            return False

    def _main(self, calendar: Component, uid: str) -> Component:
        """The entry itself; its exceptions carry a `RECURRENCE-ID`."""
        same = [component for component in calendar.components(self.component) if self._is_of(component, uid)]
        if not same:
            raise ValueError(f"it holds no {self.component} with UID {uid}")
        masters = [component for component in same if not component.properties("RECURRENCE-ID")]
        if len(masters) > 1:
            raise ValueError(f"two {self.nouns} have this UID")
        return masters[0] if masters else same[0]

    def _read(
        self, calendar: Component, uid: str, text: str, href: str, etag: str | None, floating: tzinfo
    ) -> Entry:
        entry = self._main(calendar, uid)
        title, *others = self.attributes
        # Without its title, it cannot be told from others.
        values: dict[str, Any] = {title: read_text(entry, "SUMMARY")}
        for name in others:
            values[name] = self.shown(entry, calendar, floating, name)
        timestamp = read_timestamp(entry, calendar, floating)
        return Entry(uid, href, etag, text, MappingProxyType(values), timestamp, may_recur(entry))


def _stamp(now: datetime | None) -> str:
    return f"{(now or datetime.now(UTC)).astimezone(UTC):%Y%m%dT%H%M%SZ}"
