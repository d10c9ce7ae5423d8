"""One note: its values, made of its document and its place, and the document that other values make of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from tasks.errors import ItemError, UnfitError
from tasks.services.markdown import fields
from tasks.services.markdown.document import Document, NoteError, parse
from tasks.services.markdown.fields import Setting
from tasks.services.markdown.file_links import FileLinks
from tasks.services.markdown.front_matter import FrontMatter, Scalar
from tasks.services.markdown.identities import Seen, Stamp, sketch
from tasks.services.markdown.links import Links
from tasks.services.markdown.names import SUFFIX, is_conflict_copy, title_of
from tasks.services.markdown.yaml_values import NULLS, write_text
from tasks.sides import Kind

#: What every note has.
TITLE, CONTENT, FOLDER = "title", "content", "folder"
#: Nanoseconds within which two edits may have one stamp: FAT counts in two seconds.
COARSE = 2_100_000_000


@dataclass(frozen=True)
class Note:
    """A note as it was read."""

    id: str
    path: str
    #: Of the bytes that were read.
    digest: str
    edited: datetime
    values: Mapping[str, Any]

    @property
    def title(self) -> str:
        """What people call it."""
        return str(self.values[TITLE])


@dataclass(frozen=True, slots=True)
class Form:
    """What notes of a folder are made of."""

    #: The keys of the id and of the title in the front matter; empty where they may not stand there.
    id_key: str
    title_key: str
    #: The keys that are attributes.
    kinds: Mapping[str, Kind]
    zone: tzinfo

    @property
    def own_keys(self) -> frozenset[str]:
        """The keys that are no attributes."""
        return frozenset({self.id_key, self.title_key, TITLE, CONTENT, FOLDER})

    def setting(self, links: Links, files: FileLinks) -> Setting:
        """What values depend on, with what links to notes lead to, and files that are none."""
        return Setting(self.zone, links, files)

    @property
    def file_keys(self) -> list[str]:
        """The keys whose values are files."""
        return [key for key, kind in self.kinds.items() if kind is Kind.FILE]


def digest_of(data: bytes) -> str:
    """What is equal for equal bytes only."""
    return hashlib.sha256(data).hexdigest()[:32]


def stem_at(path: str) -> str:
    """The name of a file without folder and suffix."""
    return path.rpartition("/")[2][: -len(SUFFIX)]


def edited_at(stamp: Stamp) -> datetime:
    """When a file was written or renamed last."""
    try:
        return datetime.fromtimestamp(max(stamp[:2]) / 1e9, UTC)
    except (ValueError, OverflowError, OSError):  # a clock that was far off
        return datetime(1970, 1, 1, tzinfo=UTC)


def is_settled(stamp: Stamp, now: int) -> bool:
    """Whether a file that is edited from now on gets another stamp."""
    return now - max(stamp[:2]) > COARSE


def seen_in(
    path: str, data: bytes, stamp: Stamp, form: Form, *, settled: bool
) -> tuple[Seen, Document | None]:
    """What is kept of a file, and its document, `None` where that cannot be read."""
    digest = digest_of(data)
    if is_conflict_copy(stem_at(path)):
        why = "is another version of a note, which a program that syncs files left; merge it by hand, and delete it"
        return Seen(path, stamp, "", "", settled=settled, unreadable=why), None
    try:
        document = parse(data)
    except NoteError as error:
        return Seen(path, stamp, digest, "", settled=settled, unreadable=str(error)), None
    content = digest_of(document.body.encode()) if document.body else ""
    shapes = fields.shapes_of(document.matter, form.own_keys)
    own = _word(document.matter, form.id_key) or None
    seen = Seen(path, stamp, digest, content, own, shapes, settled, lines=sketch(document.text))
    return seen, document


def values_of(path: str, document: Document, form: Form, setting: Setting) -> dict[str, Any]:
    """The values of a note."""
    found = {
        TITLE: title_of(stem_at(path), _word(document.matter, form.title_key)),
        CONTENT: document.content,
        FOLDER: path.rpartition("/")[0],
    }
    return found | {
        key: fields.read(kind, key, document.matter.get(key), setting) for key, kind in form.kinds.items()
    }


def _word(matter: FrontMatter, key: str) -> str | None:
    value = matter.get(key) if key else None
    if not isinstance(value, Scalar) or (value.plain and value.text in NULLS):
        return None
    return value.text


def changed(
    document: Document, changes: Mapping[str, Any], form: Form, setting: Setting, *, subject: str
) -> Document:
    """The document with other values but the title, which is its file's name.

    Raises:
        UnfitError: some do not fit.
        ItemError: there are no such attributes.
    """
    unknown = sorted(set(changes) - {TITLE, CONTENT, *form.kinds})
    if unknown:
        raise ItemError(f"{subject} has no {', '.join(unknown)} that can be written")
    unfit: dict[str, str] = {}
    for name, value in changes.items():
        try:
            match name:
                case "title":
                    _check_title(value)
                case "content":
                    if value is not None and not isinstance(value, str):
                        raise NoteError("the content is no text")  # told like any other misfit
                    document = document.with_content(value or "")
                case _:
                    matter = fields.write(form.kinds[name], name, document.matter, value, setting)
                    document = document.with_matter(matter)
        except ValueError as error:
            unfit[name] = str(error)
    if unfit:
        raise UnfitError(f"{subject}: {'; '.join(dict.fromkeys(unfit.values()))}", unfit)
    return document


def _check_title(title: Any) -> None:
    if title is not None and not isinstance(title, str):
        raise NoteError("the title is no text")
    try:
        (title or "").encode()
    except UnicodeEncodeError:
        raise NoteError("the title holds half a surrogate pair") from None


def titled(document: Document, title: str, stem: str, form: Form, *, subject: str) -> Document:
    """The document with its title, where the name of its file does not say it.

    Raises:
        UnfitError: it may not stand in the front matter, or not be read there as it was meant.
    """
    if title_of(stem, None) == title:
        return without(document, form.title_key)
    if not form.title_key:
        raise UnfitError(
            f"{subject}: no file can be called {title!r:.80} here, and nothing may say it in the front matter",
            [TITLE],
        )
    made = with_word(document, form.title_key, title, subject=subject)
    if title_of(stem, _word(made.matter, form.title_key)) != title:
        raise UnfitError(f"{subject}: no file can be called {title!r:.80}", [TITLE])
    return made


def with_word(document: Document, key: str, word: str, *, subject: str) -> Document:
    """The document with a key of our own in its front matter.

    Raises:
        ItemError: that cannot be.
    """
    if _word(document.matter, key) == word:
        return document
    try:
        written = write_text(word, None if word else '"')
        made = document.with_matter(document.matter.with_scalar(key, written))
    except ValueError as error:
        raise ItemError(f"{subject}: {error}") from None
    return made


def without(document: Document, key: str) -> Document:
    """The document without a key of our own; where it cannot be taken out, it says nothing any more."""
    if not key or document.matter.get(key) is None:
        return document
    return replace(document, matter=document.matter.without(key))
