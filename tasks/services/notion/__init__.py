"""Notion as a side of a sync: a data source read completely and written with care."""

from tasks.services.notion.client import NotionClient
from tasks.services.notion.column import Column
from tasks.services.notion.page import Page
from tasks.services.notion.rows import Rows
from tasks.services.notion.schema import Schema
from tasks.services.notion.service import SERVICE
from tasks.services.notion.side import DataSource
from tasks.services.notion.throttle import LocalThrottle, Throttle, use_throttles

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
