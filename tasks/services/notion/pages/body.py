"""The content of pages as Markdown, read again only where a page may have been edited."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tasks.errors import ItemError, OutcomeUnknownError, PreconditionError, UnfitError
from tasks.services.notion.api.answers import RefusedError
from tasks.services.notion.api.client import NotionClient, Settled
from tasks.services.notion.pages.page import Page
from tasks.values.opaque import Opaque

Json = dict[str, Any]

#: Stands for the content of a page among the names of properties.
PAGE_BODY = "page body"

#: Seconds after which no edit gets the stamp any more that a page had at first: stamps are whole minutes.
SETTLED = 300.0

#: The same by Notion's own clock.
LONG_AGO = timedelta(minutes=2)

#: Bytes of one write.
LARGEST = 490_000

#: Bytes of a content that Notion may take its time with.
LARGE = 100_000

#: Addresses of files that Notion keeps change with every reading, and are of no use after an hour.
_SIGNED = re.compile(r"[?&](X-Amz-Signature|expirationTimestamp)=")


@dataclass(frozen=True)
class _Read:
    """What was read of a page."""

    #: When the page was edited last at that time, as Notion says it.
    stamp: str
    digest: str
    #: When that stamp was seen first, in seconds of this machine's clock.
    since: float
    #: Whether no further edit can have that stamp.
    settled: bool


class Bodies:
    """What is known of the contents of a task's pages."""

    def __init__(self) -> None:
        self._read: dict[str, _Read] = {}
        self._text_of: Callable[[str], Any] = lambda page_id: None

    def to_json(self) -> Any:
        """What a new process is to know; the texts themselves are kept with the values of the pages."""
        return {page_id: list(astuple(read)) for page_id, read in self._read.items()}

    def from_json(self, document: Any, text_of: Callable[[str], Any]) -> None:
        """Take over what `to_json` gave.

        Parameters:
            text_of: gives the content of a page as it was synced last; `None` where it was not.
        """
        self._read = {page_id: _Read(*read) for page_id, read in document.items()}
        self._text_of = text_of

    async def read(self, client: NotionClient, page: Page, newest: datetime) -> str | Opaque:
        """The content of a page; asked for only where the page may have been edited since it was read.

        Parameters:
            page: as it is now.
            newest: a stamp of Notion's, not later than now.
        """
        stamp, now = page.last_edited.isoformat(), time.time()
        known = self._read.get(page.id)
        since = now
        if known is not None and known.stamp == stamp and known.since <= now:
            text = self._text_of(page.id)
            if known.settled and text is not None and _digest(text) == known.digest:
                return text if isinstance(text, Opaque) else str(text)
            since = known.since
        body = await self.fetch(client, page.id)
        settled = now - since >= SETTLED or newest - page.last_edited >= LONG_AGO
        self._read[page.id] = _Read(stamp, _digest(body), since, settled)
        return body

    def keep(self, page_ids: Collection[str]) -> None:
        """Forget all pages but these."""
        self._read = {page_id: read for page_id, read in self._read.items() if page_id in page_ids}

    async def fetch(self, client: NotionClient, page_id: str) -> str | Opaque:
        """The content of a page as it is now."""
        return _body(await client.read(f"pages/{page_id}/markdown", subject=f"content of page {page_id}"))

    async def write(self, client: NotionClient, page_id: str, listed: Any, new: Any) -> str | Opaque:
        """Replace the content of a page, and return it as it is then.

        Parameters:
            listed: the content that the page had when it was listed.
            new: Markdown; `None` is the same as nothing.

        Raises:
            PreconditionError: the content was edited since.
            UnfitError: it holds what Markdown does not show, or Notion does not take the new one.
            ItemError: Notion does not let the page be written.
        """
        try:
            text = checked_body(new)
        except ItemError as error:
            raise _unfit(error) from None

        async def compose() -> Json | Settled:
            now = await self.fetch(client, page_id)
            if isinstance(now, Opaque):
                why = f"the content of page {page_id} cannot be replaced: {now.type}"
                raise UnfitError(why, [PAGE_BODY])
            if now == text:
                return Settled({"markdown": now})
            _check_unchanged(page_id, listed, now)
            new = {"type": "replace_content", "replace_content": {"new_str": text}}
            return new | {"allow_async": True} if is_large(text) else new

        subject = f"content of page {page_id}"
        try:
            answer = await client.set(f"pages/{page_id}/markdown", compose, subject=subject)
            # What is carried out later is proved by another look.
            return await self.fetch(client, page_id) if is_large(text) else _body(answer)
        except RefusedError as error:
            if error.status == 400 and "archived" in error.reason:
                raise PreconditionError(f"page {page_id} is in the trash by now") from None
            if error.status == 400:  # it is this content that Notion does not take
                raise _unfit(error) from None
            raise

    async def check_unchanged(self, client: NotionClient, page_id: str, listed: Any) -> None:
        """Make sure that the content of a page is as it was listed.

        Raises:
            PreconditionError: it was edited since.
        """
        _check_unchanged(page_id, listed, await self.fetch(client, page_id))

    async def made(self, client: NotionClient, page: Json, text: str) -> str | Opaque:
        """The content of a page that was just made with a text, as Notion shows it.

        Where somebody else has edited the page by now it is the text itself, so that their edit is told from it.

        Parameters:
            page: the answer to the request that made it.

        Raises:
            OutcomeUnknownError: the page is there, but its content may not be.
        """
        if not text:
            return ""
        page_id: str = page["id"]
        try:
            shown = await self.fetch(client, page_id)
            if shown == "":
                return await self.write(client, page_id, shown, text)
            if shown == text:
                return shown
            now = await client.read(f"pages/{page_id}", subject=f"page {page_id}")
            return shown if now["last_edited_by"]["id"] == page["last_edited_by"]["id"] else text
        except ItemError as error:
            raise OutcomeUnknownError(
                f"page {page_id} was made, but its content is not known: {error}"
            ) from None


def is_large(text: str) -> bool:
    """Whether Notion is let carry out a write later: it gives up one that takes longer than a minute."""
    return len(text.encode("utf-8", "replace")) > LARGE


def with_body(page: Page, body: str | Opaque) -> Page:
    """The page with its content among its values."""
    return replace(page, values={**page.values, PAGE_BODY: body})


def checked_body(value: Any) -> str:
    """Markdown that can be sent.

    Raises:
        ItemError: it is no text, or too long.
    """
    if value is not None and not isinstance(value, str):
        raise ItemError(f"the content of a page is text, not a value of type {type(value).__name__}")
    text = value or ""
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ItemError("the content of a page holds half a surrogate pair") from None
    if size > LARGEST:
        raise ItemError(f"the content of a page has {size:,} bytes, Notion takes at most {LARGEST:,} at once")
    return text


def _unfit(error: ItemError) -> UnfitError:
    return UnfitError(str(error), [PAGE_BODY])


def _check_unchanged(page_id: str, listed: Any, now: str | Opaque) -> None:
    if now != listed:
        raise PreconditionError(
            f"the content of page {page_id} was edited while the sync ran; the next run takes it up"
        )


def _body(answer: Json) -> str | Opaque:
    text = str(answer["markdown"])
    if answer.get("truncated"):
        return Opaque("longer than Notion shows as Markdown")
    if answer.get("unknown_block_ids"):
        return Opaque("blocks that Markdown does not show")
    if _SIGNED.search(text):
        return Opaque("files that Notion keeps")
    return text


def _digest(body: str | Opaque) -> str:
    text = f"opaque {body.type}" if isinstance(body, Opaque) else f"text {body}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
