"""Notion's ids, in the forms in which people copy them."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import urlsplit
from uuid import UUID

from tasks.errors import TaskDefinitionError

_UUID_AT_END = re.compile(
    r"(?:^|[^0-9a-f])([0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/?$", re.IGNORECASE
)


def parse_id(text: str) -> str:
    """The id with dashes, from an id with or without them or from a link that was copied in Notion.

    Raises:
        TaskDefinitionError: there is no id in the text.
    """
    found = _UUID_AT_END.search(urlsplit(text.strip()).path)
    if found is None:
        raise TaskDefinitionError(
            f"{text!r} holds no Notion id: give the 32 digits of a data source or database, or its link"
        )
    return str(UUID(found.group(1)))


def ids_among(*texts: object) -> frozenset[str]:
    """Those of the values that are ids, with dashes."""
    found = set()
    for text in texts:
        with suppress(TaskDefinitionError):
            found.add(parse_id(text) if isinstance(text, str) else "")
    return frozenset(found - {""})
