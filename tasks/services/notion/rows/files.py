"""The files of rows: which of them Notion lacks, how the others are found again, and how new ones are attached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasks.errors import ItemError, PreconditionError, UnfitError
from tasks.services.notion.api.client import Json
from tasks.services.notion.columns.column import Column
from tasks.services.notion.columns.file_values import UPLOAD, check_name, file_of, placed, read_files
from tasks.services.notion.pages.page import Page, readable
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.transfers import Transfers
from tasks.values.file import File


class RowFiles:
    """Files of the rows of one run.

    Parameters:
        transfers: of their bytes.
        reader: of the same run.
    """

    def __init__(self, transfers: Transfers, reader: Reader) -> None:
        self.transfers = transfers
        self._reader = reader

    async def lacking(self, page: Page | None, attr: str, files: Sequence[File]) -> list[File]:
        """Which of some files a property does not hold yet, by their content.

        Raises:
            ItemError: Notion does not take one by its name or size.
        """
        column = self._reader.columns.get(attr)
        if column is None:
            raise ItemError(f"the task does not sync a Notion property {attr!r}")
        for file in files:
            check_name(column, file)
        held: tuple[File, ...] = ()
        if page is not None:
            now = page if page.properties else await self._reader.as_it_is(page, alone=True)
            await self.recognise(now, column, files)
            held = self._held(now, column)
        contents = {one.content for one in held}
        lacking = [file for file in files if file.address is None and file.content not in contents]
        await self.transfers.check_sizes(lacking)
        return lacking

    async def recognise(self, page: Page, column: Column, files: Iterable[File]) -> None:
        """Read those files of a property of which only the name is known, if it is that of one that is to be there.

        Such a file may have come by a write whose answer was lost, or before the task was; it is not to be there twice.
        """
        wanted = {(file.name, file.content) for file in files if file.is_known and file.address is None}
        held = self._held(page, column)
        missing = wanted - {(one.name, one.content) for one in held}
        for one in held:
            if not one.is_known and any(name == one.name for name, _ in missing):
                try:
                    content, size = await self.transfers.digest(page.id, one.place)
                except PreconditionError:
                    raise
                except ItemError:  # too large, say: then it is not one of those that were carried
                    continue
                self._reader.contents.learn(page.id, one.place, content, size)

    def _held(self, page: Page, column: Column) -> tuple[File, ...]:
        value = page.property(column)
        with readable({"id": page.id}):
            held = read_files(column, value["files"]) if value else ()
        return self._reader.contents.known(page.id, held)

    async def upload(self, values: Mapping[str, Any]) -> dict[File, str]:
        """Bring the bytes that came with values to Notion; gives the ids of the uploads.

        Raises:
            UnfitError: Notion does not take some.
        """
        uploads: dict[File, str] = {}
        unfit: dict[str, str] = {}
        for attr, value in values.items():
            column = self._reader.columns.get(attr)
            if column is None or column.type != "files":
                continue
            for file in value or ():
                if isinstance(file, File) and file.path is not None and file not in uploads:
                    try:
                        uploads[file] = await self.transfers.upload(file)
                    except ItemError as error:
                        unfit[attr] = str(error)
        if unfit:
            raise UnfitError("; ".join(unfit.values()), unfit)
        return uploads

    def placed(
        self, page: Page | None, column: Column, value: Any, uploads: Mapping[File, str]
    ) -> tuple[File, ...]:
        """Files with the places under which they are sent."""
        held = () if page is None else self._held(page, column)
        return placed(value or (), held, uploads)

    def learn(self, raw: Json, page: Page | None, sent: Mapping[str, tuple[File, ...]]) -> None:
        """Take in under which paths Notion shows what was uploaded.

        Parameters:
            raw: the answer to the write.
            page: the row before it; `None` for a new one.
            sent: by column id, the files of the write with their places.
        """
        with readable(raw):
            by_id = {value["id"]: value["files"] for value in raw["properties"].values() if "files" in value}
            for column_id, files in sent.items():
                column = Column("", column_id, "files")
                before = set() if page is None else {one.place for one in self._held(page, column)}
                entries = [file_of(entry) for entry in by_id.get(column_id, ())]
                fresh = [one for one in entries if one.address is None and one.place not in before]
                for file in (one for one in files if one.place.startswith(UPLOAD)):
                    there = next((one for one in fresh if one.name == file.name), None)
                    if there is not None:
                        fresh.remove(there)
                        self._reader.contents.learn(raw["id"], there.place, file.content, file.size)
