"""What a calendar's answers say of its entries, and what they leave open.

A resource that a server names but whose content it does not show, or not in a form that can be read, is still
there. Of its entries may be known: their UIDs, from its text or from what it held when it was read last; else
any entry that is missed may be in it. A UID that more than one entry has stands for none of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from urllib.parse import unquote, urlsplit

from tasks.services.caldav.entries.codec import Codec, Entry, Reading
from tasks.services.caldav.lines.content_lines import Component, unescape
from tasks.services.caldav.server.multistatus import DATA, ETAG, Resource
from tasks.sides import title_key

_FOLD = re.compile(r"\r?\n[ \t]")
_UID = re.compile(r"^UID(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)
_SUMMARY = re.compile(r"^SUMMARY(?:;[^:\r\n]*)?:([^\r\n]*)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Unread:
    """A resource that is there, of whose entries at least one is not known."""

    #: Its address within the calendar.
    name: str
    why: str
    #: As the server sent it, where it did.
    text: str | None = field(default=None, repr=False)
    #: The UIDs of the entries that cannot be read, as far as its text tells.
    told: frozenset[str] = frozenset()
    #: The UIDs that it had when it was read last, perhaps in an earlier run.
    known: frozenset[str] = frozenset()

    @property
    def uids(self) -> frozenset[str]:
        """UIDs that are surely not free: those that are known, or else the name, which most often is one."""
        return self.told or self.known or frozenset({self.name.rpartition("/")[2].removesuffix(".ics")})

    @property
    def _whole(self) -> bool:
        return self.text is not None and self.text.rstrip().upper().endswith("END:VCALENDAR")

    def may_hold(self, uid: str) -> bool:
        """Whether an entry that is not found elsewhere may be in here."""
        return uid in self.uids or uid in self.known or not (self.told or self.known or self._whole)

    def may_show(self, title: str) -> bool:
        """Whether an entry of this title that was never seen before may be in here."""
        if self.known:
            return False  # it was seen when this was read last
        titles = [unescape(found) for found in _SUMMARY.findall(_FOLD.sub("", self.text or ""))]
        if not titles:
            return not self._whole
        return title_key(title) in map(title_key, titles)


@dataclass(frozen=True)
class Contents:
    """The entries of some resources of a calendar."""

    entries: Sequence[Entry]
    #: Those that are there and must be left as they are: by UID, why.
    unreadable: Mapping[str, str]
    #: The resources about which something is open.
    unread: Sequence[Unread]
    #: Why resources may be missing.
    partial: str | None = None
    #: The UIDs that each resource had when it was read last, by its name.
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def open_about(self, uid: str) -> str | None:
        """Why it cannot be said that no entry has a UID, though none that could be read has it."""
        if self.partial or uid in self.unreadable:
            return self.partial or self.unreadable[uid]
        return next((f"{one.name} {one.why}" for one in self.unread if one.may_hold(uid)), None)


def read_contents(
    resources: Iterable[Resource],
    *,
    codec: Codec,
    calendar_url: str,
    floating: tzinfo,
    known: Mapping[str, Sequence[str]],
) -> Contents:
    """What resources hold, as the server's answers show it.

    Arguments:
        resources: Each resource that was named, once or more often; with content where it was to be had.
        codec: Reads the kind of component that is asked for.
        calendar_url: The calendar's own address; an answer about it means that the list was cut short.
        floating: The zone of times that name none.
        known: The UIDs that each resource had when it was read last, by its name.
    """
    entries: dict[str, Entry] = {}
    holders: dict[str, set[str]] = {}
    unread: list[Unread] = []
    partial = None
    now_known: dict[str, Sequence[str]] = {}
    for resource in resources:
        name = name_of(resource.href, calendar_url)
        if path_of(resource.href) == path_of(calendar_url) and resource.broken is None:
            if resource.status >= 300:
                partial = f"the server cut its answer short (status {resource.status})"
            continue
        before = frozenset(known.get(name, ()))
        if before:
            now_known[name] = sorted(before)
        text = resource.text(DATA)
        reading, found = _read(codec, resource, text, floating)
        if isinstance(reading, str):
            uids = frozenset(unescape(uid.strip()) for uid in _UID.findall(_FOLD.sub("", text or "")))
            unread.append(Unread(name, reading, text, uids - {""}, before))
            found = sorted(unread[-1].uids)
        else:
            now_known[name] = found
            for uid, why in reading.unreadable.items():
                unread.append(Unread(name, f"cannot be read: {why}", text, frozenset({uid}), before & {uid}))
            entries |= {entry.uid: entry for entry in reading.entries}
        for uid in found:
            holders.setdefault(uid, set()).add(name)
    unreadable = {uid: f"{one.name} {one.why}" for one in unread for uid in one.uids}
    for uid, names in holders.items():
        if len(names) > 1:
            *others, last = sorted(names)
            unreadable[uid] = f"{', '.join(others)} and {last} have the same UID; delete all but one of them"
    readable = [entry for uid, entry in entries.items() if uid not in unreadable]
    return Contents(readable, unreadable, unread, partial, now_known)


def _read(
    codec: Codec, resource: Resource, text: str | None, floating: tzinfo
) -> tuple[Reading | str, list[str]]:
    """What a resource holds and the UIDs in it, or why that is not known."""
    if resource.broken is not None:
        return f"cannot be read: {resource.broken}", []
    if not text or not text.strip():
        status = resource.refused.get(DATA, resource.status)
        return "came without content" + (f" (status {status})" if status >= 300 else ""), []
    try:
        reading = codec.read(text, href=resource.href, etag=resource.text(ETAG), floating=floating)
        twice = _told_twice(codec, text) if reading.entries else set()
    except ValueError as error:
        return f"cannot be read: {error}", []
    if twice:
        why = f"the file holds several {codec.nouns} of this UID; delete all but one of them"
        entries = [entry for entry in reading.entries if entry.uid not in twice]
        reading = Reading(entries, {**reading.unreadable, **dict.fromkeys(twice, why)})
    return reading, sorted({*reading.unreadable, *(entry.uid for entry in reading.entries)})


def _told_twice(codec: Codec, text: str) -> set[str]:
    """UIDs that more than one entry of a file has, other than as the exceptions of one that recurs."""
    if text.upper().count(f"BEGIN:{codec.component}") < 2:
        return set()
    found: Counter[str] = Counter()
    for entry in Component.parse(text).components(codec.component):
        uid = entry.property("UID")
        if uid is not None and entry.property("RECURRENCE-ID") is None:
            found[unescape(uid.value.strip())] += 1
    return {uid for uid, times in found.items() if times > 1}


def name_of(href: str, calendar_url: str) -> str:
    """An address as people know it: within the calendar, decoded."""
    return path_of(href).removeprefix(path_of(calendar_url)).strip("/")


def path_of(href: str) -> str:
    """Equal for addresses of one server that name the same resource."""
    return unquote(urlsplit(href).path).rstrip("/")
