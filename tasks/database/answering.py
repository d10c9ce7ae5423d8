"""What an answer holds beside the page: records that end otherwise than the peer sent them."""

from __future__ import annotations

from dataclasses import replace

from tasks.database.collect import Collector, Page
from tasks.database.manifest import ModelPayload
from tasks.database.view import Cursor, PeerView


def fitted(
    page: Page,
    response: dict[str, ModelPayload],
    start: Cursor,
    collector: Collector,
    view: PeerView,
    *,
    at_once: bool,
) -> Page:
    """The page that goes with a response; the response keeps what can be sent now.

    What cannot be sent at all is noted. What is too much for one answer comes with later pages, and so does then
    the page itself, which began at `start`; not where all has to come `at_once`, as for who only looks: the same
    response would come with every answer.
    """
    page = replace(page, unsent=dict(page.unsent), mended=dict(page.mended))
    limit, size, later = collector.limit_for(view), 0, False
    for label, payload in response.items():
        for key, record in list(payload.records.items()):
            fields = view.unknown_fields(label, record)
            unsent = collector.unsendable(record, fields, view)
            if unsent is not None:
                del payload.records[key]
                page.unsent[label] = {**page.unsent.get(label, {}), key: unsent}
                continue
            if limit is not None:
                size += len(key) + len(record.encode())
                if size > limit:
                    del payload.records[key]
                    page.mended[label] = {*page.mended.get(label, ()), key}
                    later = True
    if limit is None or not size or at_once:
        return page
    weight = sum(
        len(key) + len(record.encode()) for p in page.payloads.values() for key, record in p.records.items()
    )
    if not later and size + weight <= limit:
        return page
    return Page(
        cursor=Cursor(start.floor, dict(start.places)),
        has_more=True,
        restamped=page.restamped,
        unsent=page.unsent,
        mended=page.mended,
    )
