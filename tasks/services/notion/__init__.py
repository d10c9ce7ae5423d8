"""Notion as a side of a sync: a data source read completely and written with care."""

from tasks.services.notion.api.client import NotionClient
from tasks.services.notion.api.throttle import LocalThrottle, Throttle, use_throttles
from tasks.services.notion.columns.column import Column
from tasks.services.notion.pages.page import Page
from tasks.services.notion.rows.rows import Rows
from tasks.services.notion.service import SERVICE
from tasks.services.notion.side import DataSource
from tasks.services.notion.source.schema import Schema

__all__ = [
    "SERVICE",
    "Column",
    "DataSource",
    "LocalThrottle",
    "NotionClient",
    "Page",
    "Rows",
    "Schema",
    "Throttle",
    "use_throttles",
]
