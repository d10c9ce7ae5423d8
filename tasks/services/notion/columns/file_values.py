"""Values of files properties: what Notion keeps, by the path of its address, and links. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tasks.errors import ItemError
from tasks.services.notion.columns.column import Column, misfit, well_formed
from tasks.services.notion.columns.rich_text import length, text_of
from tasks.values.file import File, sorted_files

Json = dict[str, Any]

#: Most files in one value, longest name of a file and longest address.
MOST_FILES = 100
NAME_LENGTH = 100
ADDRESS_LENGTH = 2000

#: Before the path of a file that Notion keeps, and before the id of an upload that is to become one.
KEPT, UPLOAD = "notion:", "upload:"


def read_files(column: Column, held: Any) -> tuple[File, ...]:
    """The files of a value. What Notion keeps is known by its path: the rest of its address changes every hour."""
    return sorted_files(file_of(entry) for entry in held or ())


def file_of(entry: Json) -> File:
    """One entry of a files property, as Notion shows it or as it is sent."""
    name = text_of(entry.get("name") or "")
    if "external" in entry:
        return File.link(name, text_of(entry["external"]["url"]))
    if "file_upload" in entry:
        place = f"{UPLOAD}{text_of(entry['file_upload']['id'])}"
        return File(name, place, place=place)
    place = f"{KEPT}{urlsplit(text_of(entry['file']['url'])).path}"
    return File(name, place, place=place)


def write_files(column: Column, value: Any, held: Any) -> list[Json]:
    """The entries of a value: those that are there stay in their order, others follow.

    A file is found by its place among those that are held; one that is not needs the place of an upload.

    Raises:
        ItemError: its bytes are nowhere at Notion, or Notion does not take its name or address.
    """
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable | None):
        raise misfit(column, value, "a tuple of files")
    entries = list(held or ())
    files = list(value or ())
    if len(files) > MOST_FILES:
        raise ItemError(
            f"Notion property {column.name!r}: {len(files)} entries are too many, Notion takes at most {MOST_FILES}"
        )
    order: list[tuple[int, Json]] = []
    for file in files:
        if not isinstance(file, File):
            raise misfit(column, file, "files")
        place = _place_among(file, entries)
        if place is not None:
            order.append((place, _named(entries[place], file.name)))
        else:
            order.append((len(entries), _new_entry(column, file)))
    return [entry for _, entry in sorted(order, key=lambda one: one[0])]


def _place_among(file: File, entries: list[Json]) -> int | None:
    """Which entry holds a file: one of its name first."""
    there = [(n, one) for n, one in ((n, file_of(entry)) for n, entry in enumerate(entries))]
    found = [(n, one) for n, one in there if one.content == (file.place or file.content)]
    if file.address is not None:
        found = [(n, one) for n, one in found if one.name == file.name]
    found.sort(key=lambda one: one[1].name != file.name)
    return found[0][0] if found else None


def _named(entry: Json, name: str) -> Json:
    return entry if text_of(entry.get("name") or "") == name else {**entry, "name": name}


def _new_entry(column: Column, file: File) -> Json:
    where = f"Notion property {column.name!r}: file {file.name[:NAME_LENGTH]!r}"
    check_name(column, file)
    address = file.address
    if address is not None:
        if not address.startswith(("http://", "https://")) or length(address) > ADDRESS_LENGTH:
            raise ItemError(f"{where} must have an http address of at most {ADDRESS_LENGTH:,} characters")
        well_formed(column, address)
        return {"name": file.name, "type": "external", "external": {"url": address}}
    if not file.place.startswith(UPLOAD):
        raise ItemError(f"{where} cannot be written without its bytes")
    upload = file.place.removeprefix(UPLOAD)
    return {"name": file.name, "type": "file_upload", "file_upload": {"id": upload}}


def check_name(column: Column, file: File) -> None:
    """Make sure that Notion takes the name of a file.

    Raises:
        ItemError: it does not.
    """
    if not file.name or length(well_formed(column, file.name)) > NAME_LENGTH:
        raise ItemError(
            f"Notion property {column.name!r}: file {file.name[:NAME_LENGTH]!r} must have a name of at most "
            f"{NAME_LENGTH} characters"
        )


def placed(files: Iterable[File], held: Iterable[File], uploads: Mapping[File, str]) -> tuple[File, ...]:
    """Files with the places that a write names: where Notion has their content already, else of their uploads.

    Args:
        files: what is to be written.
        held: what the property holds, with all that is known of its contents.
        uploads: ids of uploads, by file.
    """
    free = list(held)
    found: list[File] = []
    for file in sorted(files, key=lambda one: not any(one == other for other in free)):
        there = next(
            (one for one in free if one == file),
            next((one for one in free if one.content == file.content), None),
        )
        if file.address is not None:
            found.append(file)
        elif there is not None:
            free.remove(there)
            found.append(replace(file, place=there.place))
        elif file in uploads:
            found.append(replace(file, place=f"{UPLOAD}{uploads[file]}"))
        else:
            found.append(replace(file, place=""))
    return tuple(found)
