"""What tells one version of a resource from another, and who made it."""

from __future__ import annotations

import re

from tasks.services.caldav.lines.content_lines import Component, unescape

#: Some servers leave out the quotes. Other signs than these do not fit into a header.
_STRONG = re.compile(r"(?![Ww]/)[\x21-\x7e]+")
#: What a program that edits an entry sets anew (RFC 5545, 3.8.7).
_MARKS = ("SEQUENCE", "LAST-MODIFIED", "DTSTAMP")
#: Lines that some servers make anew at each reading.
_VOLATILE = ("DTSTAMP", "PRODID")


def strong(etag: str | None) -> str | None:
    """An ETag by which a write may be made conditional (RFC 9110, 13.1.1); `None` for a weak one or none."""
    etag = (etag or "").strip()
    return etag if _STRONG.fullmatch(etag) else None


def same_content(one: str, other: str) -> bool:
    """Whether two readings of a resource show that nobody edited it in between."""
    return _lasting(one) == _lasting(other)


def made_by_server(uid: str, sent: str, stored: str, sent_etag: str | None, stored_etag: str | None) -> bool:
    """Whether what is stored right after a write is what the server itself made of it.

    So it is while the version is the one that the server named for the write, or the marks of the write are
    still in the entry: an edit sets them anew. Where the server named no version, it says by that that it
    changed what was sent (RFC 4791, 5.3.4), perhaps the marks too; an edit is then told by its `SEQUENCE` only.

    Arguments:
        uid: Of the entry.
        sent: The resource as it was written.
        stored: The resource as it was read after that.
        sent_etag: The strong ETag in the answer to the write, if any.
        stored_etag: The ETag with which it was read.
    """
    if sent_etag is not None and sent_etag == stored_etag:
        return True
    ours, theirs = marks(uid, sent), marks(uid, stored)
    if ours == theirs:
        return True
    return sent_etag is None and theirs.get("SEQUENCE", "0") == ours.get("SEQUENCE", "0")


def _lasting(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip() and not line.upper().startswith(_VOLATILE)]


def marks(uid: str, text: str) -> dict[str, str]:
    """The marks that the last edit left in a to-do or an event."""
    try:
        for entry in Component.parse(text).components():
            own = entry.property("UID")
            if (
                own is None
                or unescape(own.value.strip()) != uid
                or entry.property("RECURRENCE-ID") is not None
            ):
                continue
            found = {name: entry.property(name) for name in _MARKS}
            return {name: prop.value.strip() for name, prop in found.items() if prop is not None}
    except ValueError:
        return {}
    return {}
