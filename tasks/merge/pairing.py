"""Which records without a link are the same thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tasks.merge.model import ID, Intent, Record, Side
from tasks.values import canonical, same


def settle_intents(
    intents: Sequence[Intent], unlinked: Mapping[Side, Sequence[Record]], linked: Mapping[Side, set[ID]]
) -> list[tuple[Intent, Record]]:
    """For each create whose outcome is unknown, the object that it made, if it is there.

    An object counts as made by it when it shows every value that was to be written. Where none does, the
    create did not arrive, or the service changed what was written: then pairing by hash decides.
    """
    settled: list[tuple[Intent, Record]] = []
    taken: set[tuple[Side, ID]] = set()
    for intent in sorted(intents, key=lambda intent: intent.key):
        if intent.source_id in linked[intent.side.opposite]:
            continue
        for record in unlinked[intent.side]:
            if (intent.side, record.id) not in taken and _shows(record, intent):
                taken.add((intent.side, record.id))
                settled.append((intent, record))
                break
    return settled


def _shows(record: Record, intent: Intent) -> bool:
    return all(
        name in record.values and same(record.values[name], value) for name, value in intent.values.items()
    )


def pair_by_hash(
    notion: Sequence[Record], other: Sequence[Record], attributes: Sequence[str]
) -> list[tuple[Record, Record]]:
    """Pairs of records with equal hash, each record in one pair at most, in a stable order.

    Among several with one hash, those equal in every attribute are paired first, then the rest by id; what
    is left over has no pair. An empty hash says nothing: then only full equality pairs.
    """
    pairs: list[tuple[Record, Record]] = []
    for full in (True, False):
        taken = {id(record) for pair in pairs for record in pair}
        waiting: dict[object, list[Record]] = defaultdict(list)
        for record in sorted(other, key=lambda record: record.id, reverse=True):
            if id(record) not in taken and (full or record.hash):
                waiting[_key(record, attributes, full)].append(record)
        for record in sorted(notion, key=lambda record: record.id):
            if id(record) not in taken and (full or record.hash) and waiting[_key(record, attributes, full)]:
                pairs.append((record, waiting[_key(record, attributes, full)].pop()))
    return sorted(pairs, key=lambda pair: pair[0].id)


def _key(record: Record, attributes: Sequence[str], full: bool) -> object:
    if not full:
        return record.hash
    return record.hash, tuple(canonical(record.values[name]) for name in attributes)
