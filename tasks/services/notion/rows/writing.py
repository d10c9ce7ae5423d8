"""Writes of rows: looked at right before, in one request each, and given up where somebody was there in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.clock import boot_seconds
from tasks.errors import ItemError, UnfitError
from tasks.services.notion.api.client import Json, NotionClient, Settled
from tasks.services.notion.columns.column import Column
from tasks.services.notion.columns.properties import decode, encode, keeps_more
from tasks.services.notion.pages.body import PAGE_BODY, Bodies, checked_body, is_large, with_body
from tasks.services.notion.pages.page import Page, data_source_of, is_trashed
from tasks.services.notion.pages.preconditions import check_size, check_unchanged
from tasks.services.notion.rows.files import RowFiles
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.rows import Rows
from tasks.sides import ID, File
from tasks.values.canonical import same


class Writer:
    """Writes rows of one run.

    Parameters:
        client: for the requests.
        rows: of the data source.
        reader: of the same run.
        bodies: contents of pages.
        files: of rows.
    """

    def __init__(
        self, client: NotionClient, rows: Rows, reader: Reader, bodies: Bodies, files: RowFiles
    ) -> None:
        self._client = client
        self._rows = rows
        self._reader = reader
        self._bodies = bodies
        self._files = files

    async def create(self, values: Mapping[str, Any]) -> Page:
        """Make a row with these values.

        Raises:
            ItemError: Notion does not take a value.
            OutcomeUnknownError: the row may have been made.
        """
        with_bodies = self._reader.with_bodies
        text = checked_body(values.get(PAGE_BODY)) if with_bodies else ""
        properties: Json = {}
        sent: dict[str, tuple[File, ...]] = {}
        uploads = await self._files.upload(values)
        for attr, value in values.items():
            if not (with_bodies and attr == PAGE_BODY):
                column, new = self._written(attr), value
                if column.type == "files":
                    new = sent[column.id] = self._files.placed(None, column, value, uploads)
                properties[column.id] = encode(column, new)
        check_size(properties | {"markdown": text})
        begun = boot_seconds()
        # A large content follows by a write that sets it, so that one that is carried out late makes no second row.
        raw = await self._rows.create(properties, "" if is_large(text) else text)
        self._files.learn(raw, None, sent)
        made = self._reader.wrote(await self._reader.page(raw), begun)
        if not with_bodies:
            return made
        return with_body(made, await self._bodies.made(self._client, raw, text))

    async def update(self, page: Page, changes: Mapping[str, Any]) -> Page:
        """Set properties in one write and return the row as it is then.

        Properties that hold their new value already are not sent, so that their formatting stays. Those that are taken
        along go with others, or where they are all that is to be written.

        Raises:
            PreconditionError: the row was changed, moved or trashed since it was listed.
            UnfitError: Notion does not take some of the values; nothing was written.
        """
        self._check_fit(page, changes)
        uploads = await self._files.upload(changes)
        if not self._reader.with_bodies:
            return await self._update_properties(page, changes, uploads)
        properties = {attr: value for attr, value in changes.items() if attr != PAGE_BODY}
        body = page.values[PAGE_BODY]
        if PAGE_BODY in changes:
            body = await self._bodies.write(self._client, page.id, body, changes[PAGE_BODY])
        if not properties:
            return with_body(page, body)
        # A content takes long to write: a look at all rows from before that says little of this one.
        now = await self._update_properties(page, properties, uploads, alone=PAGE_BODY in changes)
        return with_body(now, body)

    def _check_fit(self, page: Page, changes: Mapping[str, Any]) -> None:
        """Make sure, before anything is sent, that Notion takes every value.

        Raises:
            UnfitError: it does not take some.
        """
        unfit: dict[str, str] = {}
        for attr, value in changes.items():
            if attr == PAGE_BODY:
                continue
            column = self._written(attr)
            synced = attr in self._reader.columns
            if column.type == "files" or (synced and keeps_more(column) and not page.properties):
                continue  # what the row holds, which decides, is not known yet
            try:
                encode(column, value, page.property(column))
            except ItemError as error:
                unfit[attr] = str(error)
        if unfit:
            raise UnfitError(f"page {page.id}: {'; '.join(unfit.values())}", unfit)

    async def _update_properties(
        self, page: Page, changes: Mapping[str, Any], uploads: Mapping[File, str], *, alone: bool = False
    ) -> Page:
        synced = self._reader.columns
        wanted = {attr: (synced[attr], value) for attr, value in changes.items() if attr in synced}
        along = {
            column.id: encode(column, changes[attr])
            for attr, column in self._reader.along.items()
            if attr in changes
        }
        needs_all = alone or (
            any(keeps_more(column) for column, _ in wanted.values()) and not page.properties
        )
        now, begun, attempts = page, 0.0, 0
        files: dict[str, tuple[File, ...]] = {}

        async def compose() -> Json | Settled:
            nonlocal now, begun, attempts
            attempts += 1  # what came before a repeated one may have been applied, or have met another write
            now = await self._reader.as_it_is(page, alone=needs_all or attempts > 1)
            begun = boot_seconds()
            properties: Json = {}
            targets: dict[str, Any] = {}
            files.clear()
            for column, value in wanted.values() if attempts > 1 else ():
                if column.type == "files":  # the write before this one may have attached them
                    await self._files.recognise(now, column, value or ())
            contents, columns = self._reader.contents, self._reader.columns
            now, listed = contents.named(now, columns), contents.named(page, columns)
            for attr, (column, new) in wanted.items():
                value = new
                if column.type == "files":
                    value = files[column.id] = self._files.placed(now, column, new, uploads)
                sent = encode(column, value, now.property(column))
                targets[attr] = decode(column, sent)
                if column.type == "files":
                    targets[attr] = contents.known(page.id, targets[attr])
                if not same(now.values[attr], targets[attr]):
                    properties[column.id] = sent
            check_unchanged(listed, now, targets, self._reader.columns)
            if properties or not wanted:
                properties |= along
            check_size(properties)
            return {"properties": properties} if properties else Settled({})

        async with self._reader.edits.writing():
            answer = await self._rows.update(page.id, compose)
            # A look at all rows does not tell of one that was moved away meanwhile.
            if answer:
                self._files.learn(answer, now, files)
                return self._reader.wrote(await self._reader.again(answer, page), begun)
            if now is not page:  # it has its values already, of which the next listing may know nothing
                self._reader.note(now)
            return now

    async def trash(self, page: Page) -> None:
        """Move a row to the trash.

        Raises:
            PreconditionError: the row was changed or moved since it was listed.
        """

        async def compose() -> Json | Settled:
            if self._reader.with_bodies:
                await self._bodies.check_unchanged(self._client, page.id, page.values[PAGE_BODY])
            raw = await self._rows.get(page.id)
            if is_trashed(raw):
                return Settled(raw)
            check_unchanged(page, await self._reader.again(raw, page), {}, self._reader.columns)
            return {"in_trash": True}

        await self._rows.update(page.id, compose)
        self._reader.note_trashed(page.id)

    async def restore(self, page_id: ID) -> Page | None:
        """Take a row out of the trash, with all that was never synced; `None` where it is gone for good or elsewhere.

        Raises:
            ItemError: Notion refuses, as for a row of a database that is in the trash itself.
            OutcomeUnknownError: it may be out of the trash.
        """
        raw = await self._reader.shown(page_id)
        if raw is None or data_source_of(raw) != self._rows.id:
            return None
        begun = boot_seconds()
        if is_trashed(raw):
            raw = await self._rows.update(page_id, {"in_trash": False})
        page = self._reader.wrote(await self._reader.page(raw), begun)
        return await self._reader.with_content(page)

    def _written(self, attr: str) -> Column:
        column = self._reader.columns.get(attr) or self._reader.along.get(attr)
        if column is None:
            raise ItemError(
                f"the task does not sync a Notion property {attr!r}; add it to the mapping of the task"
            )
        return column
