"""The Notion side of a sync: a data source read completely and written with care."""

from tasks.services.notion.client import NotionClient
from tasks.services.notion.data_source import DataSource, Schema
from tasks.services.notion.page import Page
from tasks.services.notion.properties import Column
from tasks.services.notion.side import NotionSide
from tasks.services.notion.throttle import LocalThrottle, Throttle, use_throttles

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
