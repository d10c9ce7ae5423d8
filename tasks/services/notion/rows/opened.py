"""What belongs to one run over the rows of a data source, from its first request to its last."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.pages.body import Bodies
from tasks.services.notion.rows.files import RowFiles
from tasks.services.notion.rows.reading import Reader
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.rows.writing import Writer


@dataclass(frozen=True)
class Opened:
    """A data source that is open."""

    client: NotionClient
    rows: Rows
    reader: Reader
    files: RowFiles

    def writer(self, bodies: Bodies) -> Writer:
        """What writes its rows, with what is known of the contents of pages."""
        return Writer(self.client, self.rows, self.reader, bodies, self.files)
