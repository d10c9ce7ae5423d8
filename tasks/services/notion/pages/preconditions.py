"""What must hold for a row to be written: it is where and as it was listed, and Notion takes so much at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tasks.errors import ItemError, PreconditionError
from tasks.services.notion.api.client import Json
from tasks.services.notion.columns.column import Column
from tasks.services.notion.columns.computed import COMPUTED_TYPES
from tasks.services.notion.pages.page import Page, data_source_of, is_trashed
from tasks.values.canonical import same

#: Bytes of one write; Notion takes 500 kilobytes with what stands around the values.
LARGEST_WRITE = 490_000


def check_place(raw: Json, listed: Page) -> None:
    """Make sure that the row is still where it was listed.

    Raises:
        PreconditionError: it is in the trash, or in another data source.
    """
    if is_trashed(raw):
        raise PreconditionError(f"page {listed.id} was moved to the trash while the sync ran")
    if data_source_of(raw) != listed.data_source:
        raise PreconditionError(f"page {listed.id} was moved out of the data source while the sync ran")


def check_unchanged(
    listed: Page, now: Page, targets: Mapping[str, Any], columns: Mapping[str, Column]
) -> None:
    """Make sure that the properties of a row are as they were listed, or already as they are to be.

    What Notion itself computes is nobody's edit; the content of the page is looked at where it is written. Of a row
    that is known by its synced values alone, what is read of it beside them is not known.

    Raises:
        PreconditionError: somebody edited a synced value.
    """
    changed = [
        attr
        for attr, column in columns.items()
        if column.type not in COMPUTED_TYPES
        and attr in listed.values
        and not same(now.values[attr], listed.values[attr])
        and not (attr in targets and same(now.values[attr], targets[attr]))
    ]
    if changed:
        raise PreconditionError(
            f"page {now.id} was edited while the sync ran ({', '.join(sorted(changed))}); "
            "the next run takes it up"
        )


def check_size(properties: Json) -> None:
    """Make sure that a write is small enough.

    Raises:
        ItemError: it is not.
    """
    size = len(json.dumps(properties, ensure_ascii=False).encode())
    if size > LARGEST_WRITE:
        raise ItemError(
            f"the values are {size:,} bytes together, Notion takes at most {LARGEST_WRITE:,} at once"
        )
