"""Pages as the objects of a side."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tasks.services.notion.pages.page import Page
from tasks.sides import ID, Side, title_key


class PagesSide(Side):
    """A side whose objects are pages of Notion's."""

    def id(self, obj: Page) -> ID:
        """The id of the page."""
        return obj.id

    def key(self, obj: Page) -> str:
        """The title without regard to case and outer blanks."""
        return title_key(obj.title)

    def edited(self, obj: Page) -> datetime:
        """When the page was edited last, floored to the minute."""
        return obj.last_edited

    def values(self, obj: Page) -> dict[str, Any]:
        """The values of the synced properties.

        Raises:
            ItemError: Notion may not have shown one as a whole.
        """
        obj.check_whole()
        return dict(obj.values)

    def title(self, obj: Page) -> str:
        """The title of the row."""
        return obj.title

    def address(self, obj: Page) -> str:
        """The address of the page in Notion."""
        return obj.url
