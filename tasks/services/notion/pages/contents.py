"""What is known of the bytes of files: the paths of Notion's addresses, and the digests that were learned of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.page import Page
from tasks.sides import ID
from tasks.values.file import File, holds_files, sorted_files


class Contents:
    """The digests of files of one run. Notion itself tells none."""

    def __init__(self, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        self.recall(synced)
        self._learned: dict[tuple[ID, str], tuple[str, int | None]] = {}

    def recall(self, synced: Mapping[ID, Mapping[str, Any]]) -> None:
        """Take over what pages showed when they were synced last: there stands what was learned when bytes moved.

        A file goes on being shown as it was then, so that nothing that is learned later looks like an edit.
        """
        self._synced = synced

    def learn(self, page_id: ID, place: str, content: str, size: int | None) -> None:
        """Take in what a file holds."""
        self._learned[page_id, place] = content, size

    def named(self, page: Page, columns: Mapping[str, Column]) -> Page:
        """The page with all that is known of its files."""
        changed = {
            name: self.known(page.id, page.values[name])
            for name, column in columns.items()
            if column.type == "files" and holds_files(page.values.get(name))
        }
        return replace(page, values={**page.values, **changed}) if changed else page

    def known(self, page_id: ID, files: Iterable[File]) -> tuple[File, ...]:
        """Files of a page with what is known of them."""
        return sorted_files(self._one(page_id, file) for file in files)

    def _one(self, page_id: ID, file: File) -> File:
        if file.is_known:
            return file
        content, size = self._learned.get((page_id, file.place)) or self._before(page_id, file.place)
        return replace(file, content=content, size=size) if content else file

    def _before(self, page_id: ID, place: str) -> tuple[str, int | None]:
        for value in self._synced.get(page_id, {}).values():
            if holds_files(value):
                for file in value:
                    if isinstance(file, File) and file.place == place and file.is_known:
                        return file.content, file.size
        return "", None
