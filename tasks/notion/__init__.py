"""The Notion side of a sync: a data source read completely and written with care."""

from tasks.notion.client import NotionClient
from tasks.notion.data_source import DataSource, Schema
from tasks.notion.page import Page
from tasks.notion.properties import Column
from tasks.notion.side import NotionSide
from tasks.notion.throttle import LocalThrottle, Throttle, use_throttles

__all__ = [
    "Column",
    "DataSource",
    "LocalThrottle",
    "NotionClient",
    "NotionSide",
    "Page",
    "Schema",
    "Throttle",
    "use_throttles",
]
