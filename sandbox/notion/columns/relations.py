"""Two-way relations: what is written on one page appears on the other."""

from __future__ import annotations

from sandbox.notion.columns.columns import Column, mirror_of
from sandbox.notion.requests.call import Call
from sandbox.notion.state.stored import Stored


def write_relation(call: Call, column: Column, page: Stored, targets: list[str]) -> None:
    """Set the related pages of `page`, which the caller saves; mirrors are saved here."""
    before = page.doc["values"].get(column.id, [])
    page.doc["values"][column.id] = targets
    mirror = mirror_of(call, column)
    if mirror is None:
        return
    _, other = mirror
    for page_id in dict.fromkeys([*before, *targets]):
        if (page_id in before) == (page_id in targets):
            continue
        linked = page if page_id == page.id else call.store.get(page_id)
        if linked is None:
            continue
        back = [known for known in linked.doc["values"].get(other.id, []) if known != page.id]
        linked.doc["values"][other.id] = [*back, page.id] if page_id in targets else back
        if linked is not page:
            call.store.save(linked)
