"""The bytes of files on their way to Notion and from there."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import Json, NotionClient
from tasks.services.notion.columns.file_values import KEPT, file_of
from tasks.services.notion.pages.page import readable
from tasks.values.file import DIGEST, File

#: Bytes that Notion takes in one piece, and of each piece of what is larger.
ONE_PIECE = 20 * 1024 * 1024
PIECE = 10 * 1024 * 1024
#: Bytes of a file that are carried where nobody says otherwise.
MOST_BYTES = 100 * 1024 * 1024
#: Seconds for which an upload waits to be used; Notion forgets it after an hour.
USABLE = 3000.0
#: How often an upload is begun anew whose answers are lost.
TRIES = 3

log = logging.getLogger(__name__)


class Transfers:
    """Uploads and downloads of one run.

    Parameters:
        client: for the requests.
        most_bytes: of one file; larger ones are not carried.
    """

    def __init__(self, client: NotionClient, most_bytes: int = MOST_BYTES) -> None:
        self._client = client
        self._most_bytes = most_bytes
        self._workspace_takes: int | None = None
        #: Ids of finished uploads by file, and when they were finished.
        self._done: dict[File, tuple[str, float]] = {}

    # -- from Notion ----------------------------------------------------------------------------------------

    async def download(self, page_id: str, place: str, path: Path) -> None:
        """Write a file of a page into a file here.

        Raises:
            PreconditionError: the page does not hold it any more.
            ItemError: it cannot be read, or is too large.
        """
        for last in (False, True):
            raw = await self._client.read(f"pages/{page_id}", subject=f"page {page_id}")
            with readable(raw):
                entry = _entry_at(raw, place)
            if entry is None:
                raise PreconditionError(f"page {page_id} does not hold the file any more that was listed")
            subject = f"page {page_id}: file {str(entry.get('name'))[:100]!r}"
            try:
                await self._client.download(
                    str(entry["file"]["url"]), path, subject=subject, most_bytes=self._most_bytes
                )
            except RefusedError as error:  # an address that expired: the page shows another one
                if last:
                    raise ItemError(f"{subject} cannot be downloaded: {error.reason}") from None
            else:
                return

    async def digest(self, page_id: str, place: str) -> tuple[str, int]:
        """What the bytes of a file are known by, and how many they are; raises as `download`."""
        with TemporaryDirectory(prefix="lockstep-files-") as folder:
            path = Path(folder) / "file"
            await self.download(page_id, place, path)
            with path.open("rb") as data:
                return DIGEST + hashlib.file_digest(data, "sha256").hexdigest(), path.stat().st_size

    # -- to Notion ------------------------------------------------------------------------------------------

    async def check_sizes(self, files: Iterable[File]) -> None:
        """Make sure that files are small enough, as far as their sizes are known.

        Raises:
            ItemError: one is not.
        """
        for file in files:
            if file.size is not None:
                await self._check_size(file, file.size)

    async def _check_size(self, file: File, size: int) -> None:
        if size > self._most_bytes:
            raise ItemError(
                f"file {file.name!r} has {size:,} bytes; files of up to {self._most_bytes:,} are carried "
                "(max_file_mb of Notion)"
            )
        if size == 0:
            raise ItemError(f"file {file.name!r} is empty, and Notion takes no such file")
        most = await self._most_of_the_workspace()
        if size > most:
            raise ItemError(
                f"file {file.name!r} has {size:,} bytes; the workspace's plan takes files of up to {most:,}"
            )

    async def _most_of_the_workspace(self) -> int:
        if self._workspace_takes is None:
            answer = await self._client.read("users/me", subject="the integration")
            limits: Any = (answer.get("bot") or {}).get("workspace_limits") or {}
            said = limits.get("max_file_upload_size_in_bytes")
            self._workspace_takes = said if isinstance(said, int) else self._most_bytes
        return self._workspace_takes

    async def upload(self, file: File) -> str:
        """Bring the bytes of a file to Notion, where they wait to be used; gives the upload's id.

        Nobody sees an upload that is not used, and Notion forgets it after an hour: one whose answers are lost is
        begun anew.

        Raises:
            ItemError: Notion does not take it.
            SideError: Notion cannot be reached.
        """
        done = self._done.get(file)
        if done is not None and time.monotonic() - done[1] < USABLE:
            return done[0]
        if file.path is None:
            raise ItemError(f"file {file.name!r} cannot be uploaded without its bytes")
        size = file.path.stat().st_size
        await self._check_size(file, size)
        for last in (*[False] * (TRIES - 1), True):
            try:
                upload_id = await self._upload(file, file.path, size)
            except OutcomeUnknownError as error:
                if last:
                    raise ItemError(f"file {file.name!r} could not be uploaded: {error}") from None
                log.info("file of %d bytes: %s; it is uploaded anew", size, error)
                continue
            self._done[file] = upload_id, time.monotonic()
            return upload_id
        raise AssertionError("the last try returns or raises")

    async def _upload(self, file: File, path: Path, size: int) -> str:
        subject = f"upload of file {file.name[:100]!r}"
        kind = mimetypes.guess_type(file.name)[0]
        body: Json = {"mode": "single_part", "filename": file.name}
        pieces = 1 if size <= ONE_PIECE else -(-size // PIECE)
        if pieces > 1:
            body |= {"mode": "multi_part", "number_of_parts": pieces}
        if kind is not None:
            body["content_type"] = kind
        upload = await self._client.create("file_uploads", body, subject=subject)
        address = f"file_uploads/{upload['id']}"
        with path.open("rb") as data:
            for number in range(1, pieces + 1):
                piece = data.read(PIECE if pieces > 1 else size)
                form: Json = {"file": (file.name, piece, kind or "application/octet-stream")}
                if pieces > 1:
                    form["part_number"] = str(number)
                upload = await self._sent(f"{address}/send", address, form, subject, last=pieces == 1)
        if pieces > 1:
            upload = await self._sent(f"{address}/complete", address, None, subject, last=True)
        if upload.get("status") != "uploaded":
            raise OutcomeUnknownError(f"{subject}: Notion says that it is {upload.get('status')}")
        return str(upload["id"])

    async def _sent(self, path: str, address: str, form: Json | None, subject: str, *, last: bool) -> Json:
        """The upload after a step; where the answer to the last one is lost, Notion is asked how it stands."""
        try:
            return await self._client.create(path, {}, subject=subject, form=form)
        except OutcomeUnknownError:
            if not last:
                raise
            return await self._client.read(address, subject=subject)


def _entry_at(raw: Json, place: str) -> Json | None:
    """The entry of a page's files that is at a place."""
    for value in raw["properties"].values():
        for entry in value.get("files") or () if value["type"] == "files" else ():
            if place.startswith(KEPT) and "file" in entry and file_of(entry).place == place:
                found: Json = entry
                return found
    return None
